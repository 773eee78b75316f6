package usage

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// ReporterStore is the storage that a Reporter needs.
type ReporterStore interface {
	Reports
	RerateStore
	LogPages
}

// Reporter reports usage, lists the log, and rates the log again.
type Reporter struct {
	Store ReporterStore
	Usage *Service
}

// Report returns the report of a query, as MakeReport does. An unknown provider is an invalid failure.
func (r *Reporter) Report(ctx context.Context, q ReportQuery, top int) (Report, error) {
	if q.Provider != "" {
		err := r.Store.View(ctx, func(reader Reader) error { return requireProvider(ctx, reader, q.Provider) })
		if err != nil {
			return Report{}, err
		}
	}
	return MakeReport(ctx, r.Store, q, top)
}

// requireProvider returns an invalid failure for a provider that is named and not known.
func requireProvider(ctx context.Context, reader Reader, provider string) error {
	if provider == "" {
		return nil
	}
	book, err := reader.Book(ctx, provider)
	if err == nil {
		_, err = book.Providers.Find(provider)
	}
	return err
}

// Trend returns the last months of one user or, where that is "", of everyone. A user who was never seen is a not_found
// failure.
func (r *Reporter) Trend(ctx context.Context, user string, months int, now time.Time) (Trend, error) {
	if user != "" {
		err := r.Store.View(ctx, func(reader Reader) error {
			return RequireKnown(ctx, reader, user, "unknown_subscriber")
		})
		if err != nil {
			return Trend{}, err
		}
	}
	return MakeTrend(ctx, r.Store, user, months, now)
}

// Logs returns a page of the log, newest first, and the names of all plans by their ids, also of those withdrawn. The
// page continues after an event; "" begins with the newest. An unknown provider is an invalid failure, and an event
// that is not there a not_found failure.
func (r *Reporter) Logs(ctx context.Context, q LogQuery, after string) ([]Entry, map[int64]string, error) {
	plans := map[int64]string{}
	err := r.Store.View(ctx, func(reader Reader) error {
		if err := requireProvider(ctx, reader, q.Provider); err != nil {
			return err
		}
		if after != "" {
			found, err := reader.Entries(ctx, []string{after})
			if err != nil {
				return err
			}
			last, ok := found[after]
			if !ok || q.User != "" && last.UserID != q.User {
				return failure.NotFoundf("there is no event %q to continue after", failure.Shorten(after))
			}
			q.BeforeTime, q.BeforeID = last.Time, last.ID
		}
		accounts, err := reader.Accounts(ctx, []string{""})
		for _, p := range accounts[""].Plans {
			plans[p.ID] = p.Name
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	entries, err := r.Store.Logs(ctx, q)
	return entries, plans, err
}

// Rerate rates the log again, as the function Rerate does. Once it has changed ratings it adds the alerts that are due.
func (r *Reporter) Rerate(ctx context.Context, now, from, to time.Time, apply bool) (RerateResult, error) {
	result, err := Rerate(ctx, r.Store, now, from, to, apply)
	return r.checkRerated(ctx, now, result, apply, err)
}

// Reprice rates log rows again by some prices. Once it has changed ratings it adds the alerts that are due.
func (r *Reporter) Reprice(ctx context.Context, now time.Time, again Repricing, apply bool) (RerateResult, error) {
	result, err := reprice(ctx, r.Store, now, again, apply)
	return r.checkRerated(ctx, now, result, apply, err)
}

func (r *Reporter) checkRerated(
	ctx context.Context, now time.Time, result RerateResult, apply bool, err error,
) (RerateResult, error) {
	if err != nil || !apply {
		return result, err
	}
	_, err = r.Usage.CheckAlerts(ctx, now, result.Concerned)
	return result, err
}
