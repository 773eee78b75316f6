package db

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// pendingTotals sums up what a transaction has appended to the log. It is added to
// the tables of totals before the commit: once for many rows.
type pendingTotals struct {
	users   numbering[string]
	series  numbering[series]
	starts  numbering[int64] // of usage periods, in microseconds since 1970
	plans   numbering[int64] // by their ids
	entries []pendingEntry
	parts   map[dayOfSeries]int64 // of the day in which there are entries
	rare    bool                  // some have what few calls have
	last    lastDay

	summaries, daily pendingTable
	fleet, monthly   []rollup
	tokens           []tokenTotal
}

// series is what a total is told apart by beside its user and time.
type series struct{ provider, vendor, model string }

// dayOfSeries is a day, yyyymmdd, and the number of what was used on it.
type dayOfSeries struct {
	day    int32
	series uint32
}

// pendingEntry is what one log row adds, and to which totals: numbers stand for values,
// so that it is small and nothing for the garbage collector to follow.
type pendingEntry struct {
	user, series, start, plan uint32
	day                       int32 // yyyymmdd
	amounts                   usage.Amounts
}

// pendingTable has the entries in the order of one table's keys.
type pendingTable struct {
	order []placedEntry
	ends  []int32 // of each key's entries in order
}

// placedEntry is an entry by its place in a table: entries of one key have equal places.
type placedEntry struct {
	high, low uint64
	entry     int32
}

// numbering numbers values in the order of their first appearance.
type numbering[T comparable] struct {
	numbers map[T]uint32
	values  []T
}

func newNumbering[T comparable]() numbering[T] { return numbering[T]{numbers: map[T]uint32{}} }

func (n *numbering[T]) number(value T) uint32 {
	number, ok := n.numbers[value]
	if !ok {
		number = uint32(len(n.values))
		n.numbers[value] = number
		n.values = append(n.values, value)
	}
	return number
}

// ranks returns for each number the place of its value in their order.
func (n *numbering[T]) ranks(compare func(a, b T) int) []uint64 {
	order := make([]uint32, len(n.values))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compare(n.values[a], n.values[b]) })
	ranks := make([]uint64, len(order))
	for rank, number := range order {
		ranks[number] = uint64(rank)
	}
	return ranks
}

func (n *numbering[T]) reset() {
	clear(n.numbers)
	n.values = n.values[:0]
}

// lastDay saves computing the day of moments of one day again and again.
type lastDay struct {
	from, to int64 // seconds since 1970
	day      int32
}

func (l *lastDay) of(at time.Time) int32 {
	const seconds = 24 * 60 * 60
	if now := at.Unix(); now < l.from || now >= l.to {
		l.from = now - (now%seconds+seconds)%seconds
		l.to = l.from + seconds
		l.day = int32(plan.Day(at))
	}
	return l.day
}

// part returns the part of its last day in which a moment lies, as a bit.
func (l *lastDay) part(at time.Time) int64 {
	return 1 << ((at.Unix() - l.from) / int64(partLength/time.Second))
}

func newPendingTotals() *pendingTotals {
	return &pendingTotals{
		users: newNumbering[string](), series: newNumbering[series](),
		starts: newNumbering[int64](), plans: newNumbering[int64](),
		parts: map[dayOfSeries]int64{},
	}
}

// reset empties it, and keeps its memory for the next transaction.
func (p *pendingTotals) reset() {
	p.users.reset()
	p.series.reset()
	p.starts.reset()
	p.plans.reset()
	clear(p.parts)
	p.rare = false
	p.entries = p.entries[:0]
	p.summaries.reset()
	p.daily.reset()
	p.fleet, p.monthly, p.tokens = nil, nil, p.tokens[:0]
}

func (t *pendingTable) reset() { t.order, t.ends = t.order[:0], t.ends[:0] }

// add takes entries over.
func (p *pendingTotals) add(entries []usage.Entry) {
	for i := range entries {
		e := &entries[i]
		one := pendingEntry{
			user: p.users.number(e.UserID), series: p.series.number(series{e.Provider, e.Vendor, e.Model}),
			start: p.starts.number(e.PeriodStart.UnixMicro()), plan: p.plans.number(e.PlanID),
			day: p.last.of(e.Time), amounts: e.Amounts(),
		}
		p.parts[dayOfSeries{one.day, one.series}] |= p.last.part(e.Time)
		p.entries = append(p.entries, one)
		p.rare = p.rare || one.amounts.HaveRare()
		if e.Token != nil {
			p.addToken(e)
		}
	}
}

// statement is the name of the one that adds to a table.
func (p *pendingTotals) statement(table string) string {
	if p.rare {
		return table
	}
	return table + "_common"
}

func compareSeries(a, b series) int {
	return cmp.Or(cmp.Compare(a.provider, b.provider), cmp.Compare(a.vendor, b.vendor), cmp.Compare(a.model, b.model))
}

// sumUp puts the entries into the order of the tables' keys: everyone locks rows in one order, and pages are changed
// one after another. It sums the days up for the tables that leave out more. A sum that does not fit is an invalid
// failure.
func (p *pendingTotals) sumUp() error {
	users, starts, plans := p.users.ranks(strings.Compare), p.starts.ranks(cmp.Compare), p.plans.ranks(cmp.Compare)
	all := p.series.ranks(compareSeries)
	err := p.sort(&p.summaries, func(e *pendingEntry) (high, low uint64) {
		return users[e.user]<<32 | starts[e.start], all[e.series]
	})
	if err != nil {
		return err
	}
	err = p.sort(&p.daily, func(e *pendingEntry) (high, low uint64) {
		return uint64(e.day)<<32 | users[e.user], plans[e.plan]<<32 | all[e.series]
	})
	if err == nil {
		p.fleet, p.monthly, err = p.rollups()
	}
	return cmp.Or(err, p.sumTokensUp())
}

func (p *pendingTotals) sort(t *pendingTable, place func(e *pendingEntry) (high, low uint64)) error {
	t.reset()
	for i := range p.entries {
		high, low := place(&p.entries[i])
		t.order = append(t.order, placedEntry{high, low, int32(i)})
	}
	slices.SortFunc(t.order, func(a, b placedEntry) int {
		return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low))
	})
	for i, e := range t.order {
		if last := i + 1; last == len(t.order) || t.order[last].high != e.high || t.order[last].low != e.low {
			t.ends = append(t.ends, int32(last))
		}
	}
	for n := range t.ends {
		if _, _, err := p.total(t, n); err != nil {
			return err
		}
	}
	return nil
}

// total returns a key's sum, by the key's place in the table, and one of its entries. A
// sum that does not fit is an invalid failure.
func (p *pendingTotals) total(t *pendingTable, n int) (key *pendingEntry, sum usage.Amounts, err error) {
	first := int32(0)
	if n > 0 {
		first = t.ends[n-1]
	}
	key = &p.entries[t.order[first].entry]
	sum = key.amounts
	for _, placed := range t.order[first+1 : t.ends[n]] {
		if sum, err = sum.Add(p.entries[placed.entry].amounts); err != nil {
			return key, sum, err
		}
	}
	return key, sum, nil
}
