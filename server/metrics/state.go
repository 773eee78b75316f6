package metrics

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Sources are where the metrics of the state come from. Each may be nil: then there are none of it.
type Sources struct {
	Clock   func() time.Time
	Figures func(ctx context.Context, now time.Time) (health.Figures, error)
	Book    func(ctx context.Context) (*pricing.Book, error) // of which the models are told apart
	Pools   func() []usage.PoolState
	Redis   func() (up bool)
	Spool   func() int64 // calls that wait in the gateway's spool
}

const (
	refreshAfter = 5 * time.Second // however often and by however many metrics are asked for
	refreshFor   = 3 * time.Second
)

// state reads the state of the database for those who scrape, not more often than is of use.
type state struct {
	from Sources
	book atomic.Pointer[pricing.Book]

	mutex sync.Mutex
	read  time.Time // when it was read last; zero: never
	known bool      // it could be read then
	last  health.Figures
}

func newState(from Sources) *state { return &state{from: from} }

// model returns the name under which the tokens and cost of an event are counted: that of the model that has its price.
func (s *state) model(e *usage.Event) string {
	book := s.book.Load()
	if book == nil {
		return other
	}
	price, _ := book.Find(e.Provider, e.Model, s.from.Clock())
	if price == nil {
		return other
	}
	return price.Model
}

// refresh reads the state again, unless that was done just now.
func (s *state) refresh(ctx context.Context) (figures health.Figures, known bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := s.from.Clock()
	if age := now.Sub(s.read); age >= 0 && age < refreshAfter {
		return s.last, s.known
	}
	ctx, stop := context.WithTimeout(ctx, refreshFor)
	defer stop()
	var err error
	if s.last, err = s.from.Figures(ctx, now); err == nil {
		err = s.readBook(ctx)
	}
	s.read, s.known = now, err == nil
	return s.last, s.known
}

func (s *state) readBook(ctx context.Context) error {
	if s.from.Book == nil {
		return nil
	}
	book, err := s.from.Book(ctx)
	if err == nil {
		s.book.Store(book)
	}
	return err
}

// Refresh reads what the metrics need to know from the start.
func (m *Metrics) Refresh(ctx context.Context) {
	if m.state.from.Figures != nil {
		m.state.refresh(ctx)
	}
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

var ( // read-only
	spooled       = gauge("spool_entries", "Calls that wait in the spool of the gateway to be recorded.")   // read-only
	unknown       = gauge("unknown_calls", "Calls of 35 days whose process was killed.")                    // read-only
	atMost        = gauge("unknown_cost_usd_max", "What these have cost at most.")                          // read-only
	databaseUp    = gauge("database_up", "1 if the state of the database could be read just now, else 0.")  // read-only
	databaseBytes = gauge("database_size_bytes", "How large the database is.")                              // read-only
	held          = gauge("reservations_held", "Reservations that hold something of a limit.")              // read-only
	unpriced      = gauge("unpriced_calls", "Calls of the last 35 days without a price, charged nothing.")  // read-only
	estimated     = gauge("estimated_calls", "Calls of the last 35 days whose use was estimated.")          // read-only
	notClosed     = gauge("periods_to_close", "Users with a usage period that is over and was not closed.") // read-only
	outbox        = gauge("outbox_messages", "Messages by what is known of their delivery.", "status")      // read-only
	outboxOldest  = gauge("outbox_oldest_seconds", "How long the oldest message waits that should be out.") // read-only
	redisUp       = gauge("redis_up", "1 if Redis answers, 0 if memory of this process takes its place.")   // read-only
	poolMost      = gauge("db_pool_max", "How many connections to the database there may be.", "pool")      // read-only
	poolOpen      = gauge("db_pool_open", "Connections to the database, used and idle.", "pool")            // read-only
	poolUsed      = gauge("db_pool_in_use", "Connections to the database that are used.", "pool")           // read-only
	poolWaits     = gauge("db_pool_waits_total", "How often a connection was waited for.", "pool")          // read-only
	poolWaited    = gauge("db_pool_wait_seconds_total", "How long connections were waited for.", "pool")    // read-only
)

// Describe implements prometheus.Collector. It says nothing: what there is depends on what can be read.
func (s *state) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *state) Collect(out chan<- prometheus.Metric) {
	send := func(kind prometheus.ValueType, d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	s.collectPools(send)
	if s.from.Redis != nil {
		send(prometheus.GaugeValue, redisUp, one(s.from.Redis()))
	}
	if s.from.Spool != nil {
		send(prometheus.GaugeValue, spooled, float64(s.from.Spool()))
	}
	if s.from.Figures == nil {
		return
	}
	f, known := s.refresh(context.Background())
	send(prometheus.GaugeValue, databaseUp, one(known))
	if !known {
		return // an old figure would look like one of now
	}
	for d, value := range map[*prometheus.Desc]int64{databaseBytes: f.DatabaseBytes, held: f.Held, unpriced: f.Unpriced,
		estimated: f.Estimated, notClosed: f.NotClosed, unknown: f.Unknown.Calls} {
		send(prometheus.GaugeValue, d, float64(value))
	}
	send(prometheus.GaugeValue, atMost, f.Unknown.Cost.Float())
	send(prometheus.GaugeValue, outbox, float64(f.Outbox.Unexpanded), "new")
	for _, status := range []notify.Status{notify.Waiting, notify.Sending, notify.Dead, notify.Unconfirmed} {
		send(prometheus.GaugeValue, outbox, float64(f.Outbox.Deliveries[status]), string(status))
	}
	oldest := 0.0
	if !f.Outbox.Oldest.IsZero() {
		oldest = max(0, s.from.Clock().Sub(f.Outbox.Oldest).Seconds())
	}
	send(prometheus.GaugeValue, outboxOldest, oldest)
}

func (s *state) collectPools(send func(prometheus.ValueType, *prometheus.Desc, float64, ...string)) {
	if s.from.Pools == nil {
		return
	}
	for _, p := range s.from.Pools() {
		send(prometheus.GaugeValue, poolMost, float64(p.Most), p.Pool)
		send(prometheus.GaugeValue, poolOpen, float64(p.Open), p.Pool)
		send(prometheus.GaugeValue, poolUsed, float64(p.InUse), p.Pool)
		send(prometheus.CounterValue, poolWaits, float64(p.Waits), p.Pool)
		send(prometheus.CounterValue, poolWaited, p.Waited.Seconds(), p.Pool)
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
