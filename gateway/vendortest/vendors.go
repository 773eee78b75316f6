package vendortest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// What every model says and uses, where nothing else is said. The words have letters of two, three and four bytes.
const (
	Text   = "Grüße, 世界 🌍 und ein paar Worte mehr"
	Input  = 25
	Cached = 5
	Output = 12
)

// asked is what matters of a request's body.
type asked struct {
	Model         string          `json:"model"`
	Stream        bool            `json:"stream"`
	Input         json.RawMessage `json:"input"`
	N             int             `json:"n"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// made makes the answer to a request, nil where there is nothing at its path.
func (v *Vendor) made(r *http.Request, body []byte, b *Behaviour) *answer {
	var q asked
	_ = json.Unmarshal(body, &q) // a body that is no JSON asks for nothing
	text := orElse(b.Text, Text)
	if b.Body != "" {
		return whole(b.Body)
	}
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/chat/completions"):
		return chat(&q, b, text)
	case strings.HasSuffix(path, "/v1/messages"):
		return messages(&q, b, text)
	case strings.Contains(path, ":"):
		return gemini(r, b, text)
	case strings.HasSuffix(path, "/responses"):
		return responses(&q, b, text)
	case strings.HasSuffix(path, "/embeddings"):
		return whole(`{"object":"list","model":"` + q.Model +
			`","data":[{"object":"embedding","index":0,"embedding":[0.5]}]` +
			usage(b, `,"usage":{"prompt_tokens":%[1]d,"total_tokens":%[1]d}`, Input) + `}`)
	case strings.HasSuffix(path, "/images/generations"):
		images := strings.Repeat(`{"b64_json":"aGk="},`, max(q.N, 1))
		return whole(`{"created":1,"data":[` + strings.TrimSuffix(images, ",") + `]}`)
	case strings.HasSuffix(path, "/audio/speech"):
		return &answer{"audio/mpeg", []string{"ID3 some sound"}}
	case strings.HasSuffix(path, "/audio/transcriptions"):
		return whole(`{"text":"hello"` + usage(b, `,"usage":{"type":"duration","seconds":%d.5}`, 7) + `}`)
	}
	return v.counted(r, b)
}

// usage writes what a call has used, unless none is to be said. It is in figures where they are not to be 0.
func usage(b *Behaviour, format string, figures ...any) string {
	switch b.Usage {
	case "none":
		return ""
	case "zero":
		for i := range figures {
			figures[i] = 0
		}
	}
	return fmt.Sprintf(format, figures...)
}

// words splits a text into the pieces that a model says one after another.
func words(text string) []string { return strings.SplitAfter(text, " ") }

func quoted(text string) string {
	quoted, _ := json.Marshal(text) // a string can be written always
	return string(quoted)
}

func chat(q *asked, b *Behaviour, text string) *answer {
	const format = `,"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,` +
		`"prompt_tokens_details":{"cached_tokens":%d}}`
	said := usage(b, format, Input, Output, Input+Output, Cached)
	if !q.Stream || b.AsJSON {
		return whole(`{"id":"c1","object":"chat.completion","created":1,"model":"` + q.Model +
			`","choices":[{"index":0,"message":{"role":"assistant","content":` + quoted(text) +
			`},"finish_reason":"stop"}]` + said + `}`)
	}
	begin := `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"` + q.Model + `",`
	each := ""
	switch {
	case b.Usage == "everywhere":
		each = said
	case q.StreamOptions.IncludeUsage && b.Usage != "none":
		each = `,"usage":null`
	}
	var events []string
	for _, word := range words(text) {
		events = append(events, begin+`"choices":[{"index":0,"delta":{"content":`+quoted(word)+
			`},"finish_reason":null}]`+each+`}`)
	}
	if strings.HasPrefix(q.Model, "mistral") { // it says what was used without being asked, with the end
		each = said
	}
	events = append(events, begin+`"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`+each+`}`)
	if q.StreamOptions.IncludeUsage && said != "" {
		events = append(events, begin+`"choices":[]`+said+`}`)
	}
	return sse(append(events, "[DONE]")...)
}

func responses(q *asked, b *Behaviour, text string) *answer {
	said := usage(b, `,"usage":{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d},"output_tokens":%d,`+
		`"output_tokens_details":{"reasoning_tokens":%d},"total_tokens":%d}`, Input, Cached, Output, 3, Input+Output)
	response := func(status, more string) string {
		return `{"id":"r1","object":"response","created_at":1,"status":"` + status + `","model":"` + q.Model +
			`","output":[{"type":"message","id":"m1","status":"completed","role":"assistant","content":[{"type":"output_text",` +
			`"text":` + quoted(text) + `,"annotations":[]}]}]` + more + `}`
	}
	if !q.Stream || b.AsJSON {
		return whole(response("completed", said))
	}
	events := []string{`response.created|{"type":"response.created","response":` +
		response("in_progress", `,"usage":null`) + `}`}
	for _, word := range words(text) {
		events = append(events, `response.output_text.delta|{"type":"response.output_text.delta","item_id":"m1","delta":`+
			quoted(word)+`}`)
	}
	return sse(append(events, `response.completed|{"type":"response.completed","response":`+
		response("completed", said)+`}`)...)
}

func messages(q *asked, b *Behaviour, text string) *answer {
	begin := `{"id":"m1","type":"message","role":"assistant","model":"` + q.Model + `","content":[`
	input := usage(b, `"input_tokens":%d,"cache_read_input_tokens":%d,"cache_creation_input_tokens":%d`, Input-Cached,
		Cached, 4)
	message := func(content, stop, output string) string {
		said := ""
		if input != "" {
			said = `,"usage":{` + input + `,"output_tokens":` + output + `}`
		}
		return begin + content + `],"stop_reason":` + stop + `,"stop_sequence":null` + said + `}`
	}
	output := orElse(usage(b, "%d", Output), "0")
	if !q.Stream || b.AsJSON {
		return whole(message(`{"type":"text","text":`+quoted(text)+`}`, `"end_turn"`, output))
	}
	events := []string{`message_start|{"type":"message_start","message":` + message("", "null", "1") + `}`,
		`content_block_start|{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`ping|{"type":"ping"}`}
	for _, word := range words(text) {
		events = append(events, `content_block_delta|{"type":"content_block_delta","index":0,"delta":`+
			`{"type":"text_delta","text":`+quoted(word)+`}}`)
	}
	said := ""
	if b.Usage != "none" {
		said = `,"usage":{"output_tokens":` + output + `}`
	}
	return sse(append(events, `content_block_stop|{"type":"content_block_stop","index":0}`,
		`message_delta|{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null}`+said+`}`,
		`message_stop|{"type":"message_stop"}`)...)
}

func gemini(r *http.Request, b *Behaviour, text string) *answer {
	said := usage(b, `,"usageMetadata":{"promptTokenCount":%d,"cachedContentTokenCount":%d,"candidatesTokenCount":%d,`+
		`"thoughtsTokenCount":%d,"totalTokenCount":%d}`, Input, Cached, Output-3, 3, Input+Output)
	piece := func(text, end string) string {
		return `{"candidates":[{"content":{"role":"model","parts":[{"text":` + quoted(text) + `}]}` + end +
			`,"index":0}]` + said + `,"modelVersion":"m"}`
	}
	_, verb, _ := strings.Cut(r.URL.Path, ":")
	switch verb {
	case "generateContent":
		return whole(piece(text, `,"finishReason":"STOP"`))
	case "countTokens":
		return whole(`{"totalTokens":25}`)
	case "embedContent":
		return whole(`{"embedding":{"values":[0.5]}}`)
	case "batchEmbedContents":
		return whole(`{"embeddings":[{"values":[0.5]}]}`)
	case "streamGenerateContent":
	default:
		return nil
	}
	all := words(text)
	pieces := make([]string, len(all))
	for i, word := range all {
		end := ""
		if i == len(all)-1 {
			end = `,"finishReason":"STOP"`
		}
		pieces[i] = piece(word, end)
	}
	if r.URL.Query().Get("alt") == "sse" {
		return sse(pieces...)
	}
	a := &answer{kind: "application/json"}
	for i, text := range pieces {
		mark := ","
		if i == 0 {
			mark = "["
		}
		a.events = append(a.events, mark+text+"\n")
	}
	a.events = append(a.events, "]")
	return a
}
