package usage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// membersByEncodingJSON returns the names and texts of a line in their order, read by the tokens of encoding/json and
// checked where that lets too much pass.
func membersByEncodingJSON(text []byte, within string) (pairs []string, err error) {
	if !utf8.Valid(text) {
		return nil, errors.New("no UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return nil, fmt.Errorf("no object: %w", err)
	}
	seen := map[string]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		if seen[fmt.Sprint(name)] {
			return nil, errors.New("twice")
		}
		seen[fmt.Sprint(name)] = true
		path := within + fmt.Sprint(name)
		if value[0] == '{' {
			members, err := membersByEncodingJSON(value, path+".")
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, members...)
			continue
		}
		text, err := scalarByEncodingJSON(value)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, path, text)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one")
	}
	return pairs, nil
}

func scalarByEncodingJSON(value json.RawMessage) (string, error) {
	switch value[0] {
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return text, err
	case 'n':
		return "", nil
	case '[':
		return "", errList
	}
	return string(value), nil
}

var errList = errors.New("a list")

// FuzzJSONLinesAsEncodingJSON: a line is the same event, or none, for jsontext and for encoding/json, which is an
// implementation of its own.
func FuzzJSONLinesAsEncodingJSON(f *testing.F) {
	for _, text := range []string{
		`{"id":"e1","user_id":"alice","provider":"gemini","input_tokens":15,"time":"2026-11-23T10:00:00Z"}`,
		`{"id":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`,
		`{"a":1,}`, `{,}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"requests":01}`, `{"requests":1.}`, `{"requests":-0}`,
		`{"requests":1E+2}`, `{"a":nul}`, `{"a":truee}`, `{"billable":false}`,
		`{"id":"a","\u0069d":"b"}`, `{"id":"\ud800"}`, `{"id":"\udc00\ud800"}`, `{"id":"\uD83Dx"}`, `{"a": {"b":1},"c":2}`,
		`{"a":[}`, ` {"id" : "a" } `, `{} {}`, `{}}`, `[]`, `null`,
		"{\"id\":\"a\x01\"}", "{\"id\":\"a\x7f\u2028\"}", "{\"id\":\"\xed\xa0\x80\"}", `{"ID":"a","Id":"a","iD":"a"}`,
		`{"response_time":1.5,"response_time_ms":1500}`, `{"id":null,"id":null}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\n") || strings.TrimSpace(text) == "" || strings.HasPrefix(text, "\xef\xbb\xbf") {
			return
		}
		// encoding/json puts U+FFFD in the place of half a surrogate pair and says nothing; jsontext refuses it.
		half := strings.Contains(strings.ToLower(text), `\ud`)
		events := newEventReader()
		var want Event
		pairs, wantErr := membersByEncodingJSON([]byte(strings.TrimSuffix(text, "\r")), "")
		if errors.Is(wantErr, errList) || strings.Contains(text, ":{") || strings.Count(text, "{") > 2 {
			return // what is in lists and in objects that were written as texts is for other tests
		}
		if wantErr == nil {
			want, wantErr = events.event(cellsOf(events, pairs...))
		}
		got := readJSONLines(t, text)
		switch {
		case len(got) != 1:
			t.Fatalf("%q: %d rows", text, len(got))
		case half && got[0].err != nil && wantErr == nil && strings.Contains(strings.Join(pairs, ""), "\uFFFD"):
		case (got[0].err == nil) != (wantErr == nil) || (wantErr == nil && got[0].event != want):
			t.Errorf("%q: %+v, %v\nwant %+v, %v", text, got[0].event, got[0].err, want, wantErr)
		}
	})
}
