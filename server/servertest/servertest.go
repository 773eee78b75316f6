// Package servertest runs a server on a database of a test, and asks it.
package servertest

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/metrics"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
	"github.com/alwrity/alwrity-sub/volatile"
)

// Fixture is a server with the default plans and prices, whose clock stands still until it is moved.
type Fixture struct {
	testing.TB
	*web.Services
	Place dbtest.Place
	DB    *db.DB
	URL   string
	clock *clock

	carries func(*Fixture) *gateway.Gateway // nil: no calls
}

type clock struct {
	mutex sync.Mutex
	now   time.Time
}

func (c *clock) get() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

// OnEach runs a test on SQLite and on PostgreSQL.
func OnEach(t *testing.T, test func(t *testing.T, f *Fixture)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, New(t, dbtest.PreparedSQLite(t))) })
	t.Run("postgresql", func(t *testing.T) { test(t, New(t, dbtest.PostgreSQL(t))) })
}

// New runs a server at a place. Options may change how it serves.
func New(t testing.TB, place dbtest.Place, options ...func(*server.Options)) *Fixture {
	t.Helper()
	return start(t, place, nil, options...)
}

// WithGateway is New for a server that carries calls, by a gateway that is made of its services.
func WithGateway(
	t testing.TB, place dbtest.Place, carries func(*Fixture) *gateway.Gateway, options ...func(*server.Options),
) *Fixture {
	t.Helper()
	return start(t, place, carries, options...)
}

func start(
	t testing.TB, place dbtest.Place, carries func(*Fixture) *gateway.Gateway, options ...func(*server.Options),
) *Fixture {
	t.Helper()
	f := &Fixture{TB: t, Place: place, DB: place.Create(t), carries: carries,
		clock: &clock{now: time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC)}}
	f.serve(volatile.New(volatile.Options{Clock: f.clock.get, Log: slog.New(slog.DiscardHandler)}), options...)
	seeds, err := catalogue.NewSeeds(nil, nil, func(string) string { return "" })
	f.Must(err)
	_, err = f.Catalogue.Seed(t.Context(), usage.Audit{At: f.clock.get(), Actor: "test", Action: "init"}, seeds)
	f.Must(err)
	return f
}

// Beside runs another server on the same database, which keeps answers in a store; nil: it keeps none.
func (f *Fixture) Beside(kept *volatile.Store) *Fixture {
	f.Helper()
	other := *f
	other.serve(kept)
	return &other
}

// serve starts a server.
func (f *Fixture) serve(kept *volatile.Store, options ...func(*server.Options)) {
	f.Helper()
	rates := kept
	if rates == nil {
		rates = volatile.New(volatile.Options{Clock: f.clock.get, Log: slog.New(slog.DiscardHandler)})
	}
	metering := &usage.Service{Store: f.DB, Thresholds: usage.DefaultThresholds(),
		Limiter: &volatile.Limiter{Store: rates}}
	prices := &catalogue.Service{Store: f.DB}
	reports, corrections := &usage.Reporter{Store: f.DB, Usage: metering}, &usage.Corrections{Store: f.DB, Usage: metering}
	settings := &notify.Settings{}
	f.Services = &web.Services{
		Access: &access.Service{Store: f.DB}, Usage: metering, Reports: reports, Corrections: corrections,
		Lists: &usage.Lists{Store: f.DB},
		Billing: &billing.Service{Store: f.DB, Usage: metering, Actor: "test",
			Rules: billing.Rules{DueDays: 14, GraceDays: 7}},
		Catalogue: prices, Fixer: &catalogue.Fixer{Store: f.DB, Reports: reports, Corrections: corrections},
		Notify:        &notify.Service{Store: f.DB, Settings: settings, Log: slog.New(slog.DiscardHandler)},
		Health:        &health.Service{Store: f.DB, Catalogue: prices, Usage: metering},
		Configuration: &health.Configuration{Lookup: func(string) string { return "" }, Notify: settings},
		Kept:          kept,
		Clock:         f.clock.get, Log: slog.New(slog.NewTextHandler(f.Output(), nil)), Version: "test",
	}
	o := server.Options{Drain: time.Minute, Ping: f.DB.Ready, Metrics: metrics.New("test", metrics.Sources{
		Clock: f.clock.get, Figures: f.Health.Figures, Book: prices.Book, Pools: f.DB.Pools})}
	metering.Tell = o.Metrics.Told
	for _, change := range options {
		change(&o)
	}
	if f.carries != nil {
		o.Gateway = f.carries(f)
	}
	s := httptest.NewServer(server.New(f.Services, o).Handler())
	f.Cleanup(s.Close)
	f.URL = s.URL
}

// Now is what the server's clock says.
func (f *Fixture) Now() time.Time { return f.clock.get() }

// Wait moves the server's clock.
func (f *Fixture) Wait(d time.Duration) {
	f.clock.mutex.Lock()
	defer f.clock.mutex.Unlock()
	f.clock.now = f.clock.now.Add(d)
}

// Must ends the test at an error.
func (f *Fixture) Must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// Token makes a token of a user, or with "" of one who acts for others.
func (f *Fixture) Token(user string, scopes ...access.Scope) string {
	f.Helper()
	return f.TokenOf(access.NewToken{Name: "test", User: user, ActAs: user == "", Scopes: scopes})
}

// TokenOf makes a token.
func (f *Fixture) TokenOf(wanted access.NewToken) string {
	f.Helper()
	created, err := f.Access.Create(f.Context(), usage.Audit{At: f.Now(), Actor: "test", Action: "tokens create"}, wanted)
	f.Must(err)
	return created.Secret
}

// Answer is what the server has said.
type Answer struct {
	*http.Response
	Text string
}

// Ask makes a request with a bearer, or none where that is "". An answer that is not as the OpenAPI document says fails
// the test. Headers are such as "Accept: text/csv".
func (f *Fixture) Ask(method, path, bearer, body string, headers ...string) Answer {
	f.Helper()
	request, err := http.NewRequestWithContext(f.Context(), method, f.URL+path, strings.NewReader(body))
	f.Must(err)
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	f.Must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	f.Must(err)
	answer := Answer{response, string(text)}
	if err := answer.check(); err != nil {
		f.Errorf("the answer is not as server/openapi.yaml says: %s", err)
	}
	return answer
}

// Audit says that the test does something now.
func (f *Fixture) Audit(action string) usage.Audit {
	return usage.Audit{At: f.Now(), Actor: "test", Action: action}
}
