package dbtest

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// compareSome is what every step ends with: the totals are the sums of the log, and
// one call and one question drawn at random get the model's answer.
func (m *model) compareSome() {
	r, err := m.db.Reconcile(m.ctx, false)
	m.must(err)
	m.equal("discrepancies", r.Discrepancies, []usage.Discrepancy(nil))
	m.equal("log rows", r.LogRows, len(m.events))
	m.compareCheck()
	m.compareVersions()
	questions := map[string]func(){"statement": m.compareStatement, "alerts": m.compareAlerts, "report": m.compareReport,
		"holds": m.compareHolds, "trend": m.compareTrend, "log": m.compareLog, "tokens": m.compareTokens}
	questions[draw(m, "question", sortedKeys(questions)...)]()
}

// compareAll compares everything that the database says with the model.
func (m *model) compareAll() {
	for _, user := range m.users {
		m.compareAccount(user)
		m.statement(user, m.now)
		m.compareStatement()
	}
	m.compareLog()
	m.compareAlerts()
	m.compareHolds()
	for _, by := range usage.Dimensions() {
		m.report(usage.ReportQuery{From: date(2024, 1, 1), To: date(2040, 1, 1), By: []usage.Dimension{by}}, 0)
	}
	m.compareReratings()
	m.compareTokens()
}

// compareCheck asks whether a call would pass now.
func (m *model) compareCheck() {
	e := m.call()
	_, want, ok := m.ask(e, "")
	got, err := m.service.Check(m.ctx, m.now, callOf(e))
	if !ok {
		m.wantCode("a call that costs too much", err, failure.Invalid)
		return
	}
	m.must(err)
	m.compareDecision(got, want)
}

// compareAccount compares a subscription as it is stored, its history, and the plan
// and period of some moments.
func (m *model) compareAccount(user string) {
	a, got := m.accounts[user], m.account(user)
	m.equal("has a subscription", got.Subscription != nil, a.current != nil)
	if s := a.current; s != nil {
		m.equal("subscription of "+user, *got.Subscription,
			plan.Subscription{PlanID: s.plan, Cycle: s.cycle, Anchor: s.anchor, PaidUntil: s.paidUntil,
				AutoRenew: s.renews, Suspended: s.suspended, EndsAt: s.endsAt})
	}
	history, err := m.db.History(m.ctx, user)
	m.must(err)
	var lines []string
	for _, h := range history {
		lines = append(lines, fmt.Sprint(h.Action, h.RecordedAt, h.EffectiveAt, h.PlanBefore, h.PlanAfter, h.Cycle,
			h.PeriodBefore.Start, h.PeriodBefore.End,
			h.PeriodAfter.Start, h.PeriodAfter.End, h.CallsBefore, h.TokensBefore, m.read(h.CostBefore)))
	}
	m.equal("history of "+user, lines, a.history)
	moments := []time.Time{m.now, m.now.AddDate(0, -1, 0), m.now.AddDate(0, 0, 40)}
	for _, s := range a.steps {
		moments = append(moments, s.from, s.from.Add(-time.Microsecond))
	}
	for _, at := range moments {
		current, err := got.PlanAt(at)
		m.must(err)
		m.equal(fmt.Sprint("plan, status and period of ", user, " at ", at),
			fmt.Sprint(current.Name, got.StatusAt(at), got.PeriodAt(at)),
			fmt.Sprint(m.planAt(user, at).Name, a.statusAt(at), m.period(user, at)))
	}
}

func (m *model) compareLog() {
	log := m.logs()
	m.equal("log rows", len(log), len(m.events))
	for _, got := range log {
		m.compareLinks(got)
		got.Links = nil
		m.equal("log row", got, m.events[got.ID])
	}
	m.compareSearch(log)
}

// compareSearch looks for one provider and one model, which are found by other means
// than going through the log.
func (m *model) compareSearch(log []usage.Entry) {
	if len(log) == 0 {
		return
	}
	e := draw(m, "sought", log...)
	for what, q := range map[string]usage.LogQuery{"provider": {Provider: e.Provider}, "model": {Model: e.Model},
		"both": {Provider: e.Provider, Model: e.Model}} {
		q.Limit = 1_000_000
		got, err := m.db.Logs(m.ctx, q)
		m.must(err)
		m.equal("log of a "+what, ids(got), ids(slices.DeleteFunc(slices.Clone(log),
			func(e usage.Entry) bool { return !isSelected(q, e) })))
	}
}

// compareStatement compares what a user is shown of a period.
func (m *model) compareStatement() {
	at := m.now.Add(-time.Duration(m.number("days ago", 0, 70)) * 24 * time.Hour)
	m.statement(m.user(), at)
}

func (m *model) statement(user string, at time.Time) {
	a := m.accounts[user]
	got, err := m.service.Show(m.ctx, user, at, m.now)
	if !a.seen {
		m.wantCode("showing a user never seen", err, failure.NotFound)
		return
	}
	m.must(err)
	start, end := a.period(at)
	p := m.planAt(user, at)
	if !m.now.Before(end) { // the period is over: whichever moment of it is asked for, what held in the end
		p = m.planAt(user, end.Add(-time.Microsecond))
	}
	probe := usage.Entry{Event: usage.Event{UserID: user}, PeriodStart: start}
	inPeriod := func(e usage.Entry) bool { return e.UserID == user && e.PeriodStart.Equal(start) }
	standing := usage.LimitsActive
	var limits, gotLimits, providers, gotProviders []string
	for _, l := range m.shared(user, start, m.planThen(p.ID, end.Add(-time.Microsecond))).Limits {
		used, reserved := m.used(probe, l), m.reserved(user, l, "")
		if m.now.Before(start) || !m.now.Before(end) {
			reserved = new(big.Int)
		}
		limits = append(limits, fmt.Sprint(l.Name, " ", used, "+", reserved, " of ", l.Max))
		switch reached := m.reached(l, used); {
		case l.Action == "block" && !l.Unlimited && l.Max > 0 && used.Cmp(big.NewInt(l.Max)) >= 0:
			standing = usage.LimitsReached
		case reached > 0 && standing == usage.LimitsActive:
			standing = usage.LimitsWarning
		}
	}
	for _, v := range got.Limits {
		gotLimits = append(gotLimits, fmt.Sprint(v.Limit.Name, " ", v.Used, "+", v.Reserved, " of ", v.Limit.Max))
	}
	for _, name := range sortedKeys(m.providers) {
		if t := m.tally(func(e usage.Entry) bool {
			return inPeriod(e) &&
				e.Provider == name
		}); t.String() != (&tally{}).String() {
			providers = append(providers, name+" "+t.String())
		}
	}
	for _, t := range got.Providers {
		if line := m.total(t); line != (&tally{}).String() {
			gotProviders = append(gotProviders, t.Provider+" "+line)
		}
	}
	slices.Sort(gotProviders)
	what := fmt.Sprint("statement of ", user, " at ", at)
	m.equal(what, fmt.Sprint(got.Plan.Name, got.Status, got.LimitStatus, got.Period, m.total(got.Sum)),
		fmt.Sprint(p.Name, a.statusAt(at), standing, m.period(user, at), m.tally(inPeriod)))
	m.equal(what, gotLimits, limits)
	m.equal(what, gotProviders, providers)
}

func (m *model) total(t usage.ProviderUsage) string {
	return fmt.Sprint(t.Calls, t.Errors, t.Unpriced, t.InputTokens, t.OutputTokens, m.read(t.Cost), t.Estimated,
		m.read(t.EstimatedCost))
}

func (m *model) compareAlerts() {
	found, err := m.db.Alerts(m.ctx, usage.AlertQuery{Limit: 1_000_000})
	m.must(err)
	got := map[modelAlertKey]modelAlert{}
	withdrawn := 0
	for _, a := range found {
		if !a.WithdrawnAt.IsZero() {
			withdrawn++
			continue
		}
		key := modelAlertKey{a.UserID, a.PeriodStart.UnixMicro(), a.Limit.Name, a.Threshold}
		if _, twice := got[key]; twice {
			m.rt.Fatalf("two alerts of %+v", key)
		}
		got[key] = modelAlert{a.Used, a.Limit.Max, a.CreatedAt.UnixMicro(), a.EventID, a.Limit.Meter, a.Limit.Action}
	}
	m.equal("alerts", got, m.alerts)
	m.equal("withdrawn alerts", withdrawn, m.withdrawn)
}

func (m *model) compareHolds() {
	open, err := m.db.Reservations(m.ctx, usage.ReservationQuery{Now: m.now, Limit: 1_000_000})
	m.must(err)
	got, want := map[string]usage.Reservation{}, map[string]usage.Reservation{}
	for _, r := range open {
		got[r.ID] = r
	}
	for id, r := range m.holds {
		if m.holding(r) {
			want[id] = r
		}
	}
	m.equal("reservations", got, want)
}

// compareReport asks for a report of some days, by some dimensions.
func (m *model) compareReport() {
	q := usage.ReportQuery{From: m.now.Truncate(24*time.Hour).AddDate(0, 0, -int(m.number("days", 0, 80)))}
	q.To = q.From.AddDate(0, 0, int(m.number("long", 1, 90)))
	for _, by := range usage.Dimensions() {
		if m.oneIn(3, string(by)) {
			q.By = append(q.By, by)
		}
	}
	if q.By = append(q.By, usage.ByModel); slices.Index(q.By, usage.ByModel) < len(q.By)-1 {
		q.By = q.By[:len(q.By)-1]
	}
	if m.oneIn(4, "one user") {
		q.User = m.user()
	}
	if m.oneIn(4, "one provider") {
		q.Provider = "gemini"
	}
	m.report(q, int(m.number("top", 0, 4)))
}

func (m *model) report(q usage.ReportQuery, top int) {
	got, err := usage.MakeReport(m.ctx, m.db, q, top)
	m.must(err)
	rows := map[string]*tally{}
	sum := m.tally(func(e usage.Entry) bool {
		if e.Time.Before(q.From) || !e.Time.Before(q.To) || q.User != "" && e.UserID != q.User || q.Provider != "" &&
			e.Provider != q.Provider {
			return false
		}
		key := m.keys(q.By, e)
		if rows[key] == nil {
			rows[key] = &tally{}
		}
		rows[key].count(e)
		return true
	})
	what := fmt.Sprintf("report %+v", q)
	m.equal(what, m.reportRow(got.Sum), sum)
	order := m.ordered(q.By, rows, top)
	m.equal(what, fmt.Sprint(len(got.Rows), got.Left), fmt.Sprint(len(order), len(rows)-len(order)))
	for i, key := range order {
		m.equal(what, strings.Join(got.Rows[i].Keys, "|")+" "+m.reportRow(got.Rows[i]), key+" "+rows[key].String())
	}
}

func (m *model) reportRow(r usage.ReportRow) string {
	return fmt.Sprint(r.Calls, r.Errors, r.Unpriced, r.InputTokens, r.OutputTokens, m.read(r.Cost), r.Estimated,
		m.read(r.EstimatedCost))
}

func (m *model) keys(by []usage.Dimension, e usage.Entry) string {
	all := map[usage.Dimension]string{"day": e.Time.Format(time.DateOnly), "month": e.Time.Format("2006-01"),
		"user": e.UserID,
		"plan": m.planByID(e.PlanID).Name, "provider": e.Provider, "vendor": e.Vendor, "model": e.Model}
	var keys []string
	for _, d := range by {
		keys = append(keys, all[d])
	}
	return strings.Join(keys, "|")
}

// ordered returns the keys of a report's rows: the most expensive, then in the order of
// time where it is broken down by time.
func (m *model) ordered(by []usage.Dimension, rows map[string]*tally, top int) []string {
	order := sortedKeys(rows)
	slices.SortFunc(order, func(a, b string) int {
		return cmp.Or(rows[b].cost.Cmp(&rows[a].cost), rows[b].calls.Cmp(&rows[a].calls),
			slices.Compare(strings.Split(a, "|"), strings.Split(b, "|")))
	})
	if top > 0 && len(order) > top {
		order = order[:top]
	}
	slices.SortStableFunc(order, func(a, b string) int {
		as, bs := strings.Split(a, "|"), strings.Split(b, "|")
		for i, d := range by {
			if c := cmp.Compare(as[i], bs[i]); c != 0 && (d == "day" || d == "month") {
				return c
			}
		}
		return 0
	})
	return order
}

// compareTrend compares calendar months, and what the running one will come to.
func (m *model) compareTrend() {
	user := draw(m, "of", append(m.users, "")...)
	got, err := usage.MakeTrend(m.ctx, m.db, user, 3, m.now)
	m.must(err)
	first := date(m.now.Year(), m.now.Month()-2, 1)
	for i, month := range got.Months {
		from, to := first.AddDate(0, i, 0), first.AddDate(0, i+1, 0)
		t := m.tally(func(e usage.Entry) bool {
			return (user == "" || e.UserID == user) && !e.Time.Before(from) && e.Time.Before(to)
		})
		m.equal("trend of "+user, month.Month+" "+m.reportRow(month.ReportRow), from.Format("2006-01")+" "+t.String())
		if passed := int64(m.now.Sub(from) / time.Second); i == len(got.Months)-1 && passed > 0 {
			projected := t.cost.Mul(&t.cost, big.NewInt(int64(to.Sub(from)/time.Second)))
			m.equal("projected", m.read(got.Projected), exact(projected.Quo(projected, big.NewInt(passed))))
		}
	}
	m.equal("months", len(got.Months), 3)
}

// compareReratings reads the history of reratings behind the store's back; of a
// database in memory from a copy.
func (m *model) compareReratings() {
	if len(m.reratings) == 0 {
		return
	}
	behind := m.place.SQL
	if m.place.Kind == db.SQLite {
		behind = m.copied()
	}
	rows, err := behind.Query(`SELECT event_id, cost_before_pico, pricing_before, COALESCE(price_id_before, 0),
		cost_after_pico, pricing_after,
		COALESCE(price_id_after, 0) FROM usage_reratings`)
	m.must(err)
	defer rows.Close()
	var got, want []string
	for rows.Next() {
		var event string
		var before, after usage.Entry
		m.must(rows.Scan(&event, &before.Cost, &before.Basis, &before.PriceID, &after.Cost, &after.Basis, &after.PriceID))
		got = append(got, event+" "+(&modelRerating{before, after}).String())
	}
	m.must(rows.Err())
	for key, r := range m.reratings {
		want = append(want, key.event+" "+r.String())
	}
	slices.Sort(got)
	slices.Sort(want)
	m.equal("history of reratings", got, want)
}

// copied returns a copy of a database in memory that can be reached into.
func (m *model) copied() *sql.DB {
	dir, err := os.MkdirTemp("", "model")
	m.must(err)
	file := filepath.Join(dir, "copy.db")
	m.must(m.db.Backup(m.ctx, file, false))
	behind, err := sql.Open("sqlite3", "file:"+file)
	m.must(err)
	m.rt.Cleanup(func() {
		if err := errors.Join(behind.Close(), os.RemoveAll(dir)); err != nil {
			m.rt.Errorf("removing the copy: %s", err)
		}
	})
	return behind
}
