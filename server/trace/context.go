// Package trace has the place of each request in a trace (W3C Trace Context), and sends one span a request to a
// collector by OTLP over HTTP, in JSON. OpenTelemetry's own library would make the program larger by a third for that.
package trace

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
)

// Header is the header that has the place of a request in a trace.
const Header = "Traceparent"

// Context is a place in a trace. The zero value is none.
type Context struct {
	Trace   [16]byte
	Span    [8]byte
	Sampled bool
}

// IsZero tells whether it is no place in a trace.
func (c Context) IsZero() bool { return c.Trace == [16]byte{} }

// TraceID returns the id of the trace as it is written, "" where there is none.
func (c Context) TraceID() string {
	if c.IsZero() {
		return ""
	}
	return hex.EncodeToString(c.Trace[:])
}

// String returns the context as the header has it.
func (c Context) String() string {
	flags := "00"
	if c.Sampled {
		flags = "01"
	}
	return "00-" + c.TraceID() + "-" + hex.EncodeToString(c.Span[:]) + "-" + flags
}

// Parse reads the header. What is not as the standard has it is none: the trace begins anew.
func Parse(header string) Context {
	const length = 55 // of version 00; later ones may have more behind a -
	if len(header) < length || header != strings.ToLower(header) ||
		len(header) > length && (header[:2] == "00" || header[length] != '-') {
		return Context{}
	}
	var version, flags [1]byte
	var c Context
	for i, part := range strings.SplitN(header[:length], "-", 4) {
		to := [][]byte{version[:], c.Trace[:], c.Span[:], flags[:]}[i]
		if len(part) != 2*len(to) {
			return Context{}
		}
		if _, err := hex.Decode(to, []byte(part)); err != nil {
			return Context{}
		}
	}
	if version[0] == 0xff || c.Span == [8]byte{} || c.IsZero() {
		return Context{}
	}
	c.Sampled = flags[0]&1 == 1
	return c
}

// newTrace returns a place in a trace that begins.
func newTrace() (c Context) {
	binary.BigEndian.PutUint64(c.Trace[:8], rand.Uint64())
	binary.BigEndian.PutUint64(c.Trace[8:], rand.Uint64()|1) // never all zero
	return c.child()
}

// child returns a new place below another.
func (c Context) child() Context {
	binary.BigEndian.PutUint64(c.Span[:], rand.Uint64()|1)
	return c
}
