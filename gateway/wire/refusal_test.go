package wire

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// TestRefusals are the forms that the vendors' own clients read.
func TestRefusals(t *testing.T) {
	quota := Refusal{Kind: QuotaUsedUp, Message: "You have used all 50 calls of July.", Code: "limit_exceeded",
		RequestID: "req_1", Beside: []Beside{{"provider", jsontext.Value(`"gemini"`)}, {"error", jsontext.Value(`1`)}}}
	for _, test := range []struct {
		name  string
		style Style
		r     Refusal
		want  string
	}{
		{"openai", OpenAIStyle, quota, `{"error":{"message":"You have used all 50 calls of July.",` +
			`"type":"insufficient_quota","param":null,"code":"limit_exceeded"},"provider":"gemini"}`},
		{"anthropic", AnthropicStyle, quota, `{"type":"error","error":{"type":"rate_limit_error",` +
			`"message":"You have used all 50 calls of July."},"request_id":"req_1","provider":"gemini"}`},
		{"gemini", GeminiStyle, quota, `{"error":{"code":429,"message":"You have used all 50 calls of July.",` +
			`"status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",` +
			`"reason":"limit_exceeded","domain":"alwrity-sub"}]},"provider":"gemini"}`},
		{"plain", PlainStyle, quota, `{"error":"You have used all 50 calls of July.",` +
			`"message":"You have used all 50 calls of July.","code":"limit_exceeded","provider":"gemini"}`},
		{"openai's own code", OpenAIStyle, Refusal{Kind: Unauthenticated, Message: "no"},
			`{"error":{"message":"no","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
		{"anthropic, no id", AnthropicStyle, Refusal{Kind: Overloaded, Message: "no"},
			`{"type":"error","error":{"type":"overloaded_error","message":"no"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			kind, body := test.style.Refusal(test.r)
			if string(body) != test.want || kind != "application/json; charset=utf-8" {
				t.Errorf("%s\n%s\nwant\n%s", kind, body, test.want)
			}
		})
	}
}

// TestStreamErrors are events that end a stream: Anthropic's clients look at their name, others at their data.
func TestStreamErrors(t *testing.T) {
	r := Refusal{Kind: VendorAway, Message: "the vendor broke off\nin a line"}
	for style, want := range map[Style]string{
		OpenAIStyle:    "data: {\"error\":",
		AnthropicStyle: "event: error\ndata: {\"type\":\"error\"",
		GeminiStyle:    "data: {\"error\":{\"code\":502,",
		PlainStyle:     "data: {\"error\":",
	} {
		event := string(style.StreamError(r))
		if !strings.HasPrefix(event, want) || !strings.HasSuffix(event, "}\n\n") || strings.Count(event, "\n") > 3 {
			t.Errorf("%d: %q", style, event)
		}
	}
}

// TestKinds has a status, and a word in each form, for every kind.
func TestKinds(t *testing.T) {
	for kind := range kindCount {
		if kind.Status() < 400 {
			t.Errorf("%d has the status %d", kind, kind.Status())
		}
		for style := PlainStyle; style <= GeminiStyle; style++ {
			_, body := style.Refusal(Refusal{Kind: kind, Message: "m"})
			if !json.Valid(body) || strings.Contains(string(body), `""`) {
				t.Errorf("%s", body)
			}
		}
	}
}
