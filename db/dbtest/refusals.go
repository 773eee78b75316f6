package dbtest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func refusalTests() []test {
	return []test{
		{"refusals/are counted by day, user, reason and limit", refusalsCounted},
		{"refusals/those of users whom nobody has seen are counted together", refusalsOfNobody},
		{"refusals/of many processes at once are all there", refusalsAtOnce},
		{"refusals/every way to ask counts", refusalsOfEachWay},
	}
}

// refusals returns a report as texts.
func (f *fixture) refusals(q usage.RefusalQuery) string {
	f.Helper()
	q.From, q.To = date(2026, 11, 1), date(2026, 12, 1)
	r, err := usage.MakeRefusalReport(f.ctx, f.db, q, 0)
	f.must(err)
	text := fmt.Sprint(r.Sum, ":")
	for _, row := range r.Rows {
		day := ""
		if !row.Day.IsZero() {
			day = row.Day.Format("2 ")
		}
		text += fmt.Sprintf(" [%s%s %s %s %d]", day, row.User, row.Reason, row.Limit, row.Calls)
	}
	return text
}

func refusalsCounted(t *testing.T, p Place) {
	f := seeded(t, p)
	f.addAlerts(alert("ann", "cost", 80), alert("zoë", "cost", 80))
	wantEqual(t, "none", f.refusals(usage.RefusalQuery{}), "0: [   0]")
	wantEqual(t, "none", f.refusals(usage.RefusalQuery{By: []usage.RefusalDimension{usage.RefusedUser}}), "0:")
	counted := func(day int, user string, reason usage.Reason, limit string, calls int64) usage.Refusals {
		return usage.Refusals{Day: date(2026, 11, day), User: user, Reason: reason, Limit: limit, Calls: calls}
	}
	f.must(f.db.AddRefusals(f.ctx, []usage.Refusals{counted(3, "ann", usage.LimitExceeded, "cost", 2),
		counted(3, "zoë", usage.IsSuspended, "", 1), counted(4, "ann", usage.LimitExceeded, "calls", 5)}))
	f.must(f.db.AddRefusals(f.ctx, []usage.Refusals{counted(3, "ann", usage.LimitExceeded, "cost", 4)}))
	f.must(f.db.AddRefusals(f.ctx, []usage.Refusals{{Day: date(2026, 12, 1), User: "ann", Reason: "x", Calls: 1}}))
	for _, tt := range []struct {
		q    usage.RefusalQuery
		want string
	}{
		{usage.RefusalQuery{}, "12: [   12]"},
		{usage.RefusalQuery{By: []usage.RefusalDimension{usage.RefusedDay}}, "12: [3    7] [4    5]"},
		{usage.RefusalQuery{By: []usage.RefusalDimension{usage.RefusedUser}}, "12: [ann   11] [zoë   1]"},
		{usage.RefusalQuery{By: []usage.RefusalDimension{usage.RefusedLimit, usage.RefusedReason}},
			"12: [ limit_exceeded cost 6] [ limit_exceeded calls 5] [ suspended  1]"},
		{usage.RefusalQuery{User: "zoë", By: []usage.RefusalDimension{usage.RefusedReason}}, "1: [ suspended  1]"},
	} {
		wantEqual(t, fmt.Sprint(tt.q), f.refusals(tt.q), tt.want)
	}
}

func refusalsOfNobody(t *testing.T, p Place) {
	f := seeded(t, p)
	f.addAlerts(alert("ann", "cost", 80))
	var made []usage.Refusals
	for i := range 300 {
		made = append(made, usage.Refusals{Day: now(), User: fmt.Sprint("made-up-", i), Reason: usage.LimitExceeded,
			Limit: "calls", Calls: 2})
	}
	f.must(f.db.AddRefusals(f.ctx, append(made, usage.Refusals{Day: now(), User: "ann", Reason: usage.LimitExceeded,
		Limit: "calls", Calls: 1})))
	wantEqual(t, "refusals", f.refusals(usage.RefusalQuery{By: []usage.RefusalDimension{usage.RefusedUser}}),
		"601: [   600] [ann   1]")
}

func refusalsAtOnce(t *testing.T, p Place) {
	f := seeded(t, p)
	f.addAlerts(alert("ann", "cost", 80), alert("bob", "cost", 80))
	other := p.Open(t)
	var writing sync.WaitGroup
	for _, store := range []usage.RefusalStore{f.db, other, f.db, other} {
		writing.Go(func() {
			for range 10 {
				counted := []usage.Refusals{{Day: now(), User: "ann", Reason: "r", Calls: 1}, {Day: now(), User: "bob",
					Reason: "r", Calls: 1}}
				if err := store.AddRefusals(f.ctx, counted); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	wantEqual(t, "refusals", f.refusals(usage.RefusalQuery{}), "80: [   80]")
}

// refusalsOfEachWay refuses calls that are asked about, reserved and recorded, and what is let through.
func refusalsOfEachWay(t *testing.T, p Place) {
	f := seeded(t, p)
	f.addAlerts(alert("ann", "cost", 80))
	huge := pricing.Quantities{pricing.Requests: 100}
	call := usage.Call{UserID: "ann", Provider: "gemini", Quantities: huge}
	d, err := f.service.Check(f.ctx, now(), call)
	f.must(err)
	if d.Allowed {
		t.Fatal("the call passes")
	}
	if _, err = f.service.Reserve(f.ctx, now(), call, "r", time.Minute); err != nil {
		t.Fatal(err)
	}
	event := usage.Event{UserID: "ann", Provider: "gemini", Quantities: huge, StatusCode: 200}
	if _, err := f.service.Record(f.ctx, now(), event, usage.RecordOptions{Enforce: true}); err == nil {
		t.Error("the event was recorded")
	}
	twice := []usage.Submission{{Event: event}, {Event: event}}
	f.service.RecordAll(f.ctx, now(), twice, usage.RecordOptions{Enforce: true})
	call.Quantities[pricing.Requests] = 1
	_, err = f.service.Check(f.ctx, now(), call)
	f.must(err)
	f.must(f.service.WriteRefusals(f.ctx, f.db))
	f.must(f.service.WriteRefusals(f.ctx, f.db)) // which has nothing more to write
	wantEqual(t, "refusals", f.refusals(usage.RefusalQuery{By: []usage.RefusalDimension{usage.RefusedUser}}),
		"5: [ann   5]")
}
