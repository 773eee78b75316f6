package wire

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/pricing"
)

const chunk = `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[` +
	`{"index":0,"delta":{"content":" fantastic"},"finish_reason":null}],"usage":null}`

const usageChunk = `{"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}`

// TestUsageIsTakenOut with every end of line, and whatever stands around it.
func TestUsageIsTakenOut(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		event := func(data string) string { return "data: " + data + end + end }
		before := "\xEF\xBB\xBF: a comment" + end + end + event(chunk) + "id: 7" + end + event(chunk)
		after := event("[DONE]")
		for _, taken := range []string{
			event(usageChunk), "event: x" + end + event(usageChunk), "data:" + usageChunk + end + end,
			"data: {\"choices\":[]," + end + "data: \"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}" + end + end,
		} {
			for size := 1; size < 40; size++ {
				m := openAIChat.Stream(Ask{Stream: true, UsageAdded: true, Answers: 1}, 200, "text/event-stream")
				got := string(inPieces([]byte(before+taken+after), size)(m))
				if got != before+after || m.Used().Quantities[pricing.InputTokens] != 9 {
					t.Fatalf("in pieces of %d: %q, want %q, %+v", size, got, before+after, m.Used())
				}
			}
		}
	}
}

// TestUsageStaysWhereItIsAsked, and where it comes by itself.
func TestUsageStays(t *testing.T) {
	stream := "data: " + usageChunk + "\n\ndata: [DONE]\n\n"
	for _, ask := range []Ask{{Stream: true, Answers: 1}, {Stream: true, UsageAdded: true, UsageAsked: true, Answers: 1}} {
		m := openAIChat.Stream(ask, 200, "text/event-stream")
		if got := string(inPieces([]byte(stream), 5)(m)); got != stream {
			t.Errorf("%+v: %q", ask, got)
		}
	}
	// A chunk with a choice says more than usage; one without usage may have what a filter says.
	stream = "data: {\"choices\":[{}],\"usage\":{}}\n\ndata: {\"choices\":[],\"prompt_filter_results\":[]}\n\n"
	m := openAIChat.Stream(Ask{Stream: true, UsageAdded: true, Answers: 1}, 200, "text/event-stream")
	if got := string(inPieces([]byte(stream), 5)(m)); got != stream {
		t.Errorf("%q", got)
	}
}

// TestChunksGoOnAtOnce: an event whose choices have begun is not held until it ends.
func TestChunksGoOnAtOnce(t *testing.T) {
	m := openAIChat.Stream(Ask{Stream: true, UsageAdded: true, Answers: 1}, 200, "text/event-stream")
	part := `data: {"choices":[{"index":0,"delta":{"content":"Hel`
	if got := string(m.Pass([]byte(part))); got != part {
		t.Errorf("%q", got)
	}
}

// TestBetween tells when a comment may be written into a quiet stream.
func TestBetween(t *testing.T) {
	m := openAIChat.Stream(Ask{Stream: true, Answers: 1}, 200, "text/event-stream")
	for _, step := range []struct {
		bytes   string
		between bool
	}{
		{"", true}, {"\xEF", false}, {"\xBB\xBF", true},
		{"data: [1]", false}, {"\r\n", false}, {"\r", false}, {"\n", true}, {": c", false}, {"\n", false}, {"\n", true},
		{"event: x\n", false}, {"data: 1\n\n", true},
	} {
		m.Pass([]byte(step.bytes))
		if m.Between() != step.between {
			t.Errorf("after %q: %v", step.bytes, m.Between())
		}
	}
}

// TestLongLines: images in base64 pass through, and nothing of them is kept.
func TestLongLines(t *testing.T) {
	const pieces, size = 64, 64 << 10
	piece := []byte(strings.Repeat("iVBORw0K", size/8))
	for _, test := range []struct{ format, before, after string }{
		{"openai.images", `data: {"type":"image_generation.completed","b64_json":"`,
			`","usage":{"input_tokens":50,"output_tokens":1050}}` + "\n\n"},
		{"gemini.generate", `data: {"candidates":[{"content":{"parts":[{"inlineData":{"data":"`,
			`"}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":50,"candidatesTokenCount":1050}}` + "\n\n"},
		{"openai.chat", `data: {"choices":[{"finish_reason":"stop","delta":{"content":"`,
			`"}}],"usage":{"prompt_tokens":50,"completion_tokens":1050}}` + "\n\n"},
	} {
		format, _ := Named(test.format)
		m := format.Stream(Ask{Stream: true, UsageAdded: true, Answers: 1}, 200, "text/event-stream")
		m.Pass([]byte(test.before))
		m.Pass(piece) // what it makes once, it has made
		var begin, end runtime.MemStats
		runtime.ReadMemStats(&begin)
		for range pieces {
			m.Pass(piece)
		}
		runtime.ReadMemStats(&end)
		m.Pass([]byte(test.after))
		m.Close()
		used := m.Used()
		if q := used.Quantities; q[pricing.InputTokens] != 50 || q[pricing.OutputTokens] != 1050 || !m.Complete() {
			t.Errorf("%s: %+v", test.format, used)
		}
		if kept := end.TotalAlloc - begin.TotalAlloc; kept > size*pieces/8 {
			t.Errorf("%s: %d bytes for %d", test.format, kept, size*pieces)
		}
	}
}

// TestManyFailures: what a vendor says is cut, and the first word counts.
func TestManyFailures(t *testing.T) {
	body := fmt.Sprintf(`{"error":{"message":%q},"message":"second"}`, strings.Repeat("ä", 2000))
	used := openAIChat.Answer(Ask{Answers: 1}, 500, nil, []byte(body))
	if len(used.Failure) != longestFailure || !strings.HasPrefix(used.Failure, "ää") {
		t.Errorf("%d bytes: %s", len(used.Failure), used.Failure)
	}
}

// TestFiguresThatCantBe: an answer's figures are made valid, for its call has been made.
func TestFiguresThatCantBe(t *testing.T) {
	for body, want := range map[string]pricing.Quantities{
		`{"usage":{"prompt_tokens":-5,"completion_tokens":3}}`: {
			pricing.Requests: 1, pricing.InputTokens: 7, pricing.OutputTokens: 3},
		`{"usage":{"prompt_tokens":"12","completion_tokens":3.0}}`: {
			pricing.Requests: 1, pricing.InputTokens: 12, pricing.OutputTokens: 3},
		`{"usage":{"prompt_tokens":1e300,"completion_tokens":1.5}}`: {
			pricing.Requests: 1, pricing.InputTokens: 7, pricing.OutputTokens: 0},
		`{"usage":{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":12}}}`: {
			pricing.Requests: 1, pricing.InputTokens: 12, pricing.OutputTokens: 3, pricing.CachedInputTokens: 12},
		`{"usage":{}}`:   {pricing.Requests: 1, pricing.InputTokens: 7},
		`{"usage":null}`: {pricing.Requests: 1, pricing.InputTokens: 7},
	} {
		ask := Ask{Answers: 1, Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 7}}
		used := openAIChat.Answer(ask, 200, nil, []byte(body))
		if used.Quantities != want || used.Quantities.Validate() != nil {
			t.Errorf("%s: %+v, want %+v", body, used.Quantities, want)
		}
	}
}

func BenchmarkEvent(b *testing.B) {
	for _, adds := range []bool{false, true} {
		b.Run(fmt.Sprintf("usage_added=%v", adds), func(b *testing.B) {
			m := openAIChat.Stream(Ask{Stream: true, UsageAdded: adds, Answers: 1}, 200, "text/event-stream")
			event := []byte("data: " + chunk + "\n\n")
			b.SetBytes(int64(len(event)))
			b.ReportAllocs()
			for b.Loop() {
				m.Pass(event)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	body := `{"model":"gpt-4o","messages":[{"role":"user","content":"` +
		strings.Repeat("The quick brown fox jumps over the lazy dog. ", 2_000) + `"}]}`
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openAIChat.Read("", nil, strings.NewReader(body)); err != nil {
			b.Fatal(err)
		}
	}
}
