package usage

import (
	"cmp"
	"context"
	"iter"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// state is what is known of users: what they have used and reserved, and the plans that hold for
// them. Decisions change it, so that of many in a row each sees those before it.
type state struct {
	since   time.Time // reservations that ended before are not known
	users   map[string]*userState
	holders map[string]string // by the id of a reservation that is held, whose it is

	catalogue int64 // the version of plans and prices
	book      *pricing.Book
	of        string // the provider whose prices are in the book, "" for all
	// archived are the files of archived months: nothing is recorded in those.
	archived map[plan.Month]string

	tokens map[int64]*tokenState // those that calls have come with, by id

	plans map[int64]*plan.Plan // by id: one and the same for everyone on it
	cover map[coverKey][]int   // which limits of a plan cover what
}

// coverKey names what limits of a plan may cover.
type coverKey struct {
	planID           int64
	provider, vendor string
}

// userState is what is known of one user.
type userState struct {
	account plan.Account
	held    []Reservation
	periods map[int64]*periodState       // by the microsecond at which they start
	latest  *userPeriod                  // in which a call was recorded last
	tokens  map[TokenPeriod]*periodState // what the user's own tokens have used, of those with bounds
}

// userPeriod is where a user's call counts: in a usage period, on the plan of its moment.
type userPeriod struct {
	plan    *plan.Plan
	period  plan.Period
	usage   *periodState
	changes bool // the plan changes within the period
}

// periodState is what one user has used in one period.
type periodState struct {
	totals []ProviderUsage
	sum    ProviderUsage // of totals
	// plans is what is used of each limit of a plan. A period in which the plan changed has two.
	plans []planUse
	// Of a period within which the plan changes: its parts, what was used under plans that are counted apart, and the
	// plans with what they include together.
	parts  []plan.Part
	apart  map[int64][]ProviderUsage
	shared map[int64]*plan.Plan
}

// planUse is what is used of each limit of a plan, in the plan's order.
type planUse struct {
	plan *plan.Plan
	used []int64
}

func newState(since time.Time) *state {
	return &state{since: since, users: map[string]*userState{}, holders: map[string]string{},
		tokens: map[int64]*tokenState{}, plans: map[int64]*plan.Plan{}, cover: map[coverKey][]int{}}
}

// mostKeptUsers bounds the memory for what is known of users between two transactions.
const mostKeptUsers = 20_000

func (s *state) isFull() bool { return len(s.users) > mostKeptUsers }

// loadCatalogue reads prices, of one provider alone where one is named, and what is archived.
func (s *state) loadCatalogue(ctx context.Context, reader Reader, provider string) (err error) {
	switch {
	case s.book == nil:
		s.of = provider
	case s.of == "" || s.of == provider:
		return nil
	default:
		s.of = ""
	}
	if s.book, err = reader.Book(ctx, s.of); err != nil {
		return err
	}
	s.archived, err = reader.ArchivedMonths(ctx)
	return err
}

// loadUsers reads what is not known yet of users, all at once.
func (s *state) loadUsers(ctx context.Context, reader Reader, users iter.Seq[string]) error {
	var missing []string
	for user := range users {
		if s.users[user] == nil {
			missing = append(missing, user)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	missing = distinct(missing)
	accounts, err := reader.Accounts(ctx, missing)
	if err != nil {
		return err
	}
	held, err := reader.Held(ctx, missing, s.since)
	if err != nil {
		return err
	}
	for _, user := range missing {
		s.users[user] = &userState{account: accounts[user], periods: map[int64]*periodState{}}
		for _, r := range held[user] {
			s.hold(r)
		}
	}
	return nil
}

func distinct[T cmp.Ordered](values []T) []T {
	slices.Sort(values)
	return slices.Compact(values)
}

// forget forgets what is known of some users.
func (s *state) forget(users []string) {
	for _, user := range users {
		if known := s.users[user]; known != nil {
			for _, r := range known.held {
				delete(s.holders, r.ID)
			}
			delete(s.users, user)
		}
	}
}

// hold adds a reservation to what a known user holds.
func (s *state) hold(r Reservation) {
	user := s.users[r.UserID]
	user.held = append(user.held, r)
	s.holders[r.ID] = r.UserID
	s.holdForToken(r)
}

// forgetOver forgets what known users held until long before a moment: nobody may ever close it. Of moments before its
// end nothing is known then.
func (s *state) forgetOver(users iter.Seq[string], moment time.Time) {
	const long = time.Minute
	for id := range users {
		user := s.users[id]
		user.held = slices.DeleteFunc(user.held, func(r Reservation) bool {
			over := moment.Sub(r.ExpiresAt) > long
			if over {
				delete(s.holders, r.ID)
				if r.ExpiresAt.After(s.since) {
					s.since = r.ExpiresAt
				}
			}
			return over
		})
	}
}

// reservation returns a copy of one that a known user holds.
func (s *state) reservation(id string) *Reservation {
	held := s.users[s.holders[id]].held
	r := held[slices.IndexFunc(held, func(r Reservation) bool { return r.ID == id })]
	return &r
}

// loadPeriods reads the periods in which known users are at some moments, as far as they are not
// known yet, all at once.
func (s *state) loadPeriods(ctx context.Context, reader Reader, calls iter.Seq2[string, time.Time]) error {
	var missing []PeriodKey
	for id, at := range calls {
		user := s.users[id]
		if user.latest != nil && user.latest.holds(at) {
			continue
		}
		key := NewPeriodKey(id, user.account.PeriodAt(at).Start)
		if user.periods[key.Start] == nil {
			user.periods[key.Start] = &periodState{}
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	totals, err := reader.Totals(ctx, missing)
	for _, key := range missing {
		user := s.users[key.UserID]
		period := user.periods[key.Start]
		period.fill(totals[key])
		if err == nil {
			within := user.account.PeriodAt(time.UnixMicro(key.Start).UTC())
			err = period.loadParts(ctx, reader, user.account, within)
		}
	}
	return err
}

func (p *periodState) fill(totals []ProviderUsage) {
	p.totals = totals
	for _, t := range totals {
		p.sum.plus(t)
	}
}

// holds tells whether a call of a moment counts here.
func (p *userPeriod) holds(at time.Time) bool { return !p.changes && p.period.Contains(at) }

// periodOf returns where a call of a known user counts: mostly where the one before it did.
func (s *state) periodOf(id string, at time.Time) (*userPeriod, error) {
	user := s.users[id]
	if user.latest != nil && user.latest.holds(at) {
		return user.latest, nil
	}
	current, err := user.account.PlanAt(at)
	if err != nil {
		return nil, err
	}
	period := user.account.PeriodAt(at)
	found := &userPeriod{plan: s.planOf(current), period: period, usage: user.periods[period.Start.UnixMicro()]}
	if found.usage == nil { // what is not known must not count as nothing
		return nil, failure.New(failure.Internal, "the usage of %s from %s on was not read", id, period.Start)
	}
	found.changes = len(user.account.ChangesWithin(period)) > 0
	if found.changes && current.Overage == plan.OverageAllow {
		found.plan = found.usage.sharedPlan(current)
	}
	user.latest = found
	return found, nil
}

// sharedPlan returns a plan as it counts in a period within which the plan changes.
func (p *periodState) sharedPlan(current plan.Plan) *plan.Plan {
	if known, ok := p.shared[current.ID]; ok {
		return known
	}
	current = p.share(current)
	if p.shared == nil {
		p.shared = map[int64]*plan.Plan{}
	}
	p.shared[current.ID] = &current
	return &current
}

// share returns a plan that bills what is beyond its limits with what a period in which others hold too includes of
// each, as bills have it.
func (p *periodState) share(of plan.Plan) plan.Plan {
	of.Limits = slices.Clone(of.Limits)
	for i, l := range of.Limits {
		if !l.TakesOverage() {
			continue
		}
		if most := plan.Included(l, p.parts, p.usedApart); most != nil && most.IsInt64() {
			of.Limits[i].Max = most.Int64()
		}
	}
	return of
}

// usedApart returns what was used of what a limit counts in a part that is counted apart.
func (p *periodState) usedApart(part plan.Part, l plan.Limit) *big.Int {
	sum := new(big.Int)
	for _, t := range p.apart[part.Plan.ID] {
		if l.Scope.Covers(t.Provider, t.Vendor) {
			sum.Add(sum, big.NewInt(t.metered().of(l.Meter)))
		}
	}
	return sum
}

// loadParts reads what has to be known of the parts of a period, where the plan changes within it.
func (p *periodState) loadParts(ctx context.Context, reader Reader, account plan.Account, within plan.Period) error {
	if len(account.ChangesWithin(within)) == 0 {
		return nil
	}
	var err error
	if p.parts, err = account.PartsOf(within); err != nil {
		return err
	}
	key := NewPeriodKey(account.UserID, within.Start)
	for _, part := range plan.CountedApart(p.parts) {
		if p.apart == nil {
			p.apart = map[int64][]ProviderUsage{}
		}
		p.apart[part.Plan.ID], err = reader.UsedUnder(ctx, key, part.Plan.ID, plan.Period{Start: part.From, End: part.Until})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *state) planOf(current plan.Plan) *plan.Plan {
	known, ok := s.plans[current.ID]
	if !ok {
		known = &current
		s.plans[current.ID] = known
	}
	return known
}

// covering returns the places in a plan of its limits that count usage of a provider and vendor.
func (s *state) covering(p *plan.Plan, provider, vendor string) []int {
	key := coverKey{p.ID, provider, vendor}
	limits, ok := s.cover[key]
	if !ok {
		for i, limit := range p.Limits {
			if limit.Scope.Covers(provider, vendor) {
				limits = append(limits, i)
			}
		}
		s.cover[key] = limits
	}
	return limits
}

// used returns what is used of each limit of a plan, in the plan's order.
func (p *periodState) used(of *plan.Plan) []int64 {
	for _, u := range p.plans {
		if u.plan.ID == of.ID {
			return u.used
		}
	}
	u := planUse{of, make([]int64, len(of.Limits))}
	for i, l := range of.Limits {
		for _, t := range p.totals {
			if l.Scope.Covers(t.Provider, t.Vendor) {
				u.used[i] = AtMost(u.used[i], t.metered().of(l.Meter))
			}
		}
	}
	p.plans = append(p.plans, u)
	return u.used
}

// uses returns how far some limits of a plan, named by their places in it, are used, with what
// the given reservations hold at now.
func (p *periodState) uses(of *plan.Plan, limits []int, held []Reservation, now time.Time) []LimitUse {
	uses := make([]LimitUse, len(limits))
	used := p.used(of)
	for n, i := range limits {
		uses[n] = LimitUse{Limit: of.Limits[i], Used: used[i]}
		for _, r := range held {
			if r.HoldsAt(now) && of.Limits[i].Scope.Covers(r.Provider, r.Vendor) {
				uses[n].Reserved = AtMost(uses[n].Reserved, r.metered().of(of.Limits[i].Meter))
			}
		}
	}
	return uses
}

// checkFits returns an invalid failure for an entry with which the user's sums over the whole
// period would no longer fit: limits could not be judged by them.
func (p *periodState) checkFits(e *Entry) error {
	sum := p.sum
	sum.count(e)
	if max(sum.Calls, sum.Errors, sum.Tokens(), int64(sum.Cost)) < math.MaxInt64 {
		return nil
	}
	return failure.Invalidf("the usage of %s in the period from %s would be too large to be kept: "+
		"at most %s dollars, or %d calls or tokens",
		e.UserID, e.PeriodStart.Format(time.RFC3339), pricing.USD(math.MaxInt64-1), int64(math.MaxInt64-1))
}

// add counts an entry into the period's totals, as the database will.
func (s *state) add(p *periodState, e *Entry) {
	var one ProviderUsage
	one.count(e)
	p.sum.plus(one)
	p.totals = addUsage(p.totals, e.Provider, e.Vendor, one)
	if rows, ok := p.apart[e.PlanID]; ok {
		p.apart[e.PlanID], p.shared = addUsage(rows, e.Provider, e.Vendor, one), nil
	}
	m := one.metered()
	for _, u := range p.plans {
		for _, i := range s.covering(u.plan, e.Provider, e.Vendor) {
			u.used[i] = AtMost(u.used[i], m.of(u.plan.Limits[i].Meter))
		}
	}
}

// addUsage adds to the usage of a provider and vendor, which may be new ones.
func addUsage(rows []ProviderUsage, provider, vendor string, more ProviderUsage) []ProviderUsage {
	for i := range rows {
		if rows[i].Provider == provider && rows[i].Vendor == vendor {
			rows[i].plus(more)
			return rows
		}
	}
	more.Provider, more.Vendor = provider, vendor
	return append(rows, more)
}

// free takes a reservation out of what a known user holds.
func (s *state) free(r *Reservation) {
	user := s.users[r.UserID]
	user.held = slices.DeleteFunc(user.held, func(other Reservation) bool { return other.ID == r.ID })
	delete(s.holders, r.ID)
	s.freeOfToken(r)
}

// without returns what is held but for one reservation.
func (u *userState) without(id string) []Reservation {
	if i := slices.IndexFunc(u.held, func(r Reservation) bool { return r.ID == id }); i >= 0 {
		return slices.Concat(u.held[:i], u.held[i+1:])
	}
	return u.held
}
