package gateway

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Usage is what a call needs of metering: usage.Service.
type Usage interface {
	Reserve(ctx context.Context, now time.Time, call usage.Call, id string, ttl time.Duration) (usage.Decision, error)
	Record(ctx context.Context, now time.Time, event usage.Event, opts usage.RecordOptions) (usage.Outcome, error)
	Release(ctx context.Context, now time.Time, id string) (usage.Reservation, error)
}

// Settings say how calls are carried.
type Settings struct {
	AssumedOutput  int64 // tokens that an answer may have where its request sets no bound
	DrainGone      bool  // a stream whose caller has gone is read to its end, as far as that is short
	BillBroken     bool  // what a vendor broke off is charged
	RefuseUnpriced bool  // a call of a model without a price is refused
	FailOpen       bool  // a call passes where its limits can't be read
}

// Options are what a gateway is made of.
type Options struct {
	Upstreams *Catalogue
	Lookup    func(variable string) string // the environment and the env file: the keys are in nothing else
	Usage     Usage
	Store     usage.GatewayStore
	Figures   func(ctx context.Context, now time.Time) (usage.Figures, error) // for Status
	Book      func(ctx context.Context) (*pricing.Book, error)                // the prices in force
	Clock     func() time.Time
	Log       *slog.Logger
	Spool     *Spool
	Watch     Watch // nil: nobody counts
	Version   string
	KeepAlive time.Duration // of silence, after which a stream gets a comment; 0: 15 seconds
	Tries     int           // to record a call before it goes to the spool; 0: eight
	Settings
}

// Gateway carries calls, any number at the same time.
type Gateway struct {
	Options
	lines map[*Upstream]*line
	book  keptBook

	running  sync.WaitGroup // calls, and what has to be written of them
	draining chan struct{}  // has room for as many as are read to their end
}

// line is what leads to an upstream.
type line struct {
	keys      *Keys
	transport http.RoundTripper
	close     func()
}

// mostDraining is how many streams are read to their end at the same time after their callers have gone.
const mostDraining = 64

// New makes a gateway.
func New(o Options) *Gateway {
	if o.Watch == nil {
		o.Watch = nobody{}
	}
	o.Tries, o.KeepAlive = cmp.Or(o.Tries, mostTries), cmp.Or(o.KeepAlive, keepAliveEvery)
	g := &Gateway{Options: o, lines: map[*Upstream]*line{}, draining: make(chan struct{}, mostDraining)}
	for _, up := range o.Upstreams.Upstreams {
		t := newTransport(up)
		g.lines[up] = &line{keys: NewKeys(up.Keys, o.Lookup), transport: t, close: t.CloseIdleConnections}
	}
	return g
}

// Wait waits until all calls are settled, and what could not be is in the spool, or until ctx is done.
func (g *Gateway) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		g.running.Wait()
		close(done)
	}()
	for _, l := range g.lines {
		l.close()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Configured tells whether an upstream can be called: it has a key, or needs none.
func (g *Gateway) Configured(u *Upstream) bool {
	return len(u.Keys) == 0 || len(g.lines[u].keys.all) > 0
}

// keptBook keeps the prices for a moment: they say which provider a call is of, and never what it costs.
type keptBook struct {
	mutex sync.Mutex
	book  *pricing.Book
	read  time.Time
}

const bookKept = 5 * time.Second

// prices returns prices that were in force a moment ago.
func (g *Gateway) prices(ctx context.Context) (*pricing.Book, error) {
	k, now := &g.book, g.Clock()
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if age := now.Sub(k.read); k.book != nil && age >= 0 && age < bookKept {
		return k.book, nil
	}
	book, err := g.Book(ctx)
	if err != nil {
		return k.book, err
	}
	k.book, k.read = book, now
	return book, nil
}
