package usage

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

const benchmarkRows = 10_000

// sampleRows returns rows as a busy system writes them; line is the form of one, of an id, a user, a time and a number
// of tokens.
func sampleRows(line string) string {
	var b strings.Builder
	for i := range benchmarkRows {
		fmt.Fprintf(&b, line+"\n", fmt.Sprintf("6513270e-269e-0d37-f2a7-%012x", i), fmt.Sprintf("user-%04d", i%5000),
			fmt.Sprintf("2026-10-01T00:00:00.%06dZ", i), i%900)
	}
	return b.String()
}

func sampleJSONLines() string {
	return sampleRows(`{"id":%q,"user_id":%q,"provider":"video","model":"wan-2.5","time":%q,` +
		`"input_tokens":%d,"output_tokens":841,` +
		`"endpoint":"/v1/chat","method":"POST","status_code":200,"response_time_ms":2244}`)
}

func sampleCSV(message string) string {
	return "id,user_id,provider,model,time,input_tokens,output_tokens,endpoint,method," +
		"status_code,response_time_ms,error_message\n" +
		sampleRows("%s,%s,video,wan-2.5,%s,%d,841,/v1/chat,POST,200,2244,"+message)
}

func openJSONLines(tb testing.TB, text string) rowReader {
	tb.Helper()
	return newJSONLReader(newLineReader(strings.NewReader(text), io.Discard), newEventReader())
}

func openCSV(tb testing.TB, text string) rowReader {
	tb.Helper()
	reader := newCSVReader(newLineReader(strings.NewReader(text), io.Discard), newEventReader())
	if err := reader.readHeader(); err != nil {
		tb.Fatal(err)
	}
	return reader
}

// readAll reads all rows and checks each event, as an import does.
func readAll(tb testing.TB, rows rowReader) {
	tb.Helper()
	for {
		r, err := rows.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err := errors.Join(err, r.err, r.event.Validate()); err != nil {
			tb.Fatal(err)
		}
	}
}

func benchmarkReading(b *testing.B, open func(testing.TB, string) rowReader, text string) {
	b.ReportAllocs()
	for b.Loop() {
		readAll(b, open(b, text))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchmarkRows, "ns/row")
}

func BenchmarkJSONLines(b *testing.B) { benchmarkReading(b, openJSONLines, sampleJSONLines()) }

func BenchmarkCSV(b *testing.B) { benchmarkReading(b, openCSV, sampleCSV("")) }

func BenchmarkCSVQuoted(b *testing.B) {
	benchmarkReading(b, openCSV, sampleCSV(`"a ""quoted"" message, with a comma"`))
}

// A million rows are read in a few seconds as long as a row costs no more than its own bytes, its id and its user.
func TestRowsTakeFewAllocations(t *testing.T) {
	const most = 3
	for name, read := range map[string]func(){
		"JSON lines": func() { readAll(t, openJSONLines(t, sampleJSONLines())) },
		"CSV":        func() { readAll(t, openCSV(t, sampleCSV(""))) },
	} {
		making := testing.AllocsPerRun(1, func() { _ = sampleJSONLines() })
		if got := (testing.AllocsPerRun(1, read) - making) / benchmarkRows; got > most+0.1 {
			t.Errorf("%s: %.1f allocations a row, want at most %d", name, got, most)
		}
	}
}
