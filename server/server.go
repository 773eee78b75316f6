// Package server is HTTP and nothing else: it listens, passes each request through one chain of middleware to the
// routes of its groups, and drains when it is to end. What a route does is an operation of a service, as a verb's is.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/server/alwrity"
	"github.com/alwrity/alwrity-sub/server/metrics"
	"github.com/alwrity/alwrity-sub/server/pages"
	"github.com/alwrity/alwrity-sub/server/trace"
	"github.com/alwrity/alwrity-sub/server/v1"
	"github.com/alwrity/alwrity-sub/server/web"
)

// Options say how a server serves.
type Options struct {
	Origins []string       // of pages in browsers that may call; none: only our own
	Proxies []netip.Prefix // whose X-Forwarded-For and X-Forwarded-Proto are believed
	Pages   pages.Options  // its Warning is that above; its ShowCost is of /v1 too
	Warning string         // stands in every line of the log and on every page; "" for none
	Drain   time.Duration  // how long running requests may take once the server is to end
	TLS     *tls.Config    // nil: plain HTTP
	// Ping returns why no requests can be served: the database can't be used, or failure.ErrOtherSchema.
	Ping func(ctx context.Context) error

	Gateway *gateway.Gateway // nil: no calls are carried

	Metrics      *metrics.Metrics // nil for none
	MetricsApart net.Listener     // where they are served to everyone, and nowhere else; nil: at /metrics, to who may
	Traces       *trace.Exporter  // nil: none are sent
}

// Server answers requests with the operations of some services.
type Server struct {
	services *web.Services
	options  Options
	handler  http.Handler
	draining atomic.Bool
	outdated atomic.Bool // the schema is not ours any more
}

// New makes a server of the operations on an open database.
func New(services *web.Services, options Options) *Server {
	s := &Server{services: services, options: options}
	mux := http.NewServeMux()
	s.registerHealth(mux)
	mux.HandleFunc("GET /openapi.yaml", openAPIDocument)
	mux.HandleFunc("GET /docs", openAPIReader())
	v1.Group(services, options.Pages.ShowCost).Register(mux, services)
	options.Pages.Warning = options.Warning
	people := pages.Group(services, options.Pages)
	people.Register(mux, services)
	alwrity.Group(services).Register(mux, services)
	s.handler = s.chain(orNoRoute(mux, func(w http.ResponseWriter, r *http.Request, err error) {
		people.FailFor(w, r, services, err)
	}))
	return s
}

// orNoRoute answers what no route answers in the form of our other failures: as a page to browsers.
func orNoRoute(mux *http.ServeMux, page func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		answer := &statusOnly{header: http.Header{}}
		handler.ServeHTTP(answer, r)
		if allow := answer.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			web.FailWith(w, r, http.StatusMethodNotAllowed, failure.Invalidf("%s can't be asked with %s, but with %s",
				failure.Shorten(r.URL.Path), failure.Shorten(r.Method), allow))
			return
		}
		w.Header().Add("Vary", "Accept")
		nothing := failure.NotFoundf("there is nothing at %s", failure.Shorten(r.URL.Path))
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			page(w, r, nothing)
			return
		}
		web.Fail(w, r, nothing)
	})
}

// statusOnly takes an answer of which the header is all that is wanted.
type statusOnly struct{ header http.Header }

func (a *statusOnly) Header() http.Header         { return a.header }
func (a *statusOnly) Write(p []byte) (int, error) { return len(p), nil }
func (a *statusOnly) WriteHeader(int)             {}

// Handler is all that the server answers.
func (s *Server) Handler() http.Handler { return s.handler }

// The bounds in time of a connection. A body of 16 MB from a slow line takes a minute, and an export of the log as
// long.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 60 * time.Second
	writeTimeout  = 120 * time.Second
	idleTimeout   = 120 * time.Second
	callTimeout   = 60 * time.Second // of what a route does
	largestHeader = 64 << 10
)

// Serve answers what comes in until the context ends. Then it says that it is not ready any more, takes no new
// connections, and waits for the requests that are running.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s.handler, TLSConfig: s.options.TLS, MaxHeaderBytes: largestHeader,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: s.errorLog(),
	}
	if s.options.TLS != nil {
		listener = tls.NewListener(listener, s.options.TLS)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	stop := s.watch(ctx)
	defer stop()
	select {
	case err := <-ended:
		return fmt.Errorf("the server has ended: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Drain)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		s.services.Log.Warn("requests were cut off", "after", s.options.Drain.String())
		return errors.Join(ignoreDeadline(err), server.Close())
	}
	return nil
}

func ignoreDeadline(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // it was said, and what is cut off is not half done
	}
	return err
}
