// Package simulate replays a month of usage against other plans and prices: what would have been refused, and what
// revenue, cost and margin would have been. Storage is behind a small interface that package db implements.
package simulate

import (
	"context"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Customer is a user, and whether anything was recorded in a month.
type Customer struct {
	Account billing.BillingAccount
	Used    bool
}

// Store is the storage that a simulation reads. Nothing is changed in it.
type Store interface {
	View(ctx context.Context, fn func(usage.Reader) error) error
	// Customers returns at most so many users by their ids, those after an id.
	Customers(ctx context.Context, month plan.Month, after string, limit int) ([]Customer, error)
	// Catalogue returns every provider, and every price at any time.
	Catalogue(ctx context.Context) (*pricing.Book, error)
	// UserLog returns the query's rows, oldest first, those of one moment as they were recorded.
	UserLog(ctx context.Context, q usage.UserLogQuery) ([]usage.Entry, error)
}

// How many users, and log rows of one, are read at a time.
const (
	customersPage = 500
	userLogPage   = 2_000
)

// Service replays months. It changes nothing.
type Service struct {
	Store Store
}

// Run replays the usage of a month, user by user and event by event in the order of time, against other plans and
// prices. What it refuses is not made: it costs nothing, and counts for no limit. A user is on the new plan that has
// the tier of the plan that the user was on at the time of the call. Only limits refuse: that a subscription was
// suspended or had ended does not, since nobody asks what other subscriptions would do.
//
// A usage period that had begun before the month begins with what was used in it until then, at the cost that is
// recorded. The overage of a period is what the month's usage adds to it, by the plans that held in it, and counts for
// the one that holds at the end of the period, or of the month. Who had a subscription at any moment of the month pays
// the fee of a whole month of the plan that was held last: then what was agreed on, now what the new plan costs. Others
// pay none.
//
// What was then is by the plans' figures of the time.
//
// A month that is archived, and one in which periods began that are needed, is a conflict failure; files with mistakes
// are invalid failures.
func (s *Service) Run(ctx context.Context, r Request) (Result, error) {
	scenario, err := s.scenario(ctx, r)
	if err != nil {
		return Result{}, err
	}
	return replay(ctx, s.Store, scenario)
}

// replay replays a month against a scenario.
func replay(ctx context.Context, store Store, scenario scenario) (result Result, err error) {
	month := scenario.month
	run := &simulation{
		scenario: scenario, store: store, month: month.Period(),
		rows: map[int64]*planRow{}, plans: map[planVersion]*plan.Plan{}, result: Result{Month: month},
	}
	if run.archived, err = archivedMonths(ctx, store); err != nil {
		return Result{}, err
	}
	if err := run.requireLog(month); err != nil {
		return Result{}, err
	}
	err = usage.EachRow(customersPage, func(last Customer, limit int) ([]Customer, error) {
		return store.Customers(ctx, month, last.Account.Account.UserID, limit)
	}, func(c *Customer) error { return run.customer(ctx, *c) })
	if err != nil {
		return Result{}, err
	}
	archived, err := archivedMonths(ctx, store)
	if err == nil && !maps.Equal(archived, run.archived) {
		err = failure.Conflictf("months were archived or restored while the log was read").WithHint("run it again")
	}
	return run.finish(), err
}

func archivedMonths(ctx context.Context, store Store) (months map[plan.Month]string, err error) {
	err = store.View(ctx, func(r usage.Reader) error {
		months, err = r.ArchivedMonths(ctx)
		return err
	})
	return months, err
}

// simulation is one that is under way.
type simulation struct {
	scenario scenario
	store    Store
	month    plan.Period
	archived map[plan.Month]string
	rows     map[int64]*planRow         // by the id of the plan that users were on
	plans    map[planVersion]*plan.Plan // that take the place of those that they were on
	result   Result
}

// planVersion is a version of a plan: that which held until a moment.
type planVersion struct {
	id    int64
	until time.Time
}

func (run *simulation) requireLog(month plan.Month) error {
	file, archived := run.archived[month]
	if !archived {
		return nil
	}
	return failure.Conflictf("the month %s is archived in %s: its log is not here to be replayed", month, file).
		WithReason("archived", "file", file)
}

// row returns the row of a plan.
func (run *simulation) row(then plan.Plan, all plan.Plans) (*planRow, error) {
	if row, ok := run.rows[then.ID]; ok {
		return row, nil
	}
	now, err := run.replacement(then)
	if err != nil {
		return nil, err
	}
	position := slices.IndexFunc(all, func(p plan.Plan) bool { return p.ID == then.ID })
	row := &planRow{PlanResult{Plan: then.Name, Tier: then.Tier, PlanNow: now.Name}, position}
	run.rows[then.ID] = row
	return row, nil
}

// planFor returns the plan that takes the place of one that held at a moment: the same for each version of it.
func (run *simulation) planFor(then plan.Plan, at time.Time) (*plan.Plan, error) {
	key := planVersion{then.ID, then.HeldUntil(at)}
	if now, ok := run.plans[key]; ok {
		return now, nil
	}
	now, err := run.replacement(then)
	if err != nil {
		return nil, err
	}
	run.plans[key] = &now
	return &now, nil
}

func (run *simulation) replacement(then plan.Plan) (plan.Plan, error) {
	if run.scenario.plans == nil {
		return then, nil
	}
	for _, p := range run.scenario.plans {
		if p.Tier == then.Tier {
			return p, nil
		}
	}
	if !slices.Contains(run.result.Gone, then.Tier) {
		run.result.Gone = append(run.result.Gone, then.Tier)
	}
	return run.scenario.plans.Default()
}

// customer replays the month of one user.
func (run *simulation) customer(ctx context.Context, c Customer) error {
	u := &userMonth{simulation: run, billed: c.Account, account: c.Account.Account, seen: map[*planRow]bool{},
		refusedIn: map[*planRow]bool{}}
	if c.Used {
		if err := u.replay(ctx); err != nil {
			return err
		}
	}
	if err := u.fee(); err != nil {
		return err
	}
	for row := range u.seen {
		row.Users++
	}
	for row := range u.refusedIn {
		row.RefusedUsers++
	}
	if len(u.seen) > 0 {
		run.result.Total.Users++
	}
	if u.refused != nil {
		run.result.Refused = append(run.result.Refused, *u.refused)
	}
	return nil
}

// fee counts the fee of a whole month, then and now.
func (u *userMonth) fee() error {
	at, subscribed := u.billed.LastSubscribed(u.month)
	if !subscribed {
		return nil
	}
	then, row, now, err := u.planAt(at)
	if err != nil {
		return err
	}
	price, cycle := u.billed.PriceAt(at, then)
	was := monthly(price, cycle)
	is := was
	if u.scenario.plans != nil {
		is = monthly(now.Price(cycle), cycle)
	}
	row.Then.Fees = row.Then.Fees.Add(pricing.TotalOf(was))
	row.Now.Fees = row.Now.Fees.Add(pricing.TotalOf(is))
	return nil
}

// planAt returns the plan that the user was on at a moment, with the figures that held then, its row, and the plan that
// takes its place.
func (u *userMonth) planAt(at time.Time) (plan.Plan, *planRow, *plan.Plan, error) {
	then, err := u.account.PlanThen(at)
	if err != nil {
		return then, nil, nil, err
	}
	row, err := u.row(then, u.account.Plans)
	if err != nil {
		return then, nil, nil, err
	}
	u.seen[row] = true
	now, err := u.planFor(then, at)
	return then, row, now, err
}

// Request says which month is replayed against what.
type Request struct {
	Month  plan.Month
	Plans  *File              // the text of a plan file; nil: the plans as they were
	Prices *pricing.Catalogue // nil: every cost as it is recorded
}

// File is the text of a file, and its name for messages.
type File struct {
	Name string
	Text []byte
}

// scenario is what a month is replayed against.
type scenario struct {
	month plan.Month
	plans plan.Plans // with one of the default tier; nil: the plans as they were
	rates *rates     // nil: every cost as it is recorded
}

// scenario reads what a month is to be replayed against.
func (s *Service) scenario(ctx context.Context, r Request) (scenario, error) {
	found := scenario{month: r.Month}
	book, err := s.Store.Catalogue(ctx)
	if err != nil {
		return found, err
	}
	providers := book.Providers
	if r.Prices != nil {
		providers = providers.With(r.Prices.Providers)
		if err := r.Prices.Check(providers); err != nil {
			return found, err
		}
		found.rates = newRates(providers, book, *r.Prices)
	}
	if r.Plans != nil {
		found.plans, err = plan.ParseCatalogue(r.Plans.Name, r.Plans.Text, providers)
	}
	return found, err
}

// rates rate usage that has been recorded at other prices.
type rates struct{ have, book *pricing.Book }

// newRates returns the prices that there would be with those of a file: from the first effective_from that it gives a
// model on, a price of the file holds and no other. So it is with aliases. The providers are those of both.
func newRates(providers pricing.Providers, have *pricing.Book, file pricing.Catalogue) *rates {
	prices := slices.Clone(file.Prices)
	for i := range prices {
		prices[i].ID = int64(-1 - i) // no price that is stored has an id below 0
	}
	for name := range have.Providers {
		for _, model := range have.Models(name) {
			for _, p := range have.History(name, model) {
				if !slices.ContainsFunc(file.Prices, func(f pricing.Price) bool { return replaces(f, p) }) {
					prices = append(prices, p)
				}
			}
		}
	}
	aliases := slices.DeleteFunc(have.AllAliases(), func(a pricing.Alias) bool {
		return slices.ContainsFunc(file.Aliases, func(f pricing.Alias) bool {
			return f.Provider == a.Provider && f.Name == a.Name && !a.EffectiveFrom.Before(f.EffectiveFrom)
		})
	})
	return &rates{have, pricing.NewBook(providers, prices, append(aliases, file.Aliases...)...)}
}

func replaces(f, p pricing.Price) bool {
	return f.Provider == p.Provider && f.Model == p.Model && !p.EffectiveFrom.Before(f.EffectiveFrom)
}

// cost returns what an event costs: as it is recorded, unless by the file another price holds for it.
func (r *rates) cost(e *usage.Entry) (pricing.USD, error) {
	if r == nil || !e.Counts() {
		return e.Amounts().Cost, nil
	}
	call := e.Call()
	charge, err := r.book.Charge(&call)
	if err != nil {
		return 0, err
	}
	if now, _ := r.have.Find(e.Provider, e.Model, e.Time); charge.PriceID == 0 || now != nil && now.ID == charge.PriceID {
		return e.Cost, nil
	}
	return charge.Cost, nil
}

// monthly returns what a month costs at the price of a cycle. A twelfth of a yearly price is rounded half to even to a
// pico-dollar.
func monthly(price pricing.USD, c plan.Cycle) pricing.USD {
	if c != plan.Yearly {
		return price
	}
	return pricing.USD(pricing.HalfEven(big.NewInt(int64(price)), big.NewInt(12)).Int64())
}
