package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// posting records events. What it has read of users it keeps: from one call of post
// to the next, and from one transaction to the next where nobody else has written
// between them.
type posting struct {
	service *Service
	tx      Tx
	now     time.Time
	opts    RecordOptions
	settled string // the reservation that the events settle
	allNew  bool   // no event is looked for: one that is recorded already sends all back

	ledger   *ledger
	book     *pricing.Book
	accounts map[string]plan.Account
	places   map[string]*place // by user
	plans    map[int64]*plan.Plan
	archived map[Month]string // the files of archived months, once they are read

	missing missingPrices // prices

	pass  *pass
	prior *pass // which may be being appended while events are judged

	results []posted // of the pass
}

// pass is what a posting knows and makes of the events of one call.
type pass struct {
	before  map[string]Entry // by event id, what was recorded before
	added   map[string]int   // by event id, its place in entries
	entries []Entry          // never grows beyond its capacity: pointers to it stay
	alerts  []Alert
	missing []Notification // of prices, in the order of their keys
	over    []string       // names of exceeded limits, event after event
}

// posted is what became of one event.
type posted struct {
	status  Status
	entry   *Entry
	period  plan.Period
	over    []string  // blocking limits that are exceeded now
	overage bool      // as the plan allows for one of them
	refusal *Decision // what refused it, with err
	err     error
}

// outcome returns it for those who report a single event.
func (p posted) outcome() Outcome {
	o := Outcome{Status: p.status, Period: p.period, OverLimit: p.over, Overage: p.overage, Refusal: p.refusal, Err: p.err}
	if p.entry != nil {
		o.Entry = *p.entry
	}
	return o
}

func (s *Service) newPosting(tx Tx, now time.Time, opts RecordOptions) *posting {
	return &posting{service: s, tx: tx, now: now, opts: opts, ledger: newLedger(tx, now), accounts: map[string]plan.Account{}, places: map[string]*place{}, plans: map[int64]*plan.Plan{}}
}

// goOn takes the posting over into another transaction. What it has made is appended.
func (p *posting) goOn(tx Tx) {
	p.tx, p.ledger.reader = tx, tx
	p.prior, p.pass = p.pass, nil
}

// post records events in their order and tells what became of each. An event that
// is refused has its failure there and stops no other. An error of post itself is
// one of the storage: nothing may be committed then.
func (p *posting) post(ctx context.Context, events []*Event) ([]posted, error) {
	if err := p.read(ctx, events); err != nil {
		return nil, err
	}
	results, err := p.judge(ctx, events)
	if err != nil {
		return nil, err
	}
	return results, p.append(ctx, p.pass)
}

// read reads what the events are judged by.
func (p *posting) read(ctx context.Context, events []*Event) error {
	p.begin(len(events))
	if err := p.readEvents(ctx, events); err != nil || p.archived != nil {
		return err
	}
	var err error
	p.archived, err = p.tx.ArchivedMonths(ctx)
	return err
}

// begin begins a pass of so many events. The pass before it may still have to be
// appended; the memory of the one before that is used again.
func (p *posting) begin(events int) {
	next := p.prior
	if next == nil || cap(next.entries) < events {
		next = &pass{added: make(map[string]int, events), entries: make([]Entry, 0, events)}
	}
	clear(next.added)
	next.before, next.entries, next.alerts, next.missing, next.over = nil, next.entries[:0], next.alerts[:0], nil, next.over[:0]
	p.prior, p.pass = p.pass, next
}

// readEvents reads what is known of the events and of their users.
func (p *posting) readEvents(ctx context.Context, events []*Event) error {
	if len(events) == 1 && p.book == nil {
		return p.readOne(ctx, events[0])
	}
	if err := p.readEntries(ctx, events); err != nil {
		return err
	}
	if err := p.loadBook(ctx, events); err != nil {
		return err
	}
	if err := p.loadAccounts(ctx, events); err != nil {
		return err
	}
	return p.ledger.load(ctx, p.periods(events))
}

// readEntries reads which of the events are recorded already.
func (p *posting) readEntries(ctx context.Context, events []*Event) error {
	if p.allNew {
		return nil
	}
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	var err error
	p.pass.before, err = p.tx.Entries(ctx, ids)
	return err
}

// readOne reads what a single event is judged by: at once, unless it is known.
func (p *posting) readOne(ctx context.Context, e *Event) error {
	at := p.timeOf(*e)
	query := StandingQuery{UserID: e.UserID, Provider: e.Provider, At: at, Now: p.now, EventID: e.ID}
	if p.allNew {
		query.EventID = ""
	}
	s, err := p.tx.Standing(ctx, query)
	if err != nil {
		return err
	}
	p.book, p.accounts[e.UserID] = s.Book, s.Account
	if s.Recorded != nil {
		p.pass.before = map[string]Entry{e.ID: *s.Recorded}
		return nil
	}
	p.ledger.put(NewPeriodKey(e.UserID, s.Account.PeriodAt(at).Start), s)
	return nil
}

// judge decides what becomes of the events that were read for. The result holds until
// it is called again.
func (p *posting) judge(ctx context.Context, events []*Event) ([]posted, error) {
	p.results = p.results[:0]
	for _, event := range events {
		result, err := p.one(ctx, event)
		if err != nil && !refused(err) {
			return nil, err
		}
		result.err = err
		p.results = append(p.results, result)
	}
	p.pass.missing = p.missing.take()
	return p.results, nil
}

// append adds to the storage what a pass has made.
func (p *posting) append(ctx context.Context, made *pass) error {
	if err := p.tx.Append(ctx, made.entries); err != nil {
		return err
	}
	if _, err := p.tx.AddAlerts(ctx, made.alerts); err != nil {
		return err
	}
	return p.tx.AddNotifications(ctx, made.missing)
}

// refused tells whether an error concerns the event and not the storage.
func refused(err error) bool {
	var f *failure.Error
	return errors.As(err, &f) && f.Code != failure.Unavailable && f.Code != failure.Internal
}

// loadBook reads the prices of one event's provider, or all of them for more events.
func (p *posting) loadBook(ctx context.Context, events []*Event) error {
	if p.book != nil {
		return nil
	}
	provider := ""
	if len(events) == 1 {
		provider = events[0].Provider
	}
	var err error
	p.book, err = p.tx.Book(ctx, provider)
	return err
}

func (p *posting) loadAccounts(ctx context.Context, events []*Event) error {
	missing := map[string]bool{}
	for _, e := range events {
		if _, ok := p.accounts[e.UserID]; !ok {
			missing[e.UserID] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, 0, len(missing))
	for user := range missing {
		names = append(names, user)
	}
	slices.Sort(names)
	accounts, err := p.tx.Accounts(ctx, names)
	for user, account := range accounts {
		p.accounts[user] = account
	}
	return err
}

// periods returns the periods of the events that are new and not at hand.
func (p *posting) periods(events []*Event) []PeriodKey {
	var keys []PeriodKey
	seen := map[PeriodKey]bool{}
	for _, e := range events {
		at := p.timeOf(*e)
		if here, ok := p.places[e.UserID]; ok && here.holds(at) {
			continue
		}
		if _, known := p.pass.before[e.ID]; known {
			continue
		}
		key := NewPeriodKey(e.UserID, p.accounts[e.UserID].PeriodAt(at).Start)
		if !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}

// place is where a user's events stand within one usage period.
type place struct {
	account plan.Account
	current *plan.Plan
	period  plan.Period
	state   *periodState
	changes bool // the plan changes within the period
}

// holds tells whether an event of a moment stands here.
func (h *place) holds(at time.Time) bool { return !h.changes && h.period.Contains(at) }

// placeOf returns where an event of a user at a moment stands: mostly where the one
// before it did.
func (p *posting) placeOf(ctx context.Context, user string, at time.Time) (*place, error) {
	if here, ok := p.places[user]; ok && here.holds(at) {
		return here, nil
	}
	account := p.accounts[user]
	current, err := account.PlanAt(at)
	if err != nil {
		return nil, err
	}
	here := &place{account: account, current: p.planOf(current), period: account.PeriodAt(at)}
	here.changes = slices.ContainsFunc(account.Segments, func(s plan.Segment) bool {
		return s.From.After(here.period.Start) && s.From.Before(here.period.End)
	})
	here.state, err = p.ledger.period(ctx, user, here.period.Start)
	p.places[user] = here
	return here, err
}

// planOf returns one and the same plan for all whose plan it is.
func (p *posting) planOf(current plan.Plan) *plan.Plan {
	known, ok := p.plans[current.ID]
	if !ok {
		known = &current
		p.plans[current.ID] = known
	}
	return known
}

// timeOf returns when the event happened: now, where its caller did not say.
func (p *posting) timeOf(e Event) time.Time {
	if e.Time.IsZero() {
		return p.now
	}
	return e.Time
}

func (p *posting) one(ctx context.Context, event *Event) (posted, error) {
	known, err := p.book.Providers.Find(event.Provider)
	if err != nil {
		return posted{}, err
	}
	if before, ok := p.recorded(event.ID); ok {
		return p.again(before, *event)
	}
	at := p.timeOf(*event)
	if err := p.mustBeOpen(at); err != nil {
		return posted{}, err
	}
	here, err := p.placeOf(ctx, event.UserID, at)
	if err != nil {
		return posted{}, err
	}
	entry := p.draft(event, at, here)
	if entry.Vendor == "" {
		entry.Vendor = known.VendorOf(event.Model)
	}
	if err := p.rate(entry); err != nil {
		return posted{}, err
	}
	if err := here.state.mustHold(entry); err != nil {
		return posted{}, err
	}
	limits := p.ledger.covering(here.current, entry.Provider, entry.Vendor)
	if p.opts.Enforce && event.Counts() {
		status := here.account.StatusAt(at)
		d := Decide(status, here.current.Overage, requesting(here.state.uses(here.current, limits), entry.metered()))
		if !d.Allowed {
			refusal := Decision{Verdict: d, Call: Call{event.UserID, event.Provider, event.Model, entry.Vendor, event.Quantities},
				Plan: *here.current, Status: status, Period: here.period, EstimatedCost: entry.Cost, Basis: entry.Basis}
			return posted{entry: entry, period: here.period, refusal: &refusal}, refusal.Denied()
		}
	}
	over, overage := p.take(here, entry, limits)
	p.keep(entry)
	if entry.Basis == pricing.Unpriced && entry.Counts() {
		p.missing.note(entry)
	}
	return posted{status: Recorded, entry: entry, period: here.period, over: over, overage: overage}, nil
}

// draft returns the entry of an event, after those that the pass makes: the next one
// takes its place unless it is kept.
func (p *posting) draft(event *Event, at time.Time, here *place) *Entry {
	n := len(p.pass.entries)
	entry := &p.pass.entries[:n+1][n]
	*entry = Entry{Event: *event, PeriodStart: here.period.Start, PlanID: here.current.ID, RecordedAt: p.now}
	entry.Time = at
	return entry
}

// keep makes the entry that was drafted last one of those that the pass makes.
func (p *posting) keep(entry *Entry) {
	n := len(p.pass.entries)
	p.pass.added[entry.ID] = n
	p.pass.entries = p.pass.entries[:n+1]
}

// recorded returns what is recorded under an id: before, by this pass, or by the one
// before it, which may not have reached the storage yet.
func (p *posting) recorded(id string) (*Entry, bool) {
	if i, ok := p.pass.added[id]; ok {
		return &p.pass.entries[i], true
	}
	if p.prior != nil {
		if i, ok := p.prior.added[id]; ok {
			return &p.prior.entries[i], true
		}
	}
	if before, ok := p.pass.before[id]; ok {
		return &before, true
	}
	return nil, false
}

// again answers a report of an event that is recorded already.
func (p *posting) again(before *Entry, event Event) (posted, error) {
	if differences := before.differences(event); len(differences) > 0 {
		return posted{}, failure.Conflictf("the event %s is recorded already with other content: %s differ", pricing.Shorten(event.ID), strings.Join(differences, ", ")).
			WithHint("an id stands for one event for ever: report another event under another id")
	}
	period := p.accounts[before.UserID].PeriodAt(before.Time)
	return posted{status: Duplicate, entry: before, period: period}, nil
}

func (p *posting) rate(entry *Entry) error {
	charge, err := p.book.Charge(entry.Provider, entry.Model, entry.Time, &entry.Quantities)
	if err != nil {
		return err
	}
	if charge.Basis == pricing.Unpriced && p.opts.Strict {
		return failure.NotFoundf("there is no price for %s %s at %s, and --strict refuses what has none",
			entry.Provider, quoted(entry.Model), entry.Time.Format(time.RFC3339)).WithHint("%s", p.book.Advice(entry.Provider, entry.Model))
	}
	entry.Cost, entry.Basis, entry.PriceID = charge.Cost, charge.Basis, charge.PriceID
	if !entry.Counts() {
		entry.Cost = 0
	}
	return nil
}

func quoted(model string) string {
	if model == "" {
		return "without a model"
	}
	return fmt.Sprintf("%q", pricing.Shorten(model))
}

// take counts the entry, notes the alerts that it makes, and returns the
// blocking limits that are exceeded with it, and whether that is overage.
func (p *posting) take(here *place, entry *Entry, limits []int) (over []string, overage bool) {
	used := here.state.used(here.current)
	var room [16]int64
	before := room[:0]
	for _, i := range limits {
		before = append(before, used[i])
	}
	here.state.free(p.settled)
	here.state.add(p.ledger, entry)
	first := len(p.pass.over)
	for n, i := range limits {
		l := &here.current.Limits[i]
		if percent := crossed(l, before[n], used[i], p.service.Thresholds); percent > 0 {
			p.pass.alerts = append(p.pass.alerts, Alert{UserID: entry.UserID, PeriodStart: entry.PeriodStart, PeriodEnd: here.period.End, Limit: *l,
				Threshold: percent, Used: used[i], EventID: entry.ID, CreatedAt: p.now, Overage: goesOn(here.current, l)})
		}
		if l.Action == plan.Block && !l.Unlimited && used[i] > l.Max {
			p.pass.over = append(p.pass.over, l.Name)
			overage = overage || goesOn(here.current, l)
		}
	}
	return slices.Clip(p.pass.over[first:]), overage
}

// goesOn tells whether a plan lets calls go on beyond one of its limits, and bills them.
func goesOn(p *plan.Plan, l *plan.Limit) bool {
	return p.Overage == plan.OverageAllow && l.TakesOverage()
}
