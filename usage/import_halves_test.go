package usage

import (
	"bufio"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Of each row either all that counts is understood, or it is rejected and says why.
func TestNoHalfRows(t *testing.T) {
	const call = `"user_id":"a","provider":"openai","model":"m","time":"2026-11-20"`
	for _, c := range []struct{ name, row, want string }{
		{"old spend log of a failed call",
			`{` + call + `,"prompt_tokens":10,"metadata":{"status":"failure","error_information":{"error_message":"x"}}}`,
			"500 input_tokens=10 error_message=x"},
		{"LiteLLM's cache", `{` + call + `,"prompt_tokens":10,"cache_hit":"True"}`, "came out of a cache"},
		{"no cache", `{` + call + `,"prompt_tokens":10,"cache_hit":"False"}`, "200 input_tokens=10"},
		{"Helicone's cache", `{` + call + `,"prompt_tokens":10,"cache_reference_id":"7f3e"}`, "came out of a cache"},
		{"Helicone without", `{` + call + `,"prompt_tokens":10,"cache_reference_id":"00000000-0000-0000-0000-000000000000"}`,
			"200 input_tokens=10"},
		{"error as a list", `{` + call + `,"prompt_tokens":10,"error":["x"]}`, `500 input_tokens=10 error_message=["x"]`},
		{"error with other members", `{` + call + `,"prompt_tokens":10,"error":{"detail":"x"}}`,
			`500 input_tokens=10 error_message={"detail":"x"}`},
		{"no error", `{` + call + `,"prompt_tokens":10,"error":{"message":null}}`, "200 input_tokens=10"},
		{"error beside its message", `{` + call + `,"prompt_tokens":10,"error":"x","error_message":"y"}`,
			"500 input_tokens=10 error_message=y"},
		{"outcome by truth", `{` + call + `,"prompt_tokens":10,"is_error":true}`, "500 input_tokens=10"},
		{"status of HTTP", `{` + call + `,"prompt_tokens":10,"http_status":429}`, "429 input_tokens=10"},
		{"reasoning beside the output",
			`{` + call + `,"usage":{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135}}`,
			"some tokens are not read"},
		{"seconds of audio in the sum",
			`{` + call + `,"usage":{"prompt_tokens":4,"completion_tokens":6,"total_tokens":3264,"prompt_audio_seconds":203}}`,
			"200 input_tokens=4 output_tokens=6 seconds=203"},
		{"answer cut off", `{"user":"a","provider":"openai","model":"m","created_at":1763632800,"status":"incomplete",` +
			`"parallel_tool_calls":true,"max_output_tokens":5,"usage":{"input_tokens":7,"output_tokens":5,"total_tokens":12}}`,
			"200 input_tokens=7 output_tokens=5"},
		{"stream", `{` + call + `,"type":"message_start","message":{"usage":{"input_tokens":25,"output_tokens":1}}}`,
			"part of a streamed answer"},
		{"batch of Anthropic", `{"user_id":"a","provider":"anthropic","time":"2026-11-20","custom_id":"r","result":{"type":` +
			`"succeeded","message":{"id":"i","model":"m","usage":{"input_tokens":7,"output_tokens":5,"service_tier":"batch"}}}}`,
			"200 input_tokens=7 output_tokens=5 service_tier=batch"},
		{"failed in a batch", `{` + call + `,"custom_id":"r","result":{"type":"errored","error":{"type":"error","error":` +
			`{"type":"invalid_request_error","message":"x"}}}}`, "500 error_message=x"},
		{"a fee alone", `{` + call + `,"usage":{"prompt_tokens":4,"cost":0.1,"is_byok":true}}`, "its provider charged"},
		{"upstream cost of whoever", `{` + call + `,"usage":{"prompt_tokens":4,"cost":0.1,"cost_details":` +
			`{"upstream_inference_cost":1.9}}}`, "is_byok is missing"},
		{"own key", `{` + call + `,"usage":{"prompt_tokens":4,"cost":0,"is_byok":true,"cost_details":` +
			`{"upstream_inference_cost":1.9}}}`, "reported_cost={1.9 true}"},
		{"credits of whoever", `{` + call + `,"usage":{"credits":2}}`, "is known of tavily"},
		{"properties of an analytics event", `{` + call + `,"properties":{"$ai_input_tokens":1200}}`,
			"the field properties.$ai_input_tokens looks"},
		{"properties beside what is read", `{` + call + `,"prompt_tokens":4,"properties":{"$ai_http_status":500}}`,
			"the field properties.$ai_http_status looks"},
		{"a page of results", `{` + call + `,"data":[{"results":[{"num_tokens":7}]}]}`,
			"(data.results.num_tokens): each of their results"},
		{"nothing that is read", `{"Benutzer":"a","Modell":"m","Eingabe":7}`, "none of its fields says anything"},
		{"a price in German", `{` + call + `,"prompt_tokens":4,"Preis":7}`, "the field Preis looks"},
		{"metadata alone", `{` + call + `,"metadata":{"gen_ai":{"tokens":7},"started":"2026"}}`,
			"metadata.gen_ai.tokens looks"},
		{"an answer alone", `{` + call + `,"response_body":{"usage":{"in":7}}}`, "response_body.usage.in looks"},
		{"metadata beside tokens", `{` + call + `,"metadata":{"gen_ai":{"tokens":7}},"prompt_tokens":4}`,
			"200 input_tokens=4"},
		{"metadata of no interest", `{` + call + `,"images":1,"metadata":{"time":7,"state":"x"}}`, "200 images=1"},
		{"output that is a number", `{` + call + `,"prompt_tokens":4,"output":7}`, "the field output looks"},
		{"a name with dots", `{` + call + `,"gen_ai.usage.input_tokens":2}`, "the field gen_ai.usage.input_tokens looks"},
		{"a day that means nothing", `{` + call + `,"date":"2026-11-20"}`, "date looks like"},
		{"Langfuse's sum that is none",
			`{` + call + `,"promptTokens":900,"usageDetails":{"input":2,"input_cached_tokens":8}}`,
			"input_tokens is given twice"},
		{"ALwrity's log", `{"user_id":"a","provider":"OPENAI","model_used":"m","timestamp":"2026-11-20 10:00:00",` +
			`"tokens_input":9,"tokens_output":1,"tokens_total":10,"cost_input":0.1,"cost_output":0.2,"cost_total":0.3}`,
			"200 input_tokens=9 output_tokens=1 reported_cost={0.3 true}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := newJSONLReader(newLineReader(bufferOf(c.row), nil), newEventReader())
			row, err := rows.next()
			if err != nil {
				t.Fatal(err)
			}
			got := shortly(row.event)
			if row.err != nil {
				got = row.err.Error()
			}
			if !strings.HasSuffix(got, c.want) && !(row.err != nil && strings.Contains(got, c.want)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A note names what was not read, and no object of which all was.
func TestUnreadAreLeaves(t *testing.T) {
	const row = `{"provider":"anthropic","usage":{"input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":3,` +
		`"x":"y"},"server_tool_use":{"web_search_requests":2}},"usage_metadata":{"traffic_type":"X"},` +
		`"extra":{"a":1,"b":{"c":2}},"metadata":{"status":"success","team":"t"},"choices":[{"index":0}],"nothing":{}}`
	events := newEventReader()
	if got, err := newJSONLReader(newLineReader(bufferOf(row), nil), events).next(); err != nil || got.err != nil {
		t.Fatal(err, got.err)
	}
	want := "choices extra metadata usage.cache_creation.x"
	if got := strings.Join(slices.Sorted(maps.Keys(events.unread)), " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func bufferOf(row string) *bufio.Reader { return bufio.NewReader(strings.NewReader(row + "\n")) }
