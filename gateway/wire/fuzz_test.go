package wire

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// formats of the golden files, those that are made of rules as well.
func fuzzed(f *testing.F) (all []*Format, files []golden) {
	files = goldens(f)
	seen := map[string]bool{}
	for _, g := range files {
		if !seen[g.format.name] {
			seen[g.format.name] = true
			all = append(all, g.format)
		}
	}
	return all, files
}

func indexOf(all []*Format, name string) uint8 {
	for i, f := range all {
		if f.name == name {
			return uint8(i)
		}
	}
	return 0
}

// FuzzRead reads any request: what it asks for can be held, and what is added to it is read again.
func FuzzRead(f *testing.F) {
	all, files := fuzzed(f)
	for _, g := range files {
		f.Add(indexOf(all, g.format.name), g.settings["path"], g.settings["content-type"], g.request)
	}
	f.Fuzz(func(t *testing.T, number uint8, path, contentType string, body []byte) {
		format := all[int(number)%len(all)]
		h := http.Header{"Content-Type": {contentType}}
		ask, err := format.Read(path, h, bytes.NewReader(body))
		if err != nil {
			return
		}
		if err := ask.Quantities.Validate(); err != nil || ask.Answers < 1 {
			t.Fatalf("%+v: %v", ask, err)
		}
		added := ask
		sent := format.AddUsage(&added, body)
		if !added.UsageAdded {
			if !bytes.Equal(sent, body) {
				t.Fatalf("the body became %q", sent)
			}
			return
		}
		again, err := format.Read(path, h, bytes.NewReader(sent))
		again.UsageAsked = false
		if err != nil || again != ask {
			t.Fatalf("%q is %+v, %v, and was %+v", sent, again, err, ask)
		}
	})
}

// FuzzStream reads any answer: however it is split, it has used the same, and the same bytes go on.
func FuzzStream(f *testing.F) {
	all, files := fuzzed(f)
	for i, g := range files {
		f.Add(indexOf(all, g.format.name), g.kind, i%4 == 0, i%2 == 0, g.answer, []byte{1, byte(i), 3, 250})
	}
	f.Fuzz(func(t *testing.T, number uint8, contentType string, failed, adds bool, answer, sizes []byte) {
		format := all[int(number)%len(all)]
		status := 200
		if failed {
			status = 500
		}
		ask := Ask{Stream: true, UsageAdded: adds, Answers: 1}
		m := format.Stream(ask, status, contentType)
		whole := bytes.Clone(m.Pass(answer))
		whole = append(whole, m.Close()...)
		split := format.Stream(ask, status, contentType)
		passed := inSizes(split, answer, sizes)
		if !bytes.Equal(whole, passed) {
			t.Fatalf("whole %q goes on, and in pieces %q", whole, passed)
		}
		if !adds && !bytes.Equal(whole, answer) {
			t.Fatalf("%q goes on", whole)
		}
		if got, want := outcome(split), outcome(m); got != want {
			t.Fatalf("in pieces it is\n%s\nand whole\n%s", got, want)
		}
		if used := m.Used(); used.Quantities.Validate() != nil {
			t.Fatalf("%+v", used)
		}
		again := format.Stream(ask, status, contentType)
		if twice := append(bytes.Clone(again.Pass(whole)), again.Close()...); !bytes.Equal(twice, whole) {
			t.Fatalf("of %q goes on %q", whole, twice)
		}
	})
}

func outcome(m *Meter) string {
	return fmt.Sprintf("%+v %v %v %v", m.Used(), m.Complete(), m.Produced(), m.Between())
}

// inSizes passes an answer in pieces of sizes, again and again.
func inSizes(m *Meter, answer, sizes []byte) (out []byte) {
	for i := 0; len(answer) > 0; i++ {
		n := 1
		if len(sizes) > 0 {
			n += int(sizes[i%len(sizes)])
		}
		n = min(n, len(answer))
		out = append(out, m.Pass(answer[:n])...)
		answer = answer[n:]
	}
	return append(out, m.Close()...)
}

// FuzzTokens counts any text: in pieces it is as many tokens, and never more than it has bytes.
func FuzzTokens(f *testing.F) {
	for _, text := range samples {
		f.Add(readText(f, text.name), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		var whole, split Tokens
		whole.Write(text)
		for rest := text; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			split.Write(rest[:n])
			rest = rest[n:]
		}
		if whole != split || whole.Count() > int64(2*len(text)) || len(text) > 3 && whole.Count() == 0 {
			t.Fatalf("%q is %d tokens, and %d in pieces", text, whole.Count(), split.Count())
		}
	})
}

// FuzzRules makes formats of any pointers.
func FuzzRules(f *testing.F) {
	f.Add("/usage/credits", "/a~1b/*/0", "/api/v3/{model...}", "/api/v3/a/b", []byte(`{"usage":{"credits":2}}`))
	f.Add("", "/", "{model", "", []byte(`[[1],{"":[]}]`))
	f.Fuzz(func(t *testing.T, answer, request, modelPath, path string, body []byte) {
		format, err := New("fuzz", Rules{ModelPath: modelPath, Cost: request, Counts: map[string][]Source{
			"searches":   {{Answer: &answer}, {Request: &request}, {Is: 1}},
			"characters": {{Request: &answer, Characters: true}},
		}, Job: &JobRules{ID: answer, State: request, Done: []string{"true"}}})
		if err != nil {
			return
		}
		ask, err := format.Read(path, http.Header{}, bytes.NewReader(body))
		if err != nil {
			ask = Ask{Answers: 1}
		}
		used := format.Answer(ask, 200, http.Header{}, body)
		if err := ask.Quantities.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := used.Quantities.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzRefusal writes any refusal as JSON that its clients can read.
func FuzzRefusal(f *testing.F) {
	f.Add(uint8(QuotaUsedUp), "You have used up your calls", "limit_exceeded", "error", "r1")
	f.Add(uint8(Broken), "\xff\n\r\u2028\x00", "\"", "usage_info", "")
	f.Fuzz(func(t *testing.T, kind uint8, message, code, beside, id string) {
		r := Refusal{Kind: RefusalKind(kind) % kindCount, Message: message, Code: code, RequestID: id,
			Beside: []Beside{{beside, jsontext.Value(`{"a":1}`)}}}
		for style := PlainStyle; style <= GeminiStyle; style++ {
			if _, body := style.Refusal(r); !jsontext.Value(body).IsValid() {
				t.Fatalf("%s is no JSON", body)
			}
			event := string(style.StreamError(r))
			if !strings.HasSuffix(event, "\n\n") || strings.ContainsRune(event, '\r') || strings.Count(event, "\n") > 3 {
				t.Fatalf("%q is no event", event)
			}
		}
	})
}
