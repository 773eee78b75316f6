package gateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/gateway/wire"
)

const (
	keepAliveEvery = 15 * time.Second // of silence
	writeWithin    = 60 * time.Second // a caller takes what is written
	largestHeld    = 1 << 20          // of an event that is not whole
	pieceSize      = 16 << 10
)

// relay passes an answer on as it comes; first is what has been read of it.
func (j *journey) relay(answer *http.Response, body io.Reader, first []byte) error {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	j.header(answer)
	h := j.w.Header()
	h.Set("X-Alwrity-Event-Id", j.id)
	h.Set("X-Accel-Buffering", "no") // nginx would gather events
	s := newStream(j.w, kind == eventStream, j.KeepAlive, j.callerGone)
	s.noNulls = j.ask.UsageAdded && !j.ask.UsageAsked
	defer s.stop()
	j.w.WriteHeader(answer.StatusCode)
	s.flush()
	err := j.copy(s, body, first)
	s.write(j.meter.Close())
	if j.meter.Complete() && (errors.Is(err, io.EOF) || j.ask.Stream) {
		s.end(nil)
		e := end{outcome: OK, status: answer.StatusCode, used: j.used()}
		j.settle(&e)
		j.trail()
		return nil
	}
	message := "the answer ended before its end"
	if !errors.Is(err, io.EOF) {
		message = j.plain(err)
	}
	e := j.interrupted(message)
	if e.outcome != CallerGone {
		s.end(j.streamError(&e))
	}
	j.settle(&e)
	if !s.events && e.outcome != CallerGone {
		panic(http.ErrAbortHandler) // else it would look like the end
	}
	j.trail()
	return nil
}

// copy passes on what comes until nothing more does, and returns why.
func (j *journey) copy(s *stream, body io.Reader, first []byte) error {
	s.write(j.pass(first))
	piece := make([]byte, pieceSize)
	for {
		n, err := body.Read(piece)
		if n > 0 {
			s.write(j.pass(piece[:n]))
		}
		if err != nil {
			return err
		}
	}
}

// streamError is the event that tells a caller that the vendor broke off.
func (j *journey) streamError(e *end) []byte {
	refusal := wire.Refusal{Kind: wire.VendorAway, Code: ReasonUpstreamBroke, RequestID: j.id,
		Message: j.route.Upstream.Name + " broke off its answer"}
	if e.outcome == TooSlow {
		refusal.Kind, refusal.Code = wire.VendorSlow, ReasonUpstreamSlow
		refusal.Message = j.route.Upstream.Name + " takes too long to answer"
	}
	return j.route.Style().StreamError(refusal)
}

// stream writes to a caller, and keeps the line busy while the vendor says nothing.
type stream struct {
	w      http.ResponseWriter
	rc     *http.ResponseController
	events bool          // it is one of events: whole ones are written, with comments between them
	every  time.Duration // of silence a comment is written
	gone   func()
	// noNulls tells that the caller did not ask for the "usage":null that each chunk has, because we asked for its usage.
	noNulls bool

	mutex sync.Mutex
	held  []byte // of an event that has not come whole
	inner bool   // a part of an event too large to be held was written
	lost  bool   // the caller takes nothing any more
	quiet *time.Timer
	stall *time.Timer
}

func newStream(w http.ResponseWriter, events bool, every time.Duration, gone func()) *stream {
	s := &stream{w: w, every: every, rc: http.NewResponseController(w), events: events, gone: gone}
	s.stall = time.AfterFunc(time.Hour, func() { _ = s.rc.SetWriteDeadline(time.Unix(1, 0)) })
	s.stall.Stop()
	if events {
		s.quiet = time.AfterFunc(every, s.keepAlive)
	}
	return s
}

func (s *stream) stop() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lost = true
	s.stall.Stop()
	if s.quiet != nil {
		s.quiet.Stop()
	}
}

// write writes what has come, of events whole ones.
func (s *stream) write(p []byte) {
	if len(p) == 0 {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.events {
		s.put(p)
		return
	}
	if len(s.held) > 0 {
		s.held = append(s.held, p...)
		p = s.held
	}
	whole := lastBoundary(p)
	if whole == 0 && len(p) > largestHeld {
		whole, s.inner = len(p), true
	} else if whole > 0 {
		s.inner = false
	}
	if s.noNulls && !s.inner {
		s.put(wire.WithoutNullUsage(p[:whole]))
	} else {
		s.put(p[:whole])
	}
	s.held = append(s.held[:0], p[whole:]...)
}

// put writes bytes, and lets them go at once.
func (s *stream) put(p []byte) {
	if len(p) == 0 || s.lost {
		return
	}
	s.stall.Reset(writeWithin)
	_, err := s.w.Write(p)
	if err == nil {
		err = s.rc.Flush()
	}
	s.stall.Stop()
	if err != nil {
		s.lost = true
		s.gone()
		return
	}
	if s.quiet != nil {
		s.quiet.Reset(s.every)
	}
}

func (s *stream) flush() { _ = s.rc.Flush() } // who has gone is met by the next write

// keepAlive writes a comment between two events.
func (s *stream) keepAlive() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.inner {
		s.quiet.Reset(s.every)
		return
	}
	s.put([]byte(": keep-alive\n\n"))
}

// end writes what is held, or in its place why the stream ends.
func (s *stream) end(failed []byte) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case failed == nil:
		s.put(s.held)
	case s.events && s.inner:
		s.put(append([]byte("\n\n"), failed...))
	case s.events:
		s.put(failed)
	}
	s.held = nil
}

// lastBoundary returns how many bytes there are up to the end of the last whole event, 0 where there is none. An event
// ends with an empty line, whatever lines end with.
func lastBoundary(p []byte) int {
	for end := len(p); end > 1; end-- {
		switch {
		case p[end-1] != '\n' && p[end-1] != '\r':
			at := bytes.LastIndexAny(p[:end], "\r\n")
			if end = at + 2; at < 0 {
				return 0
			}
		case bytes.HasSuffix(p[:end], []byte("\n\n")), bytes.HasSuffix(p[:end], []byte("\r\n\r\n")),
			bytes.HasSuffix(p[:end], []byte("\r\r")):
			return end
		}
	}
	return 0
}
