package db

import (
	"cmp"
	"context"
	"sync"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// catalogue keeps the plans and prices that were read last. They change rarely, and
// every transaction needs them: it reads one number, their version, and what is kept
// of that version holds.
type catalogue struct {
	mutex   sync.Mutex
	version int64
	plans   plan.Plans
	books   map[string]*pricing.Book // by provider; "" has all of them
	// archived has the files of archived months; nil: not read yet
	archived map[plan.Month]string
}

// at returns the catalogue of a version, which the mutex guards.
func (c *catalogue) at(version int64) *catalogue {
	if c.version != version {
		c.version, c.plans, c.books, c.archived = version, nil, map[string]*pricing.Book{}, nil
	}
	return c
}

const versionStatement = "SELECT version FROM catalogue_version"

// CatalogueVersion implements usage.Reader.
func (t *tx) CatalogueVersion(ctx context.Context) (int64, error) {
	if t.version != 0 {
		return t.version, nil
	}
	err := t.query(ctx, func(row scanner) error { return row.Scan(&t.version) }, versionStatement)
	return t.version, err
}

// changeCatalogue says that plans, prices, providers or archived months change with this transaction, or rows of the
// log that were there before, or that totals are repaired: nothing that anyone keeps of before holds after it.
func (t *tx) changeCatalogue(ctx context.Context) error {
	return t.do(ctx, "UPDATE catalogue_version SET version = version + 1")
}

// newestVersion returns the version that a statement sees now.
func (t *tx) newestVersion(ctx context.Context) (version int64, err error) {
	err = t.query(ctx, func(row scanner) error { return row.Scan(&version) }, versionStatement)
	return version, err
}

// unchanged tells whether the catalogue still has the version that this transaction
// saw first: only then may what was read since be kept under it.
func (t *tx) unchanged(ctx context.Context) (bool, error) {
	now, err := t.newestVersion(ctx)
	return err == nil && now == t.version, err
}

// Book implements usage.Reader.
func (t *tx) Book(ctx context.Context, provider string) (*pricing.Book, error) {
	version, err := t.CatalogueVersion(ctx)
	if err != nil {
		return nil, err
	}
	var book *pricing.Book
	t.kept(version, func(c *catalogue) { book = cmp.Or(c.books[""], c.books[provider]) })
	if book != nil {
		return book, nil
	}
	if book, err = t.readBook(ctx, provider); err != nil {
		return nil, err
	}
	return book, t.keep(ctx, version, func(c *catalogue) { c.books[provider] = book })
}

// kept shows what is kept of a version.
func (t *tx) kept(version int64, look func(*catalogue)) {
	t.catalogue.mutex.Lock()
	defer t.catalogue.mutex.Unlock()
	look(t.catalogue.at(version))
}

// keep keeps something of a version, unless that has changed by now.
func (t *tx) keep(ctx context.Context, version int64, put func(*catalogue)) error {
	same, err := t.unchanged(ctx)
	if err != nil || !same {
		return err
	}
	t.catalogue.mutex.Lock()
	defer t.catalogue.mutex.Unlock()
	if t.catalogue.version <= version { // else somebody has kept a later one
		put(t.catalogue.at(version))
	}
	return nil
}

// keptPlans returns every plan, also those withdrawn, in their order. Nobody may
// change them.
func (t *tx) keptPlans(ctx context.Context) (plan.Plans, error) {
	version, err := t.CatalogueVersion(ctx)
	if err != nil {
		return nil, err
	}
	var plans plan.Plans
	t.kept(version, func(c *catalogue) { plans = c.plans })
	if plans != nil {
		return plans, nil
	}
	// On PostgreSQL each statement sees what is committed by then: prices and limits that were
	// read while plans changed may be of two versions.
	for before, after := int64(0), version; before != after; {
		before = after
		if plans, err = t.plans(ctx); err != nil {
			return nil, err
		}
		if after, err = t.newestVersion(ctx); err != nil {
			return nil, err
		}
	}
	return plans, t.keep(ctx, version, func(c *catalogue) { c.plans = plans })
}
