package usage

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// gatedStore is a store of one map. Each transaction says that it has begun, and waits at the gate.
type gatedStore struct {
	Tx
	begun, gate  chan struct{}
	busy         string        // the user whom another process holds
	free, waits  chan struct{} // the busy user is free once free is closed; who waits for that says so
	writers      int
	appendFails  func([]Entry) error
	mu           sync.Mutex
	entries      map[string]Entry
	transactions int
}

func newGatedStore() *gatedStore {
	return &gatedStore{begun: make(chan struct{}, 100), gate: make(chan struct{}), waits: make(chan struct{}, 100),
		entries: map[string]Entry{}}
}

func (s *gatedStore) Update(ctx context.Context, _ []string, _ time.Time, fn func(Tx) error) error {
	s.begun <- struct{}{}
	select {
	case <-s.gate:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transactions++
	return fn(s)
}

func (s *gatedStore) Assume(ctx context.Context, fn func(Tx) error) error {
	return s.Update(ctx, nil, time.Time{}, fn)
}

func (s *gatedStore) Load() Load { return Load{Rows: 1_000, Writers: s.writers} }

func (s *gatedStore) View(_ context.Context, fn func(Reader) error) error { return fn(s) }
func (s *gatedStore) CatalogueVersion(context.Context) (int64, error)     { return 1, nil }

func (s *gatedStore) LockUsers(
	_ context.Context, users []string, _ time.Time, _ Writer, skip bool,
) (Locked, error) {
	if skip && slices.Contains(users, s.busy) {
		return Locked{Busy: []string{s.busy}}, nil
	}
	if s.free != nil && slices.Contains(users, s.busy) {
		s.mu.Unlock()
		s.waits <- struct{}{}
		<-s.free
		s.mu.Lock()
	}
	return Locked{}, nil
}

func (s *gatedStore) Book(context.Context, string) (*pricing.Book, error) {
	price := pricing.Price{Provider: "gemini", Model: pricing.DefaultModel}
	return pricing.NewBook(pricing.Providers{"gemini": {Name: "gemini", Vendor: "google"}}, []pricing.Price{price}), nil
}

func (s *gatedStore) ArchivedMonths(context.Context) (map[plan.Month]string, error) {
	return map[plan.Month]string{}, nil
}

func (s *gatedStore) Accounts(ctx context.Context, users []string) (map[string]plan.Account, error) {
	return (&countingReader{}).Accounts(ctx, users)
}

func (s *gatedStore) Held(context.Context, []string, time.Time) (map[string][]Reservation, error) {
	return nil, nil
}

func (s *gatedStore) Totals(context.Context, []PeriodKey) (map[PeriodKey][]ProviderUsage, error) {
	return nil, nil
}

func (s *gatedStore) Entries(_ context.Context, ids []string) (map[string]Entry, error) {
	found := map[string]Entry{}
	for _, id := range ids {
		if e, ok := s.entries[id]; ok {
			found[id] = e
		}
	}
	return found, nil
}

func (s *gatedStore) Write(_ context.Context, c Changes) error {
	entries := c.Entries
	if c.Assumed != nil && slices.Contains(c.Assumed.Users, s.busy) {
		return ErrOutdated
	}
	if s.appendFails != nil {
		if err := s.appendFails(entries); err != nil {
			return err
		}
	}
	for _, e := range entries {
		s.entries[e.ID] = e
	}
	return nil
}

func (s *gatedStore) AddAlerts(context.Context, []Alert) (int, error)               { return 0, nil }
func (s *gatedStore) AddNotifications(context.Context, []Notification) error        { return nil }
func (s *gatedStore) Reservations(context.Context, []string) ([]Reservation, error) { return nil, nil }

// callers are some who record an event each.
type callers struct {
	t       *testing.T
	service *Service
	work    sync.WaitGroup
	mu      sync.Mutex
	errs    map[string]error // by event id
}

func (c *callers) record(ctx context.Context, id, user string) {
	c.work.Go(func() {
		event := Event{ID: id, UserID: user, Provider: "gemini", StatusCode: 200}
		_, err := c.service.Record(ctx, time.Unix(1_000, 0).UTC(), event, RecordOptions{})
		c.mu.Lock()
		defer c.mu.Unlock()
		c.errs[id] = err
	})
}

// outcome waits for what a caller is told.
func (c *callers) outcome(id string) error {
	for {
		c.mu.Lock()
		err, told := c.errs[id]
		c.mu.Unlock()
		if told {
			return err
		}
		runtime.Gosched()
	}
}

// waitFor waits until so many operations wait for their transaction.
func (c *callers) waitFor(waiting int) {
	for {
		recorder := c.service.recorders().all[0]
		recorder.mu.Lock()
		n := len(recorder.waiting)
		recorder.mu.Unlock()
		if n == waiting {
			return
		}
		runtime.Gosched()
	}
}

// gathered starts one caller, and others who come while the first one's transaction is under way.
func gathered(t *testing.T, s *gatedStore, ids ...string) *callers {
	c := &callers{t: t, service: &Service{Store: s}, errs: map[string]error{}}
	c.record(t.Context(), "first", "first")
	<-s.begun
	for _, id := range ids {
		c.record(t.Context(), id, "user of "+id)
	}
	c.waitFor(len(ids))
	return c
}

func ids(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint("e", i)
	}
	return all
}

func TestRecorderGathers(t *testing.T) {
	s := newGatedStore()
	c := gathered(t, s, ids(100)...)
	close(s.gate)
	c.work.Wait()
	if s.transactions != 2 || len(s.entries) != 101 {
		t.Errorf("%d transactions for %d events", s.transactions, len(s.entries))
	}
	for id, err := range c.errs {
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestRecorderTakesOutWhoGivesUp(t *testing.T) {
	s := newGatedStore()
	c := gathered(t, s, "a")
	ctx, cancel := context.WithCancel(t.Context())
	c.record(ctx, "given up", "bob")
	c.waitFor(2)
	cancel()
	c.waitFor(1)
	close(s.gate)
	c.work.Wait()
	if _, there := s.entries["given up"]; there || !errors.Is(c.errs["given up"], context.Canceled) || c.errs["a"] != nil {
		t.Errorf("the errors are %v, recorded: %t", c.errs, there)
	}
}

// What the storage refuses for one event is refused to its caller alone.
func TestRecorderIsolatesWhatFails(t *testing.T) {
	bad := failure.Invalidf("too large")
	for name, fails := range map[string]func(e Entry) error{
		"a refusal": func(e Entry) error { return bad },
		"a fault":   func(e Entry) error { panic("a fault") },
	} {
		s := newGatedStore()
		s.appendFails = func(entries []Entry) error {
			if i := slices.IndexFunc(entries, func(e Entry) bool { return e.ID == "e5" }); i >= 0 {
				return fails(entries[i])
			}
			return nil
		}
		c := gathered(t, s, ids(10)...)
		close(s.gate)
		c.work.Wait()
		for id, err := range c.errs {
			if (err != nil) != (id == "e5") {
				t.Errorf("%s, %s: %v", name, id, err)
			}
		}
		if _, there := s.entries["e5"]; there || len(s.entries) != 10 {
			t.Errorf("%s: %d events are recorded", name, len(s.entries))
		}
	}
}

// Where the storage is away, nobody is told of success, and nothing is tried again and again.
func TestRecorderWithoutStorage(t *testing.T) {
	s := newGatedStore()
	s.appendFails = func([]Entry) error { return failure.Unavailablef("the database is gone") }
	c := gathered(t, s, ids(10)...)
	close(s.gate)
	c.work.Wait()
	for id, err := range c.errs {
		if !failure.Is(err, failure.Unavailable) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if s.transactions != 2 {
		t.Errorf("%d transactions", s.transactions)
	}
}

// A user whom another process holds keeps nobody else waiting.
func TestRecorderLeavesBusyUsersApart(t *testing.T) {
	s := newGatedStore()
	s.busy = "user of e1"
	c := gathered(t, s, ids(3)...)
	s.gate <- struct{}{} // the first one's transaction
	s.gate <- struct{}{} // of those who came meanwhile
	for {
		c.mu.Lock()
		done := len(c.errs)
		_, early := c.errs["e1"]
		c.mu.Unlock()
		if early {
			t.Fatal("the busy user's event is done before its own transaction")
		}
		if done == 3 {
			break
		}
		runtime.Gosched()
	}
	s.gate <- struct{}{} // of the busy user
	c.work.Wait()
	if len(s.entries) != 4 || c.errs["e1"] != nil {
		t.Errorf("%d events are recorded, %v", len(s.entries), c.errs)
	}
}

// Nor does one whose call comes alone; and of many who wait for their users, one who gives up is gone.
func TestRecorderWaitsForBusyUsersApart(t *testing.T) {
	s := newGatedStore()
	close(s.gate)
	s.busy, s.free = "busy", make(chan struct{})
	c := &callers{t: t, service: &Service{Store: s}, errs: map[string]error{}}
	for i := range mostApart {
		c.record(t.Context(), fmt.Sprint("e", i), "busy")
	}
	for range mostApart {
		<-s.waits
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.record(ctx, "given up", "busy")
	c.record(t.Context(), "free", "alice")
	if err := c.outcome("free"); err != nil {
		t.Error(err)
	}
	cancel()
	if err := c.outcome("given up"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(s.free)
	c.work.Wait()
	if len(s.entries) != mostApart+1 {
		t.Errorf("%d events are recorded, %v", len(s.entries), c.errs)
	}
}

// One id that two report at the same moment is recorded once, whoever comes first.
func TestRecorderKnowsWhatIsInTheSameTransaction(t *testing.T) {
	s := newGatedStore()
	c := gathered(t, s)
	outcomes := make(chan Outcome, 2)
	for range 2 {
		c.work.Go(func() {
			event := Event{ID: "twice", UserID: "alice", Provider: "gemini", StatusCode: 200}
			o, err := c.service.Record(t.Context(), time.Unix(1_000, 0).UTC(), event, RecordOptions{})
			if err != nil {
				t.Error(err)
			}
			outcomes <- o
		})
	}
	c.waitFor(2)
	close(s.gate)
	c.work.Wait()
	statuses := []string{string((<-outcomes).Status), string((<-outcomes).Status)}
	slices.Sort(statuses)
	if strings.Join(statuses, " ") != "duplicate recorded" {
		t.Errorf("the statuses are %v", statuses)
	}
}

// Where the storage takes two transactions at the same time users share them: one waits for nobody of the other.
func TestRecordersShareUsers(t *testing.T) {
	s := newGatedStore()
	s.writers = 2
	c := &callers{t: t, service: &Service{Store: s}, errs: map[string]error{}}
	other := ""
	for i := 0; other == ""; i++ {
		if user := fmt.Sprint("user", i); c.service.recorders().share(user) != c.service.recorders().share("alice") {
			other = user
		}
	}
	c.record(t.Context(), "a", "alice")
	<-s.begun
	c.record(t.Context(), "b", other)
	<-s.begun // though nothing has come through the gate
	close(s.gate)
	c.work.Wait()
	if len(s.entries) != 2 || c.errs["a"] != nil || c.errs["b"] != nil {
		t.Errorf("%d events are recorded, %v", len(s.entries), c.errs)
	}
}

// A reservation is closed by the recorder that took it, which knows its user.
func TestRecordersKnowWhoTookAReservation(t *testing.T) {
	all := (&Service{Store: &gatedStore{writers: 2}}).recorders()
	allowed := &Decision{Reservation: &Reservation{}}
	taken := request{order: &order{reservation: "r"}, event: &Event{UserID: "alice"}, decision: allowed}
	closing := request{order: &order{reservation: "r", closes: true}}
	taker := all.of(&taken)
	all.note(taker, &taken)
	if all.of(&closing) != taker {
		t.Error("another one closes it")
	}
	all.note(taker, &closing)
	if len(all.takers) != 0 {
		t.Errorf("%d reservations are kept that are closed", len(all.takers))
	}
	clear(all.takers)
	all.note(taker, &request{order: &order{reservation: "refused"}, decision: &Decision{}})
	if len(all.takers) > 0 {
		t.Error("one that was refused is kept")
	}
	for i := range 2 * mostKeptUsers {
		all.note(taker, &request{order: &order{reservation: fmt.Sprint(i)}, decision: allowed})
	}
	if len(all.takers) > mostKeptUsers {
		t.Errorf("%d reservations are kept that nobody closes", len(all.takers))
	}
}
