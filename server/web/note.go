package web

import (
	"context"

	"github.com/alwrity/alwrity-sub/server/trace"
)

// Note is what the log of accesses says of a request, filled in on the way.
type Note struct {
	ID    string // of the request
	HTTPS bool   // the browser speaks TLS, with us or with a proxy before us
	Route string // the pattern that answers it
	Who   string // the name of the caller, once that is known
	Err   error  // the failure that was answered

	Trace  trace.Context // where the request stands in a trace
	Caller trace.Context // and its caller, zero where that does not say
}

type noteKey struct{}

// WithNote returns a context with a note of its own.
func WithNote(ctx context.Context, n *Note) context.Context {
	return context.WithValue(ctx, noteKey{}, n)
}

// NoteOf returns the note of a request, or one that nobody reads.
func NoteOf(ctx context.Context) *Note {
	if n, ok := ctx.Value(noteKey{}).(*Note); ok {
		return n
	}
	return &Note{}
}
