package cmd

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/metrics"
	"github.com/alwrity/alwrity-sub/server/pages"
	"github.com/alwrity/alwrity-sub/server/trace"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/volatile"
	"github.com/alwrity/alwrity-sub/volatile/redis"
)

// drainFor is how long requests that are running may take once the server is to end.
const drainFor = 60 * time.Second

// garbagePercent is how much garbage the server makes, in percent of what it keeps, before that is collected. It keeps
// some MB and makes much in each request: at Go's own 100 a fifth of its work would be collecting.
const garbagePercent = 400

// serveSettings are what configuration says of the server.
type serveSettings struct {
	listen            string
	metricsListen     string                   // "" for listen
	lookup            func(name string) string // reads a variable of OpenTelemetry, "" where it is not set
	certFile, keyFile string
	origins           []string
	proxies           []netip.Prefix
	pageCost          bool // customers see what their usage costs
	redisURL          string
	noCache           bool // no answers are kept
}

// serve reads what the server needs.
func (r *reader) serve(p Process) serveSettings {
	s := serveSettings{listen: r.text(keyListen), metricsListen: r.text(keyMetricsListen),
		certFile: r.text(keyTLSCert), keyFile: r.text(keyTLSKey),
		origins: r.list(keyAllowedOrigins), redisURL: r.text(keyRedisURL),
		noCache: r.boolean(keyNoCache),
		lookup:  func(name string) string { return cmp.Or(p.getenv(name), r.env[name]) }}
	if s.redisURL != "" {
		if err := redis.Check(s.redisURL); err != nil {
			r.fail(failure.Within(err, "%s", r.label(keyRedisURL)))
		}
	}
	if (s.certFile == "") != (s.keyFile == "") {
		r.fail(failure.Invalidf("%s and %s belong together: only one is set", r.label(keyTLSCert), r.label(keyTLSKey)))
	}
	if s.certFile != "" {
		s.certFile, s.keyFile = resolvePath(p.Dir, s.certFile), resolvePath(p.Dir, s.keyFile)
	}
	switch word := r.text(keyPageCost); word {
	case "none":
	case "usage":
		s.pageCost = true
	default:
		r.fail(failure.Invalidf("%s is %q: it must be none or usage", r.label(keyPageCost), failure.Shorten(word)))
	}
	for _, word := range r.list(keyTrustedProxies) {
		prefix, err := netip.ParsePrefix(word)
		if address, addressErr := netip.ParseAddr(word); addressErr == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			r.fail(failure.Invalidf("%s has %q in it: it must be an address, or a network such as 10.0.0.0/8",
				r.label(keyTrustedProxies), failure.Shorten(word)))
		}
		s.proxies = append(s.proxies, prefix)
	}
	return s
}

// serve serves the configured database until the context ends.
func (g *program) serve(ctx context.Context, listen string) (err error) {
	settings := g.settings.serve
	options := server.Options{Origins: settings.origins, Proxies: settings.proxies, Drain: drainFor,
		Pages: pages.Options{ShowCost: settings.pageCost}}
	if settings.certFile != "" {
		pair, err := tls.LoadX509KeyPair(settings.certFile, settings.keyFile)
		if err != nil {
			return failure.Invalidf("the certificate %s can't be used with the key %s: %s", settings.certFile, settings.keyFile,
				err).Because(err)
		}
		options.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	}
	var opened *db.DB
	s, err := g.open(ctx, func(ctx context.Context, target db.Target) (*db.DB, error) {
		var err error
		opened, err = db.Open(ctx, target)
		return opened, err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	config := g.env.Configuration()
	if err := s.Health.CanServe(ctx, g.env.Now(), config); err != nil {
		return err
	}
	kept, err := g.volatile(settings.redisURL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	s.Usage.Limiter = &volatile.Limiter{Store: kept}
	s.Access.Tries = volatile.Tries{Store: kept, Most: access.MostTries}
	options.Ping = opened.Ready
	if err := g.monitor(ctx, &options, s, opened, kept); err != nil {
		return err
	}
	address := cmp.Or(listen, settings.listen)
	if err := s.Access.CheckListen(address); err != nil {
		return err
	}
	listener, err := listenOn(ctx, address, "name another address with --listen")
	if err != nil {
		return err
	}
	if s.Access.Disabled {
		options.Warning = "nobody is asked who they are (DISABLE_AUTH)"
	}
	defer g.hearChanges(ctx, s)()
	defer inBackground(ctx, func(ctx context.Context) { s.Usage.KeepRefusals(ctx, opened, g.logs.both) })()
	if g.process.getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	var settle func() error
	options.Gateway, settle = g.gateway(ctx, s, opened, options.Metrics)
	defer func() { err = errors.Join(err, settle()) }()
	g.logs.both.Info("serving", "address", listener.Addr().String(), "database", g.redactedURL())
	return server.New(g.webServices(s, config, kept), options).Serve(ctx, listener)
}

// volatile is where the server keeps what may be lost: in Redis if one is configured, else in its memory.
func (g *program) volatile(redisURL string) (*volatile.Store, error) {
	options := volatile.Options{Clock: g.env.Now, Log: g.logs.both}
	if redisURL != "" {
		shared, err := redis.New(redisURL, redis.DefaultTimeout)
		if err != nil {
			return nil, err
		}
		options.Shared = shared
	}
	return volatile.New(options), nil
}

func listenOn(ctx context.Context, address, otherwise string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(address)
	if _, portErr := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil || portErr != nil {
		return nil, failure.Invalidf("%q is no address to listen on: it must be a host and a port, such as 127.0.0.1:8080",
			failure.Shorten(address)).WithHint("%s", otherwise)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, failure.Unavailablef("%s can't be listened on: %s", address, err).
			WithHint("another process may have it; %s", otherwise).Because(err)
	}
	return listener, nil
}

// monitor gives the server its metrics and traces.
func (g *program) monitor(
	ctx context.Context, options *server.Options, s *commands.Services, opened *db.DB, kept *volatile.Store,
) (err error) {
	sources := metrics.Sources{
		Clock: g.env.Now, Figures: s.Health.Figures, Book: s.Catalogue.Book, Pools: opened.Pools,
		Spool: g.settings.gateway.spool.Lines}
	if configured, _ := kept.IsShared(); configured {
		sources.Redis = func() bool { _, up := kept.IsShared(); return up }
	}
	options.Metrics = metrics.New(g.env.Settings.Version, sources)
	s.Usage.Tell = options.Metrics.Told
	options.Traces, err = trace.New(g.settings.serve.lookup, g.env.Settings.Version, g.logs.both)
	if err != nil {
		g.logs.both.Warn("no traces are sent", "error", err.Error()) // the variables may be meant for another program
	}
	if address := g.settings.serve.metricsListen; address != "" {
		options.MetricsApart, err = listenOn(ctx, address, "set "+variablePrefix+"METRICS_LISTEN to another address")
		return err
	}
	return nil
}

// hearChanges lets the server know what others change of tokens, until stop is called.
func (g *program) hearChanges(ctx context.Context, s *commands.Services) (stop func()) {
	return inBackground(ctx, func(ctx context.Context) {
		if err := s.Access.Run(ctx, g.logs.both, nil); err != nil {
			g.logs.both.Error("changes of tokens are not heard of", "error", err)
		}
	})
}

// inBackground does something until stop is called: also while the server drains.
func inBackground(ctx context.Context, do func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var doing sync.WaitGroup
	doing.Go(func() { do(ctx) })
	return func() {
		cancel()
		doing.Wait()
	}
}

// webServices are the operations that the server's routes ask.
func (g *program) webServices(
	s *commands.Services, config *health.Configuration, kept *volatile.Store,
) *web.Services {
	if g.settings.serve.noCache {
		kept = nil
	}
	return &web.Services{
		Access: s.Access, Usage: s.Usage, Reports: s.Reports, Corrections: s.Corrections, Lists: s.Lists, Billing: s.Billing,
		Catalogue: s.Catalogue, Fixer: s.Fixer, Notify: s.Notify, Health: s.Health, Kept: kept, Clock: g.env.Now,
		Log:    g.logs.both,
		Sender: g.env.Settings.Sender, Configuration: config, Rehearsal: g.env.Printer.Rehearsal,
		Version: g.env.Settings.Version,
	}
}
