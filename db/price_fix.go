package db

import (
	"context"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// fixedPrices reads the prices of a provider that are never used again, or all of them where that is "".
func (t *tx) fixedPrices(ctx context.Context, provider string) ([]pricing.FixedPrice, error) {
	return selectRows(ctx, t, func(row scanner) (p pricing.FixedPrice, err error) {
		p.Price, err = scanPrice(moreColumns{row, []any{moment{&p.At}, &p.Actor, &p.Reason, &p.ReplacedBy}})
		return p, err
	}, "SELECT fixed_at, fixed_by, fix_reason, replaced_by, price_id, "+priceColumns+
		" FROM api_provider_pricing WHERE fixed_at IS NOT NULL AND ($1 = '' OR provider = $1) ORDER BY price_id", provider)
}

// FixPrice implements catalogue.Fixer's store.
func (d *DB) FixPrice(
	ctx context.Context, audit usage.Audit, reason string,
	fn func(book *pricing.Book) (wrong, right pricing.Price, err error),
) error {
	return d.changeBook(ctx, func(t *tx, book *pricing.Book) error {
		wrong, right, err := fn(book)
		if err != nil {
			return err
		}
		if err := t.changeCatalogue(ctx); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE api_provider_pricing SET fixed_at = $1, fixed_by = $2, fix_reason = $3
			WHERE price_id = $4 AND fixed_at IS NULL`, audit.At, audit.Actor, reason, wrong.ID)
		if err != nil {
			return err
		}
		if n != 1 {
			return failure.New(failure.Internal, "the price %d is not there to be fixed", wrong.ID)
		}
		never := priceState(wrong)
		never["never_used_again"] = reason
		if err := t.audit(ctx, audit, "price "+wrong.Provider+" "+wrong.Model, priceState(wrong), never); err != nil {
			return err
		}
		if err := t.addPrice(ctx, audit, book.Without(wrong), right); err != nil {
			return err
		}
		return t.do(ctx, `UPDATE api_provider_pricing SET replaced_by = (SELECT r.price_id FROM api_provider_pricing r
				WHERE r.provider = $1 AND r.model = $2 AND r.effective_from = $3 AND r.fixed_at IS NULL)
			WHERE price_id = $4`, right.Provider, right.Model, right.EffectiveFrom, wrong.ID)
	})
}
