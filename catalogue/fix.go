package catalogue

import (
	"context"
	"errors"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// PriceFix says how a price that was wrong from its beginning is to be replaced, and why.
type PriceFix struct {
	PriceSetting
	Reason string
	DryRun bool // nothing is changed
}

// Fixed is what fixing a price has done, or would do.
type Fixed struct {
	Change  PriceChange // Unchanged where it was fixed so before, and the calls alone are rated again
	Applied bool
	Calls   usage.RerateResult // the calls that it touches
}

// Fixer replaces wrong prices, and has the calls that they touched rated again.
type Fixer struct {
	Store interface {
		Store
		// FixPrice runs fn on the book under a lock that keeps other changes of prices away. Then the wrong price that fn
		// returns is never used again, and the right one holds in its place; both are in the audit log. An error of fn ends
		// it.
		FixPrice(ctx context.Context, audit usage.Audit, reason string,
			fn func(book *pricing.Book) (wrong, right pricing.Price, err error)) error
	}
	Reports     *usage.Reporter
	Corrections *usage.Corrections
}

// errFixedBefore ends a fix that has nothing to change but the calls.
var errFixedBefore = errors.New("the price was fixed before")

// Fix replaces a price from the moment on from which it was wrong, which is the one at which it began, and rates the
// calls again that had it: those of open periods cost what they should at once, what changes of closed ones is on the
// next bills. Interrupted, it is run again: what is done stays.
func (x *Fixer) Fix(ctx context.Context, audit usage.Audit, fix PriceFix) (Fixed, error) {
	if err := usage.RequireReason(fix.Reason, "the price of a thousand tokens"); err != nil {
		return Fixed{}, err
	}
	if fix.isEmpty() {
		return Fixed{}, failure.Invalidf("no cost is given: say what is right").
			WithHint("name at least one, for example --input-token-cost 2.5/1M or --request-cost 0.25")
	}
	fixed := Fixed{Applied: !fix.DryRun}
	decide := func(book *pricing.Book) (wrong, right pricing.Price, err error) {
		fixed.Change, err = fix.change(book)
		if err == nil && fixed.Change.Status == Unchanged {
			err = errFixedBefore
		}
		if err != nil {
			return wrong, right, err
		}
		return *fixed.Change.Before, fixed.Change.After, nil
	}
	book, err := x.Store.Catalogue(ctx)
	if err != nil {
		return fixed, err
	}
	if fix.DryRun {
		wrong, right, err := decide(book)
		if err == nil {
			right.ID = -1 // the database chooses one
			book = book.Without(wrong).With(pricing.Catalogue{Prices: []pricing.Price{right}})
		} else if !errors.Is(err, errFixedBefore) {
			return fixed, err
		}
	} else {
		err := x.Store.FixPrice(ctx, audit, fix.Reason, decide)
		if err != nil && !errors.Is(err, errFixedBefore) {
			return fixed, err
		}
		if book, err = x.Store.Catalogue(ctx); err != nil {
			return fixed, err
		}
	}
	fixed.Calls, err = x.rate(ctx, audit.At, fix, book)
	return fixed, err
}

// rate rates the calls again that had a wrong price, or get the right one, by a book.
func (x *Fixer) rate(
	ctx context.Context, now time.Time, fix PriceFix, book *pricing.Book,
) (usage.RerateResult, error) {
	again := usage.Repricing{Book: book, Provider: fix.Provider, From: fix.From, Prices: map[int64]bool{}}
	model := fix.model()
	for _, p := range book.Fixed(fix.Provider, model) {
		if p.EffectiveFrom.Equal(fix.From) {
			again.Prices[p.ID] = true
		}
	}
	for _, p := range book.History(fix.Provider, model) {
		if p.EffectiveFrom.Equal(fix.From) {
			again.Prices[p.ID] = true
		}
		if p.EffectiveFrom.After(fix.From) {
			again.To = p.EffectiveFrom
			break
		}
	}
	result, err := x.Reports.Reprice(ctx, now, again, !fix.DryRun)
	if err != nil || fix.DryRun {
		return result, err
	}
	return result, x.Corrections.WithdrawAlerts(ctx, now, result)
}

// Rerate rates the log again, as usage.Rerate does. Once it has changed ratings it adds the alerts that are due, and
// takes back those that are not any more.
func (x *Fixer) Rerate(ctx context.Context, now, from, to time.Time, apply bool) (usage.RerateResult, error) {
	result, err := x.Reports.Rerate(ctx, now, from, to, apply)
	if err != nil || !apply {
		return result, err
	}
	return result, x.Corrections.WithdrawAlerts(ctx, now, result)
}

// change returns the wrong price and the right one. It is an invalid failure where no price begins at the moment, or
// where the right one looks like a slip beside the price before the wrong one.
func (fix *PriceFix) change(book *pricing.Book) (PriceChange, error) {
	if _, err := book.Providers.Find(fix.Provider); err != nil {
		return PriceChange{}, err
	}
	wrong, exists := book.InForce(fix.Provider, fix.model(), fix.From)
	if !exists {
		return PriceChange{}, fix.noPrice(book)
	}
	if !wrong.EffectiveFrom.Equal(fix.From) {
		return PriceChange{}, failure.Invalidf("no price of %s %s begins at %s: the one that holds then began at %s",
			wrong.Provider, wrong.Model, fix.From.Format(time.RFC3339Nano), wrong.EffectiveFrom.Format(time.RFC3339Nano)).
			WithReason("price_begins", "provider", wrong.Provider, "model", wrong.Model)
	}
	changes, err := fix.PriceSetting.change(book)
	if err != nil {
		return PriceChange{}, err
	}
	c := changes[0]
	if c.Status == Unchanged {
		for _, before := range book.Fixed(wrong.Provider, wrong.Model) {
			if before.EffectiveFrom.Equal(fix.From) {
				return c, nil
			}
		}
		return c, failure.Invalidf("the price of %s %s from %s on has these costs already", wrong.Provider, wrong.Model,
			fix.From.Format(time.RFC3339Nano))
	}
	if !fix.Force {
		var before *pricing.Price
		if p, ok := book.Without(wrong).InForce(wrong.Provider, wrong.Model, fix.From); ok {
			before = &p
		}
		err = c.After.CheckSlip(before)
	}
	return c, err
}

func (fix *PriceFix) noPrice(book *pricing.Book) error {
	history := book.History(fix.Provider, fix.model())
	if len(history) == 0 {
		return failure.UnknownName(failure.NotFound, "price of "+fix.Provider, fix.model(), book.Models(fix.Provider))
	}
	return failure.NotFoundf("%s %s has no price at %s: its first one begins at %s", fix.Provider, fix.model(),
		fix.From.Format(time.RFC3339Nano), history[0].EffectiveFrom.Format(time.RFC3339Nano)).
		WithReason("price_begins", "provider", fix.Provider, "model", fix.model())
}
