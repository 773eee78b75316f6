package wire

import (
	"net/http"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/failure"
)

// TestAddUsage inserts one option and leaves every other byte as it was.
func TestAddUsage(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"none", ` { "stream": true, "a": 1.0 } `, ` {"stream_options":{"include_usage":true}, "stream": true, "a": 1.0 } `},
		{"null", `{"stream":true,"stream_options": null}`, `{"stream":true,"stream_options": {"include_usage":true}}`},
		{"empty", `{"stream_options":{ },"stream":true}`, `{"stream_options":{"include_usage":true },"stream":true}`},
		{"others", `{"stream_options":{"include_obfuscation":false},"stream":true}`,
			`{"stream_options":{"include_usage":true,"include_obfuscation":false},"stream":true}`},
		{"false", `{"stream_options":{"a":1,"include_usage" : false },"stream":true}`,
			`{"stream_options":{"a":1,"include_usage" : true },"stream":true}`},
		{"escaped", `{"stream":true,"stream_\u006fptions":{"include_us\u0061ge":false}}`,
			`{"stream":true,"stream_\u006fptions":{"include_us\u0061ge":true}}`},
		{"asked", `{"stream":true,"stream_options":{"include_usage":true}}`, ""},
		{"no stream", `{"stream":false}`, ""},
		{"within a message", `{"messages":[{"stream_options":{}}],"stream":true}`,
			`{"stream_options":{"include_usage":true},"messages":[{"stream_options":{}}],"stream":true}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			ask, err := openAIChat.Read("", http.Header{}, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			added := test.want != ""
			if !added {
				test.want = test.body
			}
			if got := string(openAIChat.AddUsage(&ask, []byte(test.body))); got != test.want || ask.UsageAdded != added {
				t.Errorf("%s, %v\nwant %s", got, ask.UsageAdded, test.want)
			}
		})
	}
}

// TestMistralGetsNoOptions: it refuses fields that it does not know.
func TestMistralGetsNoOptions(t *testing.T) {
	ask := Ask{Stream: true}
	if body := mistralChat.AddUsage(&ask, []byte(`{"stream":true}`)); string(body) != `{"stream":true}` || ask.UsageAdded {
		t.Errorf("%s, %+v", body, ask)
	}
}

// TestRequestsThatCantBe are refused, and not sent on.
func TestRequestsThatCantBe(t *testing.T) {
	for _, test := range []struct{ name, format, kind, coding, body, want string }{
		{"nothing", "openai.chat", "", "", "", "the body must be a JSON object"},
		{"a list", "openai.chat", "", "", "[]", "the body must be a JSON object"},
		{"half", "openai.chat", "", "", `{"model":"a`, "the body is no complete JSON object"},
		{"two", "openai.chat", "", "", `{"model":"a"}{"model":"b"}`, "the body has more after its JSON object"},
		{"no JSON", "openai.chat", "", "", `{model:"a"}`, "the body is no JSON: "},
		{"twice within", "openai.chat", "", "", `{"stream_options":{"include_usage":true,"include_usage":false}}`,
			`the body names "include_usage" twice`},
		{"twice, escaped", "openai.chat", "", "", `{"model":"a","m\u006fdel":"b"}`, `the body names "model" twice`},
		{"gzip", "openai.chat", "", "gzip", "{}", `the request is encoded as "gzip": send it as it is`},
		{"a form", "openai.chat", "multipart/form-data; boundary=b", "", "--b--\r\n", "the body is no JSON: "},
		{"no boundary", "openai.images", "multipart/form-data", "", "", "the form has no boundary in its Content-Type"},
		{"half a form", "openai.images", "multipart/form-data; boundary=b", "", "--b\r\nContent-Disp",
			"the body is no complete form: "},
		{"encoded part", "openai.images", "multipart/form-data; boundary=b", "", "--b\r\nContent-Disposition: form-data; " +
			"name=\"model\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--b--\r\n",
			`the part "model" is encoded as "base64": send it as it is`},
		{"many parts", "openai.images", "multipart/form-data; boundary=b", "",
			strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n", 101) + "--b--\r\n",
			"the form has more than 100 parts"},
	} {
		t.Run(test.name, func(t *testing.T) {
			format, _ := Named(test.format)
			h := http.Header{"Content-Type": {test.kind}, "Content-Encoding": {test.coding}}
			_, err := format.Read("", h, strings.NewReader(test.body))
			if !failure.Is(err, failure.Invalid) || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

// TestMediaCountByNumber: a megabyte of base64 is an image, and not 700,000 tokens.
func TestMediaCountByNumber(t *testing.T) {
	data := strings.Repeat("iVBORw0KGgoAAAANSUhEUg", 50_000)
	for _, test := range []struct {
		format, body string
		tokens       int64
	}{
		{"openai.chat", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;` +
			`base64,DATA"}},{"type":"input_audio","input_audio":{"data":"DATA","format":"mp3"}},{"type":"file","file":` +
			`{"file_data":"DATA"}}]}]}`, tokensOfMessage + tokensOfImage + tokensOfAudio + tokensOfDocument},
		{"openai.responses", `{"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:DATA"},` +
			`{"type":"input_file","file_data":"DATA"}]}]}`, tokensOfMessage + tokensOfImage + tokensOfDocument},
		{"anthropic.messages", `{"messages":[{"role":"user","content":[{"type":"image","source":{"data":"DATA",` +
			`"type":"base64","media_type":"image/png"}},{"type":"document","source":{"type":"base64","media_type":` +
			`"application/pdf","data":"DATA"}},{"type":"tool_result","content":[{"type":"image","source":{"type":"base64",` +
			`"media_type":"image/png","data":"DATA"}}]}]}]}`, tokensOfMessage + 2*tokensOfImage + tokensOfDocument},
		{"gemini.generate", `{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"DATA"}},{"inline_data":` +
			`{"mime_type":"video/mp4","data":"DATA"}},{"fileData":{"fileUri":"https://x","mimeType":"application/pdf"}}]}]}`,
			tokensOfMessage + tokensOfImage + tokensOfVideo + tokensOfDocument},
	} {
		format, _ := Named(test.format)
		ask, err := format.Read("", http.Header{}, strings.NewReader(strings.ReplaceAll(test.body, "DATA", data)))
		if got := ask.Quantities.Tokens(); err != nil || got != test.tokens {
			t.Errorf("%s: %d tokens, want %d (%v)", test.format, got, test.tokens, err)
		}
	}
}
