package health

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// OverviewStore is the storage that an overview reads.
type OverviewStore interface {
	usage.Reports
	// SumBills adds up the bills that a query asks for.
	SumBills(ctx context.Context, q billing.Query) (billing.MonthSums, error)
	// CountOverview counts what is to be looked at.
	CountOverview(ctx context.Context, now time.Time) (usage.Counts, error)
	// Plans returns the plans on offer, and how many users have a subscription to each that has not ended at now.
	Plans(ctx context.Context, now time.Time) (plans plan.Plans, subscribers map[int64]int, err error)
	OutboxState(ctx context.Context, now time.Time) (notify.OutboxState, error)
	usage.ReadRefusals
}

// Overview is how things stand, for who runs the service. Days and months are those of the calendar, in UTC.
type Overview struct {
	From, To    time.Time         // of what follows: the last month and today; To is the day after
	Usage       usage.Report      // by day and provider
	Days        []usage.ReportRow // oldest first, also those without usage: the last two are yesterday and today
	Month       usage.ReportRow   // this month so far
	Providers   []usage.ReportRow // of this month, the most expensive first
	Billed      billing.MonthSums // in the books of this month so far: see billing.Bill.BookedIn
	LastBilled  billing.MonthSums // in those of the month before
	Unpaid      billing.MonthSums
	Overdue     billing.MonthSums // of these, what is past due
	Counts      usage.Counts
	Outbox      notify.OutboxState
	Plans       plan.Plans
	Subscribers map[int64]int       // by plan
	Refused     int64               // calls that were refused today
	Refusals    usage.RefusalReport // of the last month by user, reason and limit, those with the most calls
}

// overviewDays is how many days an overview shows.
const overviewDays = 30

// Overview says how things stand. It reads totals and counts, and never the log.
func (s *Service) Overview(ctx context.Context, now time.Time) (o Overview, err error) {
	today := now.UTC().Truncate(24 * time.Hour)
	o.From, o.To = today.AddDate(0, 0, 1-overviewDays), today.AddDate(0, 0, 1)
	month := plan.CalendarMonth(now)
	byDay := usage.ReportQuery{From: o.From, To: o.To, By: []usage.Dimension{usage.ByDay, usage.ByProvider}}
	if o.Usage, err = usage.MakeReport(ctx, s.Store, byDay, 0); err != nil {
		return o, err
	}
	o.Days = daysOf(o.Usage)
	ofMonth := usage.ReportQuery{From: month.Start, To: month.End, By: []usage.Dimension{usage.ByProvider}}
	used, err := usage.MakeReport(ctx, s.Store, ofMonth, 0)
	if err != nil {
		return o, err
	}
	o.Month, o.Providers = used.Sum, used.Rows
	for _, q := range []struct {
		to    *billing.MonthSums
		query billing.Query
	}{
		{&o.Billed, billing.Query{Month: plan.MonthOf(now)}},
		{&o.LastBilled, billing.Query{Month: billing.LastClosed(now)}},
		{&o.Unpaid, billing.Query{Statuses: []billing.Status{billing.Open, billing.PastDue}}},
		{&o.Overdue, billing.Query{Statuses: []billing.Status{billing.PastDue}}},
	} {
		if *q.to, err = s.Store.SumBills(ctx, q.query); err != nil {
			return o, err
		}
	}
	if o.Counts, err = s.Store.CountOverview(ctx, now); err != nil {
		return o, err
	}
	if o.Outbox, err = s.Store.OutboxState(ctx, now); err != nil {
		return o, err
	}
	if o.Plans, o.Subscribers, err = s.Store.Plans(ctx, now); err != nil {
		return o, err
	}
	refused, err := usage.MakeRefusalReport(ctx, s.Store, usage.RefusalQuery{From: today, To: o.To}, 0)
	if err != nil {
		return o, err
	}
	o.Refused = refused.Sum
	by := []usage.RefusalDimension{usage.RefusedUser, usage.RefusedReason, usage.RefusedLimit}
	lately := usage.RefusalQuery{From: o.From, To: o.To, By: by}
	o.Refusals, err = usage.MakeRefusalReport(ctx, s.Store, lately, mostRefusals)
	return o, err
}

// mostRefusals is how many kinds of refusals an overview has.
const mostRefusals = 10

// daysOf adds up a report by its days.
func daysOf(r usage.Report) []usage.ReportRow {
	var days []usage.ReportRow
	for day := r.Query.From; day.Before(r.Query.To); day = day.AddDate(0, 0, 1) {
		sum := usage.ReportRow{Keys: []string{day.Format(time.DateOnly)}}
		of := slices.DeleteFunc(slices.Clone(r.Rows), func(row usage.ReportRow) bool { return row.Keys[0] != sum.Keys[0] })
		days = append(days, sum.Plus(of...))
	}
	return days
}
