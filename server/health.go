package server

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/server/web"
)

// registerHealth adds the routes that monitoring asks.
func (s *Server) registerHealth(mux *http.ServeMux) {
	routes := map[string]http.HandlerFunc{"GET /healthz": s.healthz, "GET /readyz": s.readyz}
	if s.options.Metrics != nil && s.options.MetricsApart == nil {
		routes["GET /metrics"] = s.metrics
	}
	for pattern, handler := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			web.NoteOf(r.Context()).Route = pattern
			handler(w, r)
		})
	}
}

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	_ = web.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok", "version": s.services.Version})
}

// readyFor is how long the database may take to say that it is there.
const readyFor = 2 * time.Second

// readyz says whether requests can be served: the database can be read, its schema is ours, and the server is not about
// to end. It is asked by everyone, so it does not say where the database is.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	unready := func(status string) {
		web.SetRetry(w, http.StatusServiceUnavailable)
		_ = web.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"status": status})
	}
	if s.draining.Load() {
		unready("draining")
		return
	}
	err := s.look(r.Context())
	switch {
	case err == nil && s.options.Gateway != nil && s.options.Gateway.Spool.Lines() > 0:
		unready("calls wait in the spool to be recorded")
	case err == nil:
		_ = web.WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	case s.outdated.Load():
		unready("the schema of the database is another version's")
	default:
		unready("the database can't be used")
	}
	web.NoteOf(r.Context()).Err = err
}

// look asks whether the database can be used, and notes whether its schema is still ours.
func (s *Server) look(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, readyFor)
	defer stop()
	err := s.options.Ping(ctx)
	switch {
	case errors.Is(err, failure.ErrOtherSchema):
		if !s.outdated.Swap(true) {
			s.services.Log.Error("nothing is served: the schema is not that of this version", "error", err.Error())
		}
	case err == nil:
		s.outdated.Store(false)
	}
	return err
}

// watch looks every second whether the schema is still ours, until it is stopped: a newer version may bring it up to
// date while this one serves, and what this one then wrote might be wrong.
func (s *Server) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { s.options.Traces.Run(ctx) })
	running.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = s.look(ctx) // what can't be asked now is asked again
			}
		}
	})
	if s.options.Metrics != nil {
		s.options.Metrics.Refresh(ctx)
	}
	closeApart := s.serveMetrics()
	return func() {
		closeApart()
		cancel()
		running.Wait()
	}
}

// refuseOutdated refuses what would read or write tables of another version.
func (s *Server) refuseOutdated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.outdated.Load() && !isHealth(r.URL.Path) {
			err := failure.Unavailablef("the schema of the database is another version's").
				WithHint("the server has to be replaced by that version")
			web.NoteOf(r.Context()).Err = err
			web.Fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isHealth(path string) bool { return path == "/healthz" || path == "/readyz" || path == "/metrics" }

// metrics answers with the metrics, to who may see what is spent: whoever asks from this machine itself, and operators.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	if err := s.maySeeMetrics(r); err != nil {
		web.NoteOf(r.Context()).Err = err
		web.Fail(w, r, err)
		return
	}
	s.options.Metrics.Handler().ServeHTTP(w, r)
}

func (s *Server) maySeeMetrics(r *http.Request) error {
	if isLocal(r) {
		return nil
	}
	who, err := s.services.ByBearer(r, s.services.Clock())
	if err != nil {
		return err
	}
	web.NoteOf(r.Context()).Who = who.Name
	if !who.May(access.ScopeAdmin) {
		return access.Forbidden("%s may not see metrics: it takes the scope %s", who.Name, access.ScopeAdmin)
	}
	return nil
}

// isLocal tells whether a request comes from this machine, and not through a proxy on it.
func isLocal(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	address, err := netip.ParseAddr(r.RemoteAddr)
	return err == nil && address.Unmap().IsLoopback()
}

// serveMetrics serves what monitoring asks on an address of its own, where there is one.
func (s *Server) serveMetrics() (stop func()) {
	if s.options.MetricsApart == nil || s.options.Metrics == nil {
		return func() {}
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.options.Metrics.Handler())
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: largestHeader, ErrorLog: s.errorLog()}
	go func() { _ = server.Serve(s.options.MetricsApart) }() // it ends when it is closed
	return func() { _ = server.Close() }
}
