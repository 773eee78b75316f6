package usage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// DryRun is what an import would have done, beside the numbers of its result.
type DryRun struct {
	Models []ModelCost    // by provider and model, the most expensive first
	Limits []CrossedLimit // the first few, in the order of users and limits
	More   int            // limits that are left out
}

// ModelCost is what the calls of a model would cost.
type ModelCost struct {
	Provider, Model string
	Basis           pricing.Basis
	Calls           int64
	Cost            pricing.Total
}

// CrossedLimit is a threshold of a limit that a user would reach.
type CrossedLimit struct {
	UserID      string
	PeriodStart time.Time
	Limit       plan.Limit
	Threshold   int // percent
	Used        int64
}

// mostCrossed is how many limits a dry run names.
const mostCrossed = 1000

// dryStore is a store on which an import runs as on the real one, which is only read: what would have been written is
// kept, as far as later rows are decided by it. An event is two hashes then, so a row takes some 60 bytes.
type dryStore struct {
	Store
	knownUsers bool // rows of others are refused

	mu     sync.Mutex
	events map[[16]byte]uint64                     // by the hash of an id, that of the content
	used   map[PeriodKey]map[int64][]ProviderUsage // by plan
	models map[modelKey]*ModelCost
	limits map[limitKey]CrossedLimit
}

type modelKey struct {
	provider, model string
	basis           pricing.Basis
}

type limitKey struct {
	PeriodKey
	limit string
}

func newDryStore(on Store, knownUsers bool) *dryStore {
	return &dryStore{Store: on, knownUsers: knownUsers, events: map[[16]byte]uint64{},
		used: map[PeriodKey]map[int64][]ProviderUsage{}, models: map[modelKey]*ModelCost{},
		limits: map[limitKey]CrossedLimit{}}
}

// Update implements Store.
func (s *dryStore) Update(ctx context.Context, _ []string, _ time.Time, fn func(Tx) error) error {
	return s.Assume(ctx, fn)
}

// Assume implements Store.
func (s *dryStore) Assume(ctx context.Context, fn func(Tx) error) error {
	tx := &dryTx{store: s}
	err := s.View(ctx, func(r Reader) error {
		tx.Reader = r
		return fn(tx)
	})
	if err != nil && tx.wrote && !errors.Is(err, errNothingToWrite) {
		return failure.Unavailablef("the dry run can't go on: %s", err).Because(err) // what it kept can't be taken back
	}
	return err
}

// dryTx reads what is there with what would have been written, and writes nothing.
type dryTx struct {
	Reader
	store *dryStore
	wrote bool
}

// LockUsers implements Tx. Who is new it says only where that decides.
func (tx *dryTx) LockUsers(
	ctx context.Context, users []string, _ time.Time, _ Writer, _ bool,
) (locked Locked, err error) {
	if !tx.store.knownUsers {
		return Locked{}, nil
	}
	for _, user := range users {
		known, err := tx.UserKnown(ctx, user)
		if err != nil {
			return Locked{}, err
		}
		if !known {
			locked.Added = append(locked.Added, user)
		}
	}
	return locked, nil
}

// LockTokens implements Tx. No row of a file has a token.
func (tx *dryTx) LockTokens(context.Context, []int64, bool) ([]int64, error) { return nil, nil }

// AddAlerts implements Tx.
func (tx *dryTx) AddAlerts(context.Context, []Alert) (int, error) { return 0, nil }

// AddNotifications implements Tx.
func (tx *dryTx) AddNotifications(context.Context, []Notification) error { return nil }

// Write implements Tx.
func (tx *dryTx) Write(_ context.Context, c Changes) error {
	s := tx.store
	s.mu.Lock()
	defer s.mu.Unlock()
	tx.wrote = true
	for i := range c.Entries {
		s.keep(&c.Entries[i])
	}
	for _, a := range c.Alerts {
		key := limitKey{NewPeriodKey(a.UserID, a.PeriodStart), a.Limit.Name}
		if a.Threshold > s.limits[key].Threshold {
			s.limits[key] = CrossedLimit{a.UserID, a.PeriodStart, a.Limit, a.Threshold, a.Used}
		}
	}
	return nil
}

func (s *dryStore) keep(e *Entry) {
	s.events[hashOfID(e.ID)] = hashOfContent(&e.Event)
	var one ProviderUsage
	one.count(e)
	key := NewPeriodKey(e.UserID, e.PeriodStart)
	if s.used[key] == nil {
		s.used[key] = map[int64][]ProviderUsage{}
	}
	s.used[key][e.PlanID] = addUsage(s.used[key][e.PlanID], e.Provider, e.Vendor, one)
	model := modelKey{e.Provider, e.Model, e.Basis}
	if s.models[model] == nil {
		s.models[model] = &ModelCost{Provider: e.Provider, Model: e.Model, Basis: e.Basis}
	}
	s.models[model].Calls += one.Calls
	s.models[model].Cost = s.models[model].Cost.Add(pricing.TotalOf(e.Cost))
}

func hashOfID(id string) (key [16]byte) {
	sum := sha256.Sum256([]byte(id))
	copy(key[:], sum[:])
	return key
}

func hashOfContent(e *Event) uint64 {
	entry, hash := &Entry{Event: *e}, sha256.New()
	for i := range entryFields {
		if f := &entryFields[i]; !f.Recorded {
			fmt.Fprintf(hash, "%q ", fmt.Sprint(f.Value(entry)))
		}
	}
	return binary.BigEndian.Uint64(hash.Sum(nil))
}

// recall tells whether an event would have been recorded before, and whether as the same. It has its time and vendor.
func (s *dryStore) recall(e *Event) (known, same bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, known := s.events[hashOfID(e.ID)]
	return known, known && content == hashOfContent(e)
}

// Totals implements Reader.
func (tx *dryTx) Totals(ctx context.Context, periods []PeriodKey) (map[PeriodKey][]ProviderUsage, error) {
	totals, err := tx.Reader.Totals(ctx, periods)
	if err != nil {
		return nil, err
	}
	if totals == nil {
		totals = map[PeriodKey][]ProviderUsage{}
	}
	tx.store.mu.Lock()
	defer tx.store.mu.Unlock()
	for _, key := range periods {
		for _, rows := range tx.store.used[key] {
			for _, row := range rows {
				totals[key] = addUsage(totals[key], row.Provider, row.Vendor, row)
			}
		}
	}
	return totals, nil
}

// UsedUnder implements Reader.
func (tx *dryTx) UsedUnder(
	ctx context.Context, key PeriodKey, planID int64, within plan.Period,
) ([]ProviderUsage, error) {
	rows, err := tx.Reader.UsedUnder(ctx, key, planID, within)
	if err != nil {
		return nil, err
	}
	tx.store.mu.Lock()
	defer tx.store.mu.Unlock()
	for _, row := range tx.store.used[key][planID] {
		rows = addUsage(rows, row.Provider, row.Vendor, row)
	}
	return rows, nil
}

// result returns what the dry run has found.
func (s *dryStore) result() *DryRun {
	r := &DryRun{}
	for _, m := range s.models {
		r.Models = append(r.Models, *m)
	}
	slices.SortFunc(r.Models, func(a, b ModelCost) int {
		return cmp.Or(b.Cost.Cmp(a.Cost), strings.Compare(a.Provider, b.Provider), strings.Compare(a.Model, b.Model),
			cmp.Compare(a.Basis, b.Basis))
	})
	r.Limits = slices.SortedFunc(maps.Values(s.limits), func(a, b CrossedLimit) int {
		return cmp.Or(strings.Compare(a.UserID, b.UserID), a.PeriodStart.Compare(b.PeriodStart),
			strings.Compare(a.Limit.Name, b.Limit.Name))
	})
	if more := len(r.Limits) - mostCrossed; more > 0 {
		r.Limits, r.More = r.Limits[:mostCrossed], more
	}
	return r
}
