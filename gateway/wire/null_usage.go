package wire

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// WithoutNullUsage returns whole events without the "usage":null that OpenAI adds to every chunk before the last one,
// where a stream was asked for its usage. Nothing else of them changes.
func WithoutNullUsage(events []byte) []byte {
	if !bytes.Contains(events, []byte(usageName)) {
		return events
	}
	out := make([]byte, 0, len(events))
	for line := range bytes.Lines(events) {
		out = append(out, line...)
		if from, to := nullUsage(line); to > 0 {
			out = append(append(out[:len(out)-len(line)], line[:from]...), line[to:]...)
		}
	}
	return out
}

const usageName = `"usage"`

// nullUsage finds the member in the object of a line of data, and the comma that goes with it; 0, 0: there is none.
func nullUsage(line []byte) (from, to int) {
	begin := bytes.IndexByte(line, '{')
	isData := bytes.HasPrefix(bytes.TrimPrefix(line, []byte("\uFEFF")), []byte("data:"))
	if begin < 0 || !isData || !bytes.Contains(line, []byte(usageName)) {
		return 0, 0
	}
	d := jsontext.NewDecoder(bytes.NewReader(line[begin:]), jsontext.AllowDuplicateNames(true),
		jsontext.AllowInvalidUTF8(true))
	at := func() int { return begin + int(d.InputOffset()) }
	_, err := d.ReadToken()
	for first := true; err == nil && d.PeekKind() == '"'; first = false {
		from = at()
		name, err := d.ReadToken()
		if err != nil {
			return 0, 0
		}
		wanted := name.String() == "usage" && d.PeekKind() == 'n'
		if err := d.SkipValue(); err != nil {
			return 0, 0
		}
		if to = at(); !wanted {
			continue
		}
		if first {
			to += len(line[to:]) - len(bytes.TrimPrefix(bytes.TrimLeft(line[to:], " \t"), []byte(",")))
		}
		return from, to
	}
	return 0, 0
}
