package usage

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/pricing"
)

func newEventReader() *eventReader { return makeEventReader(newColumnTree(false)) }

func readJSONLines(t testing.TB, text string) []row {
	t.Helper()
	return readRows(t, newJSONLReader(newLineReader(strings.NewReader(text), io.Discard), newEventReader()))
}

func readCSV(t testing.TB, text string) ([]row, error) {
	t.Helper()
	reader := newCSVReader(newLineReader(strings.NewReader(text), io.Discard), newEventReader())
	if err := reader.readHeader(); err != nil {
		return nil, err
	}
	return readRows(t, reader), nil
}

func readRows(t testing.TB, reader rowReader) []row {
	t.Helper()
	var rows []row
	for {
		r, err := reader.next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
}

func TestJSONLines(t *testing.T) {
	rows := readJSONLines(t, `{"id":"e1","user_id":"alice","provider":"gemini","input_tokens":15,"output_tokens":"7",`+
		`"billable":true,"model":null,"time":"2026-11-23T10:00:00Z"}

  {"user_id":"b\u00f6b \ud83d\ude00" , "provider" : "openai", "requests": 2.0}`+"\r\n")
	want := []Event{
		{ID: "e1", UserID: "alice", Provider: "gemini", Quantities: pricing.Quantities{1, 15, 7}, StatusCode: 200,
			Billable: true, Time: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)},
		{UserID: "böb 😀", Provider: "openai", Quantities: pricing.Quantities{2}, StatusCode: 200},
	}
	for i, r := range rows {
		if r.err != nil || r.event != want[i] || r.line != int64(1+2*i) {
			t.Errorf("line %d: %+v, %v\nwant %+v", r.line, r.event, r.err, want[i])
		}
	}
	if len(rows) != 2 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestJSONLinesThatAreNone(t *testing.T) {
	for text, says := range map[string]string{
		`x`: "no JSON object", `{`: "no complete JSON object", `[]`: "no complete JSON object",
		`null`: "no complete JSON object", `"x"`: "no complete JSON object", `{}x`: "", `{} {}`: "more than one",
		`{"user_id":{}}`: "user_id is a JSON object", `{"user_id":["a"]}`: "user_id is a JSON object or array",
		"{\"user_id\":\"a\xff\"}": "UTF-8", `{"user_id":"\ud800"}`: "surrogate",
		`{"requests":1e3}`: "requests", `{"requests":-1}`: "requests", `{"requests":NaN}`: "no JSON",
		`{"requests":1.5}`:    "requests",
		`{"id":"a","id":"b"}`: "names \"id\" twice", `{"status_code":true}`: "status_code", `{"billable":2}`: "billable",
		`{'id':'a'}`: "no JSON",
	} {
		rows := readJSONLines(t, text+"\n"+`{"user_id":"good"}`)
		if len(rows) != 2 || rows[0].err == nil || !strings.Contains(rows[0].err.Error(), says) ||
			string(rows[0].raw) != text || rows[1].err != nil {
			t.Errorf("%s: %+v, want %q", text, rows, says)
		}
	}
}

func TestCSVRows(t *testing.T) {
	rows, err := readCSV(t, "\xef\xbb\xbfID, User_ID ,provider,error_message\r\ne1,alice,gemini,\"two\r\nlines, "+
		"\"\"quoted\"\"\"\r\n\r\ne2,bob,openai,'=1+1\n\"e3\",carol,exa,''twice\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Event{{ID: "e1", UserID: "alice", Provider: "gemini", ErrorMessage: "two\nlines, \"quoted\""},
		{ID: "e2", UserID: "bob", Provider: "openai", ErrorMessage: "=1+1"},
		{ID: "e3", UserID: "carol", Provider: "exa", ErrorMessage: "'twice"}}
	for i, r := range rows {
		want[i].StatusCode, want[i].Quantities[0] = 200, 1
		if r.err != nil || r.event != want[i] {
			t.Errorf("line %d: %+v, %v\nwant %+v", r.line, r.event, r.err, want[i])
		}
	}
	if len(rows) != 3 || rows[0].line != 2 || rows[1].line != 5 || rows[2].line != 6 {
		t.Errorf("the rows are %+v", rows)
	}
}

// A quotation mark that is never closed costs its own line alone.
func TestCSVRowsThatAreNone(t *testing.T) {
	const header = "user_id,provider\n"
	for text, bad := range map[string][]int64{
		"alice,gemini\n":                              nil,
		"alice\nbob,gemini\n":                         {2},
		"alice,gemini,3\nbob,gemini\n":                {2},
		"\"alice,gemini\nbob,gemini\n":                {2},
		"alice,\"gem\"ini\nbob,gemini\n":              {2},
		"a\"b,gemini\nbob,gemini\n":                   {2},
		"\"a\nb\nc,gemini\nbob,gemini\n":              {2, 3},
		"bob,gemini\n\"alice,gemini":                  {3},
		"\"x\n" + strings.Repeat("bob,gemini\n", 300): {2},
		strings.Repeat("\"x\n", 3) + "bob,gemini\n":   nil, // which quotation mark opens and which closes can't be known
	} {
		rows, err := readCSV(t, header+text)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, r := range rows {
			if r.err != nil {
				got = append(got, r.line)
			}
		}
		if bad != nil && fmt.Sprint(got) != fmt.Sprint(bad) {
			t.Errorf("%.60q: bad are %v, want %v", text, got, bad)
		}
		if last := rows[len(rows)-1]; strings.HasSuffix(text, "bob,gemini\n") &&
			(last.err != nil || last.event.UserID != "bob") {
			t.Errorf("%.60q: the last row is %+v", text, last)
		}
	}
}

func TestCSVHeadersThatAreNone(t *testing.T) {
	for text, says := range map[string]string{
		"": "empty", "\n": "no CSV", "id,provider\n": "no column user_id", "user_id\n": "no column provider",
		"user_id|provider\n":         "no column user_id",
		"user_id,provider,User_ID\n": `names "user_id" twice`, "user_id,\"provider\n": "no CSV",
		`{"user_id":"a"}`: "no CSV",
	} {
		if rows, err := readCSV(t, text+"alice,gemini"); text != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: %+v, %v; want %q", text, rows, err, says)
		}
	}
	if _, err := readCSV(t, ""); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty file: %v", err)
	}
}

// What is written as CSV comes back as the same event.
func TestCSVRoundTrip(t *testing.T) {
	texts := rapid.OneOf(rapid.StringMatching(`[a-z"',=+@\-\n\t ]{0,8}`), rapid.StringMatching(`[\pL\pN\pP\pS]{0,8}`))
	rapid.Check(t, func(rt *rapid.T) {
		e := Event{ID: "e1", UserID: "u", Provider: "p", StatusCode: 200, Quantities: pricing.Quantities{1},
			ErrorMessage: texts.Draw(rt, "message"), Endpoint: texts.Draw(rt, "endpoint")}
		var cells []string
		for _, text := range []string{e.ID, e.UserID, e.Provider, e.ErrorMessage, e.Endpoint} {
			cells = append(cells, `"`+strings.ReplaceAll(ProtectCell(text), `"`, `""`)+`"`)
		}
		rows, err := readCSV(t, "id,user_id,provider,error_message,endpoint\n"+strings.Join(cells, ",")+"\n")
		if err != nil || len(rows) != 1 || rows[0].err != nil || rows[0].event != e {
			rt.Fatalf("%+v, %v\nwant %+v", rows, err, e)
		}
	})
}
