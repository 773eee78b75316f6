package vendortest

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"time"
)

// answer is what a vendor says: a whole, or events one after another.
type answer struct {
	kind   string // its Content-Type
	events []string
}

// write writes an answer as a behaviour says.
func (v *Vendor) write(w http.ResponseWriter, r *http.Request, b *Behaviour, a *answer) {
	w.Header().Set("Content-Type", a.kind)
	var to io.Writer = w
	flush := w.(http.Flusher).Flush
	if b.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		defer func() { _ = packed.Close() }()
		to, flush = packed, func() {
			_ = packed.Flush()
			w.(http.Flusher).Flush()
		}
	}
	if b.BOM {
		_, _ = io.WriteString(to, "\ufeff")
	}
	for i, event := range a.events {
		if b.SilentFrom == i+1 {
			flush()
			if v.wait(r, b.Silence); b.Silence == 0 {
				panic(http.ErrAbortHandler)
			}
		}
		if b.CRLF {
			event = strings.ReplaceAll(event, "\n", "\r\n")
		}
		if b.BreakFrom == i+1 {
			if b.Pieces > 0 {
				_, _ = io.WriteString(to, event[:len(event)/2])
			}
			flush()
			panic(http.ErrAbortHandler)
		}
		if b.Pieces == 0 {
			_, _ = io.WriteString(to, event)
			flush()
		}
		for begin := 0; b.Pieces > 0 && begin < len(event); begin += b.Pieces {
			_, _ = io.WriteString(to, event[begin:min(begin+b.Pieces, len(event))])
			flush()
		}
		if b.Slow > 0 {
			time.Sleep(b.Slow)
		}
		if r.Context().Err() != nil {
			return
		}
	}
}

// events writes one event of a stream for each text; an event's name stands before a bar.
func sse(texts ...string) *answer {
	a := &answer{kind: "text/event-stream; charset=utf-8"}
	for _, text := range texts {
		if name, data, named := strings.Cut(text, "|"); named && !strings.HasPrefix(text, "{") {
			a.events = append(a.events, "event: "+name+"\ndata: "+data+"\n\n")
			continue
		}
		a.events = append(a.events, "data: "+text+"\n\n")
	}
	return a
}

func whole(text string) *answer { return &answer{"application/json", []string{text}} }
