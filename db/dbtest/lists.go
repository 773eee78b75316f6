package dbtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func listTests() []test {
	return []test{
		{"lists/pages have every row once and in order", listPages},
		{"lists/users are found by what they are called, status and plan", listFound},
		{"logs/pages continue within one moment", logPages},
		{"logs/are selected by every condition", logSelection},
		{"logs/pages by number are of one user, and count", logsByNumber},
		{"logs/periods with usage are found", periodsOfUsers},
		{"logs/pages of a model have all of its rows", logSearch},
		{"reports/by every dimension and pair are sums of the log", reportsAreSums},
		{"reports/more money than an integer holds", reportOverFleet},
		{"reports/unpriced models", unpricedModels},
		{"reports/trends", trends},
	}
}

func listPages(t *testing.T, p Place) {
	f := seeded(t, p)
	for i := range 5 {
		user := fmt.Sprint("user-", i)
		f.addAlerts(alert(user, "cost", 80))
		_, err := f.reserve(fmt.Sprint("r", 9-i), user, now().Add(time.Duration(i/2)*time.Second), time.Hour)
		f.must(err)
	}
	lists := &usage.Lists{Store: f.db}
	for limit := 1; limit <= 6; limit++ {
		users, err := usage.Every(func(last usage.User) (usage.Page[usage.User], error) {
			return lists.Users(f.ctx, last.UserID, limit)
		})
		f.must(err)
		wantList(t, "users", users, func(u usage.User) string { return u.UserID }, "user-0 user-1 user-2 user-3 user-4")
		alerts, err := usage.Every(func(last usage.Alert) (usage.Page[usage.Alert], error) {
			return lists.Alerts(f.ctx, usage.AlertQuery{Before: last.ID, Limit: limit})
		})
		f.must(err)
		wantList(t, "alerts", alerts, func(a usage.Alert) string { return a.UserID }, "user-4 user-3 user-2 user-1 user-0")
		held, err := usage.Every(func(last usage.Reservation) (usage.Page[usage.Reservation], error) {
			return lists.Reservations(f.ctx, usage.ReservationQuery{
				Now: now(), AfterTime: last.CreatedAt, AfterID: last.ID, Limit: limit,
			})
		})
		f.must(err)
		wantList(t, "reservations", held, func(r usage.Reservation) string { return r.ID }, "r8 r9 r6 r7 r5")
		all, err := f.db.Audit(f.ctx, 0, usage.PageSize)
		f.must(err)
		changes, err := usage.Every(func(last usage.AuditEntry) (usage.Page[usage.AuditEntry], error) {
			return lists.Audit(f.ctx, last.ID, 7*limit)
		})
		f.must(err)
		wantEqual(t, "the audit log", changes, all)
	}
	_, err := lists.Users(f.ctx, "", 0)
	wantFailure(t, err, failure.Invalid, "limit is 0: it must be 1 or more")
}

func wantList[T any](t *testing.T, what string, rows []T, name func(T) string, want string) {
	t.Helper()
	var names []string
	for _, row := range rows {
		names = append(names, name(row))
	}
	wantEqual(t, what, strings.Join(names, " "), want)
}

func logPages(t *testing.T, p Place) {
	f := seeded(t, p)
	var entries []usage.Entry
	for i := range 37 {
		e := bareEntry()
		e.ID, e.Time = fmt.Sprint("e", (i*17)%37), now().Add(time.Duration(i/12)*time.Microsecond)
		if i%2 == 0 {
			e.ID = strings.ToUpper(e.ID)
		}
		entries = append(entries, e)
	}
	f.append(entries...)
	slices.Reverse(entries) // the newest first, and of one moment what was recorded last
	for _, size := range []int{1, 5, 36, 37, 38} {
		var got []usage.Entry
		q := usage.LogQuery{Limit: size}
		for {
			page, err := f.db.Logs(f.ctx, q)
			f.must(err)
			got = append(got, page...)
			if len(page) < size {
				break
			}
			q.BeforeTime, q.BeforeID = page[size-1].Time, page[size-1].ID
		}
		wantEqual(t, fmt.Sprint("pages of ", size), got, entries)
	}
}

func logSelection(t *testing.T, p Place) {
	f := seeded(t, p)
	var entries []usage.Entry
	for i := range 48 {
		e := bareEntry()
		e.ID = fmt.Sprintf("e%02d", i)
		e.UserID = []string{"alice", "bob", "al%"}[i%3]
		e.Provider = []string{"gemini", "openai"}[i%2]
		e.Model = []string{"", "m1", "m2"}[i/2%3]
		e.StatusCode = []int{200, 399, 400, 599}[i/4%4]
		e.Billable = i%5 == 0
		e.Basis = []pricing.Basis{pricing.Exact, pricing.Unpriced}[i/8%2]
		e.Time = now().Add(time.Duration(i) * time.Microsecond)
		entries = append(entries, e)
	}
	f.append(entries...)
	at := entries[20].Time
	queries := map[string]struct {
		q    usage.LogQuery
		want func(usage.Entry) bool
	}{
		"all":      {usage.LogQuery{}, func(usage.Entry) bool { return true }},
		"user":     {usage.LogQuery{User: "al%"}, func(e usage.Entry) bool { return e.UserID == "al%" }},
		"provider": {usage.LogQuery{Provider: "openai"}, func(e usage.Entry) bool { return e.Provider == "openai" }},
		"model":    {usage.LogQuery{Model: "m1"}, func(e usage.Entry) bool { return e.Model == "m1" }},
		"from":     {usage.LogQuery{From: at}, func(e usage.Entry) bool { return !e.Time.Before(at) }},
		"to":       {usage.LogQuery{To: at}, func(e usage.Entry) bool { return e.Time.Before(at) }},
		"ok":       {usage.LogQuery{Status: usage.LogOK}, func(e usage.Entry) bool { return e.StatusCode < 400 }},
		"failed":   {usage.LogQuery{Status: usage.LogFailed}, func(e usage.Entry) bool { return e.StatusCode >= 400 }},
		"unpriced": {usage.LogQuery{Status: usage.LogUnpriced},
			func(e usage.Entry) bool { return e.Basis == pricing.Unpriced && e.Counts() }},
		"together": {usage.LogQuery{User: "alice", Provider: "gemini", From: entries[3].Time, To: entries[40].Time,
			Status: usage.LogOK, BeforeTime: at, BeforeID: "e20"},
			func(e usage.Entry) bool {
				return e.UserID == "alice" && e.Provider == "gemini" && e.StatusCode < 400 && !e.Time.Before(entries[3].Time) &&
					e.Time.Before(at)
			}},
	}
	for name, query := range queries {
		query.q.Limit = 1000
		got, err := f.db.Logs(f.ctx, query.q)
		f.must(err)
		var want []usage.Entry
		for _, e := range entries {
			if query.want(e) {
				want = append(want, e)
			}
		}
		wantEqual(t, name, ids(got), ids(want))
	}
}

// logSearch looks for providers and models that are used all the time, at some hours, or
// hardly ever, also where other conditions leave little or nothing of them, and also once
// the totals were moved, changed and made anew.
func logSearch(t *testing.T, p Place) {
	f := seeded(t, p)
	entries := spreadEntries()
	f.append(entries[:20]...)
	f.append(entries[20:]...)
	slices.Reverse(entries)
	slices.SortStableFunc(entries, func(a, b usage.Entry) int { return b.Time.Compare(a.Time) })
	for _, model := range []string{"constant", "office", "now and then", "rare", "never"} {
		for _, size := range []int{9, 200, 10_000} {
			f.wantSearched(entries, model, size)
		}
	}
	f.subscribe("alice", "Pro", date(2026, 9, 1), now())
	f.wantSearched(entries, "now and then", 300)
	f.exec("UPDATE usage_fleet_daily SET calls = calls + 1 WHERE model = 'rare'")
	r, err := f.db.Reconcile(f.ctx, true)
	f.must(err)
	if len(r.Discrepancies) == 0 {
		t.Error("nothing was repaired")
	}
	f.wantSearched(entries, "now and then", 300)
}

// wantSearched requires of every search for a model that it finds those of the entries,
// the newest first, that it should.
func (f *fixture) wantSearched(entries []usage.Entry, model string, size int) {
	f.Helper()
	from, to := date(2026, 9, 10).Add(7*time.Hour), date(2026, 10, 20).Add(time.Microsecond)
	for name, q := range map[string]usage.LogQuery{
		"all": {Model: model}, "provider": {Provider: "provider of " + model},
		"both": {Provider: "provider of " + model, Model: model},
		"user": {Model: model, User: "alice"}, "failed": {Model: model, Status: usage.LogFailed},
		"ok":       {Model: model, Status: usage.LogOK, From: from},
		"unpriced": {Model: model, Status: usage.LogUnpriced}, "between": {Model: model, From: from, To: to},
		"other": {Provider: "provider of office", Model: model},
	} {
		var want []usage.Entry
		for _, e := range entries {
			if isSelected(q, e) {
				want = append(want, e)
			}
		}
		q.Limit = size
		wantEqual(f, fmt.Sprintf("%s, %s, pages of %d", model, name, size), ids(f.pages(q)), ids(want))
	}
}

// pages returns the rows of all pages of a query.
func (f *fixture) pages(q usage.LogQuery) []usage.Entry {
	f.Helper()
	var rows []usage.Entry
	for {
		page, err := f.db.Logs(f.ctx, q)
		f.must(err)
		rows = append(rows, page...)
		if len(page) < q.Limit {
			return rows
		}
		q.BeforeTime, q.BeforeID = page[q.Limit-1].Time, page[q.Limit-1].ID
	}
}

// isSelected tells whether a query without a cursor selects a row.
func isSelected(q usage.LogQuery, e usage.Entry) bool {
	status := map[usage.LogStatus]bool{
		usage.LogAll: true, usage.LogOK: e.StatusCode < 400, usage.LogFailed: e.StatusCode >= 400,
		usage.LogUnpriced: e.Basis == pricing.Unpriced && e.Counts(),
	}
	return (q.User == "" || q.User == e.UserID) && (q.Provider == "" || q.Provider == e.Provider) &&
		(q.Model == "" || q.Model == e.Model) &&
		!e.Time.Before(q.From) && (q.To.IsZero() || e.Time.Before(q.To)) && status[q.Status]
}

// spreadEntries are rows of three months, and some of other centuries, in a random order.
func spreadEntries() []usage.Entry {
	random := rand.New(rand.NewPCG(5, 5))
	var entries []usage.Entry
	add := func(model string, times ...time.Time) {
		for _, at := range times {
			e := bareEntry()
			e.ID, e.Provider, e.Model, e.Time, e.Basis = fmt.Sprint("e", len(entries)), "provider of "+model, model, at,
				pricing.Exact
			e.UserID, e.StatusCode = []string{"alice", "bob", "bob", "bob"}[random.IntN(4)],
				[]int{200, 200, 200, 404}[random.IntN(4)]
			if random.IntN(40) == 0 {
				e.Basis = pricing.Unpriced
			}
			entries = append(entries, e)
		}
	}
	for day := range 90 {
		begin := date(2026, 8, 15).AddDate(0, 0, day)
		for range 20 {
			add("constant", begin.Add(time.Duration(random.Int64N(int64(24*time.Hour))).Truncate(time.Microsecond)))
		}
		for range 5 * (day % 2) {
			add("office", begin.Add(9*time.Hour+time.Duration(random.IntN(4*60*60))*time.Second))
		}
		for range random.IntN(5) {
			add("now and then", begin.Add(time.Duration(random.IntN(24*60))*time.Minute))
		}
	}
	midnight := date(2026, 9, 30)
	add("rare", midnight, midnight, midnight.Add(-time.Microsecond), midnight.Add(24*time.Minute),
		midnight.Add(24*time.Minute-time.Microsecond),
		midnight.AddDate(0, 0, 1).Add(-time.Microsecond), time.Unix(0, 0).UTC(), time.Unix(0, -1000).UTC(),
		date(1969, 5, 1).Add(5*time.Hour), date(2105, 12, 31))
	random.Shuffle(len(entries), func(a, b int) { entries[a], entries[b] = entries[b], entries[a] })
	return entries
}

// reported fills a database with usage of several users, days, plans, providers,
// vendors and models.
func reported(t *testing.T, p Place) *fixture {
	f := seeded(t, p)
	f.subscribe("bob", "Pro", date(2026, 10, 20), date(2026, 10, 20))
	kinds := [][2]string{{"gemini", "gemini-2.5-flash"}, {"gemini", ""}, {"metaphor", "unheard"}, {"video", "wan-2.5"},
		{"video", "hunyuan-video"}, {"audio", "minimax/speech-02-hd"}}
	n := 0
	for _, user := range []string{"alice", "bob", "Čapek"} {
		for day := range 9 {
			kind := kinds[n%len(kinds)]
			e := call(fmt.Sprint("e", n), user, date(2026, 10, 1).AddDate(0, 0, 7*day).Add(24*time.Hour-time.Microsecond),
				int64(1000+n), int64(n))
			e.Provider, e.Model = kind[0], kind[1]
			e.Quantities[pricing.Characters] = int64(n)
			if n%7 == 0 {
				e.StatusCode = 500
			}
			f.record(e)
			n++
		}
	}
	return f
}

func reportsAreSums(t *testing.T, p Place) {
	f := reported(t, p)
	entries := f.logs()
	names := map[int64]string{}
	for _, name := range []string{"Free", "Pro", "Open"} {
		names[f.plan(name).ID] = name
	}
	keyOf := func(e usage.Entry, d usage.Dimension) string {
		return map[usage.Dimension]string{
			usage.ByDay: e.Time.Format(time.DateOnly), usage.ByMonth: e.Time.Format("2006-01"), usage.ByUser: e.UserID,
			usage.ByPlan: names[e.PlanID], usage.ByProvider: e.Provider, usage.ByVendor: e.Vendor, usage.ByModel: e.Model,
		}[d]
	}
	from, to := date(2026, 10, 8), date(2026, 11, 20)
	for _, by := range dimensionLists() {
		for _, q := range []usage.ReportQuery{
			{From: from, To: to, By: by}, {From: from, To: to, By: by, User: "bob"},
			{From: from, To: to, By: by, Provider: "video"},
		} {
			want := map[string]usage.ReportRow{}
			for _, e := range entries {
				if e.Time.Before(from) || !e.Time.Before(to) || q.User != "" && e.UserID != q.User || q.Provider != "" &&
					e.Provider != q.Provider {
					continue
				}
				var keys []string
				for _, d := range by {
					keys = append(keys, keyOf(e, d))
				}
				row, a := want[strings.Join(keys, "|")], e.Amounts()
				row.Keys = keys
				row.Calls, row.Errors, row.Unpriced = row.Calls+a.Calls, row.Errors+a.Errors, row.Unpriced+a.Unpriced
				row.InputTokens += a.Quantities[pricing.InputTokens]
				row.OutputTokens += a.Quantities[pricing.OutputTokens]
				row.Cost = row.Cost.Add(pricing.TotalOf(a.Cost))
				want[strings.Join(keys, "|")] = row
			}
			rows, err := f.db.Usage(f.ctx, q)
			f.must(err)
			if len(rows) != len(want) {
				t.Errorf("by %v: %d rows, want %d", by, len(rows), len(want))
			}
			for _, row := range rows {
				wantEqual(t, fmt.Sprintf("by %v", by), row, want[strings.Join(row.Keys, "|")])
			}
		}
	}
}

// dimensionLists returns every dimension, and every two of them in both orders.
func dimensionLists() [][]usage.Dimension {
	var lists [][]usage.Dimension
	for _, a := range usage.Dimensions() {
		lists = append(lists, []usage.Dimension{a})
		for _, b := range usage.Dimensions() {
			if a != b {
				lists = append(lists, []usage.Dimension{a, b})
			}
		}
	}
	return append(lists, usage.Dimensions())
}

func reportOverFleet(t *testing.T, p Place) {
	f := seeded(t, p)
	sum := pricing.Total{}
	for i := range 5 {
		e := bareEntry()
		e.ID, e.UserID, e.Cost, e.Basis = fmt.Sprint("e", i), fmt.Sprint("user", i), 1<<63-1-pricing.USD(i), pricing.Exact
		e.PlanID = f.plan("Free").ID
		f.append(e)
		sum = sum.Add(pricing.TotalOf(e.Cost))
	}
	for _, by := range [][]usage.Dimension{{usage.ByMonth}, {usage.ByProvider, usage.ByPlan}} {
		report, err := usage.MakeReport(f.ctx, f.db, usage.ReportQuery{From: date(1970, 1, 1), To: date(1970, 1, 2), By: by},
			0)
		f.must(err)
		if len(report.Rows) != 1 || report.Rows[0].Cost.Cmp(sum) != 0 || report.Sum.Cost.Cmp(sum) != 0 {
			t.Errorf("by %v: %+v, want %s", by, report.Rows, sum)
		}
	}
}

func unpricedModels(t *testing.T, p Place) {
	f := seeded(t, p)
	for i, model := range []string{"b", "a", "b", "c"} {
		e := call(fmt.Sprint("e", i), "alice", now(), 1, 1)
		e.Provider, e.Model = "wavespeed", model
		e.Quantities[pricing.Requests] = int64(1 + i)
		if model == "c" {
			e.StatusCode = 500
		}
		f.record(e)
	}
	rows, err := f.db.UnpricedModels(f.ctx)
	f.must(err)
	var texts []string
	for _, r := range rows {
		texts = append(texts, fmt.Sprint(r.Keys, r.Unpriced))
	}
	wantEqual(t, "unpriced", texts, []string{"[wavespeed a] 2", "[wavespeed b] 4"})
}

func trends(t *testing.T, p Place) {
	f := reported(t, p)
	trend, err := usage.MakeTrend(f.ctx, f.db, "bob", 3, date(2026, 12, 1))
	f.must(err)
	var months []string
	var calls int64
	for _, m := range trend.Months {
		months = append(months, m.Month)
		calls += m.Calls + m.Errors
	}
	wantEqual(t, "months", months, []string{"2026-10", "2026-11", "2026-12"})
	if calls != 9 || !slices.Contains(months, "2026-12") {
		t.Errorf("%d calls, want 9", calls)
	}
}

// Users are found by what they are called, by status and by plan, as a subscription says what these are.
func listFound(t *testing.T, p Place) {
	f := seeded(t, p)
	bill := f.billing(f.db)
	audit := usage.Audit{At: now(), Actor: "test", Action: "users subscribe"}
	for user, order := range map[string]billing.Order{
		"Anna 100%": {Plan: "pro", AutoRenew: true}, "bob_1": {Plan: "open"}, "carl": {Plan: "pro", AutoRenew: true},
		"dora": {Plan: "open", AutoRenew: true, Start: now().AddDate(0, 0, 9)},
	} {
		order.Cycle, order.Email = plan.Monthly, strings.ToUpper(user[:4])+"@example.com"
		if user == "Anna 100%" {
			order.Email = ""
		}
		_, err := bill.Subscribe(f.ctx, audit, user, order)
		f.must(err)
	}
	_, err := bill.Suspend(f.ctx, audit, "carl")
	f.must(err)
	f.addAlerts(alert("emil", "cost", 80))
	later := now().AddDate(0, 2, 0)
	for _, tt := range []struct {
		query usage.UserQuery
		want  string
	}{
		{usage.UserQuery{}, "Anna 100%|bob_1|carl|dora|emil"},
		{usage.UserQuery{Search: "ANNA"}, "Anna 100%"}, {usage.UserQuery{Search: "%"}, "Anna 100%"},
		{usage.UserQuery{Search: "_"}, "bob_1"}, {usage.UserQuery{Search: "!"}, ""},
		{usage.UserQuery{Search: "@Example"}, "bob_1|carl|dora"}, {usage.UserQuery{Search: "' OR 1=1"}, ""},
		{usage.UserQuery{Status: plan.Active}, "Anna 100%|bob_1|emil"}, {usage.UserQuery{Status: plan.Suspended}, "carl"},
		{usage.UserQuery{Status: plan.Pending}, "dora"}, {usage.UserQuery{Status: plan.Expired}, ""},
		{usage.UserQuery{Status: plan.Expired, Now: later}, "bob_1"}, {usage.UserQuery{Status: plan.Cancelled}, ""},
		{usage.UserQuery{Plan: "PRO"}, "Anna 100%|carl"}, {usage.UserQuery{Plan: "free"}, "emil"},
		{usage.UserQuery{Plan: "pro", Status: plan.Active}, "Anna 100%"},
	} {
		tt.query.Limit = 9
		if tt.query.Now.IsZero() {
			tt.query.Now = now()
		}
		page, err := (&usage.Lists{Store: f.db}).FindUsers(f.ctx, tt.query)
		f.must(err)
		var names []string
		for _, u := range page.Rows {
			names = append(names, u.UserID)
		}
		wantEqual(t, fmt.Sprintf("%+v", tt.query), strings.Join(names, "|"), tt.want)
	}
	_, err = (&usage.Lists{Store: f.db}).FindUsers(f.ctx, usage.UserQuery{Status: "activ", Limit: 9})
	wantFailure(t, err, failure.Invalid, "activ")
	_, err = (&usage.Lists{Store: f.db}).FindUsers(f.ctx, usage.UserQuery{Plan: "nothing", Limit: 9})
	wantFailure(t, err, failure.NotFound, "nothing")
}
