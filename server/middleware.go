package server

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/server/gate"
	"github.com/alwrity/alwrity-sub/server/trace"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// chain puts the middleware around the routes, the outermost last.
func (s *Server) chain(routes http.Handler) http.Handler {
	h := s.limitTime(routes)
	h = unpack(h)
	h = gzhttp.GzipHandler(h)
	if s.options.Gateway != nil {
		h = (&gate.Gate{Gateway: s.options.Gateway, Services: s.services, ShowCost: s.options.Pages.ShowCost}).Or(h)
	}
	h = s.refuseOutdated(h)
	h = s.allowOrigins(h)
	h = s.recover(h)
	h = s.account(h)
	return s.identify(h)
}

// requestID is what a request id of a caller may look like: it is written into logs.
var requestID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// identify gives each request an id, the caller's or a new one, and finds out who is behind a proxy.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !requestID.MatchString(id) {
			id, _ = usage.NewID() // without one the request is served all the same
		}
		w.Header().Set("X-Request-Id", id)
		note := &web.Note{ID: id, HTTPS: s.isHTTPS(r)}
		note.Trace, note.Caller = s.options.Traces.Begin(r.Header.Get(trace.Header))
		w.Header().Set(trace.Header, note.Trace.String())
		r = r.WithContext(web.WithNote(r.Context(), note))
		r.RemoteAddr = s.clientOf(r)
		next.ServeHTTP(w, r)
	})
}

// clientOf returns the address of who made a request. X-Forwarded-For is read from its end, as far as those who have
// written it are proxies that were named.
func (s *Server) clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, before := range slices.Backward(forwarded) {
		before = strings.TrimSpace(before)
		if _, err := netip.ParseAddr(before); err != nil || !s.isProxy(host) {
			break
		}
		host = before
	}
	return host
}

// isHTTPS tells whether a request came by TLS: to us, or to a proxy that was named.
func (s *Server) isHTTPS(r *http.Request) bool {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" && s.isProxy(host)
}

func (s *Server) isProxy(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(s.options.Proxies, func(p netip.Prefix) bool {
		return p.Contains(address.Unmap())
	})
}

// account counts each request, logs it, and hands in its span, also where its connection is cut off on purpose.
func (s *Server) account(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.services.Clock()
		seen := &seenWriter{ResponseWriter: w, status: http.StatusOK}
		m := s.options.Metrics
		if m != nil {
			defer m.Begin()()
		}
		defer func() {
			took, note := s.services.Clock().Sub(began), web.NoteOf(r.Context())
			s.services.Recent.Note(began, seen.status)
			s.logAccess(r, note, seen, took)
			if m != nil {
				m.Answered(note.Route, seen.status, took, note.Err)
			}
			if note.Trace.Sampled {
				s.options.Traces.End(spanOf(r, note, seen, began, took))
			}
		}()
		next.ServeHTTP(seen, r)
	})
}

// logAccess writes one line for a request, without its body, its parameters or a secret.
func (s *Server) logAccess(r *http.Request, note *web.Note, seen *seenWriter, took time.Duration) {
	level := slog.LevelInfo
	if seen.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attributes := []slog.Attr{slog.String("request_id", note.ID), slog.String("trace_id", note.Trace.TraceID()),
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.String("route", note.Route),
		slog.Int("status", seen.status), slog.Int64("bytes", seen.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("who", note.Who),
		slog.String("from", r.RemoteAddr)}
	if note.Err != nil {
		attributes = append(attributes, slog.String("error", note.Err.Error()))
	}
	if s.options.Warning != "" {
		attributes = append(attributes, slog.String("warning", s.options.Warning))
	}
	s.services.Log.LogAttrs(r.Context(), level, "request", attributes...)
}

// spanOf is what a trace is told of a request, by OpenTelemetry's names. It has the route and not the path, which may
// name a user.
func spanOf(r *http.Request, note *web.Note, seen *seenWriter, began time.Time, took time.Duration) trace.Span {
	span := trace.Span{Context: note.Trace, Parent: note.Caller.Span, Name: note.Route, Began: began, Took: took,
		Failed: seen.status >= http.StatusInternalServerError,
		Attributes: map[string]any{"http.request.method": r.Method, "http.response.status_code": seen.status,
			"alwrity.request_id": note.ID}}
	if note.Route == "" {
		span.Name = r.Method
		return span
	}
	_, path, _ := strings.Cut(note.Route, " ")
	span.Attributes["http.route"] = path
	return span
}

// seenWriter notes what was answered.
type seenWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
	began  bool
}

func (w *seenWriter) WriteHeader(status int) {
	if !w.began && status >= http.StatusOK {
		w.status, w.began = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *seenWriter) Write(p []byte) (int, error) {
	w.began = true
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *seenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recover answers a fault of the program, which must not end the process.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(fault)
			}
			s.services.Log.Error("panic", "request_id", web.NoteOf(r.Context()).ID, "fault", fmt.Sprint(fault),
				"stack", string(debug.Stack()))
			web.Fail(w, r, failure.New(failure.Internal, "a fault of the program"))
		}()
		next.ServeHTTP(w, r)
	})
}

// allowOrigins lets pages of the configured origins call from a browser, with their credentials.
func (s *Server) allowOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !slices.Contains(s.options.Origins, origin) {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "X-Request-Id, Link, Retry-After, X-Alwrity-Resets-At, X-Alwrity-Event-Id, "+
			"X-Alwrity-Cost, X-Alwrity-Tokens, X-Alwrity-Measured, X-Alwrity-Overhead-Ms")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// unpack bounds each body, packed and unpacked alike: a few bytes of gzip can be gigabytes.
func unpack(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, web.LargestBody)
		switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
		case "", "identity":
		case "gzip":
			unpacked, err := gzip.NewReader(r.Body)
			if err != nil {
				web.Fail(w, r, failure.Invalidf("the body is no gzip: %s", err).Because(err))
				return
			}
			r.Body = http.MaxBytesReader(w, unpacked, web.LargestBody)
			r.Header.Del("Content-Encoding")
		default:
			web.Fail(w, r, failure.Invalidf("the body is packed by %q: gzip is what is read", failure.Shorten(encoding)))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limitTime bounds how long a route works on a request.
func (s *Server) limitTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, stop := context.WithTimeout(r.Context(), callTimeout)
		defer stop()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// errorLog takes what net/http has to say about connections: handshakes that fail, clients that are gone.
func (s *Server) errorLog() *log.Logger {
	return slog.NewLogLogger(s.services.Log.Handler(), slog.LevelDebug)
}
