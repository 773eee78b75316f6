package pages

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/usage"
)

// meter is a limit with how far it is used, as a page shows it.
type meter struct {
	Name     string
	Counts   string // whose usage; "" where the name says it
	State    string // the class of its bar: ok, near, full
	Percent  string
	Width    int    // of its bar, in hundredths
	Used     string // “820 of 1,000 calls”
	Left     string // “180 left”
	Note     string // what happens at the limit, or when it is reached
	perMille int64
}

// meters are a user's limits: those that are used first, the fullest before others.
type meters struct {
	Used     []meter
	Low      []meter // used, but little
	Unused   []meter
	Outside  []string // not in the plan
	NoLimits bool
}

func (p *pages) metersOf(u usage.PeriodUsage, now time.Time) meters {
	var m meters
	m.NoLimits = len(u.Limits) == 0
	for _, v := range u.Limits {
		switch {
		case !v.Limit.Unlimited && v.Limit.Max == 0:
			m.Outside = append(m.Outside, title(v.Limit.Name))
		case v.Used == 0 && v.Reserved == 0:
			m.Unused = append(m.Unused, p.meterOf(v, u, now))
		default:
			m.Used = append(m.Used, p.meterOf(v, u, now))
		}
	}
	slices.SortStableFunc(m.Used, func(a, b meter) int { return cmp.Compare(b.perMille, a.perMille) })
	for n := len(m.Used); n > leastShown && m.Used[n-1].perMille < low; n-- {
		m.Low = append(m.Low, m.Used[n-1])
		m.Used = m.Used[:n-1]
	}
	slices.Reverse(m.Low)
	return m
}

const (
	leastShown = 5   // limits are shown at once, where so many are used
	low        = 100 // thousandths: limits that are used less come after them
)

func (p *pages) meterOf(v usage.LimitVerdict, u usage.PeriodUsage, now time.Time) meter {
	l := v.Limit
	m := meter{Name: title(l.Name), Counts: counts(l), State: "ok", Used: p.usedOf(v.LimitUse), perMille: -1}
	if v.Reserved > 0 {
		m.Note = p.amount(l, v.Reserved) + " more held by calls that are running. "
	}
	perMille, ok := v.PerMille()
	if !ok {
		m.Left = "unlimited"
		return m
	}
	m.perMille, m.Percent = perMille, report.ShortPercent(perMille)
	m.Width = int(min(perMille, 1000) / 10)
	if m.Width == 0 && v.Used > 0 {
		m.Width = 1
	}
	if !p.hidden(l) {
		m.Left = p.amount(l, max(0, l.Max-v.Used)) + " left"
	}
	at, runsOut := v.RunsOut(u.Period, now)
	switch {
	case v.Used >= l.Max:
		m.State = "full"
		m.Note += beyond(v.LimitUse, u)
		if !p.hidden(l) && v.Used > l.Max {
			m.Left = p.amount(l, v.Used-l.Max) + " beyond"
		}
	case runsOut:
		m.Note += "At this pace used up about " + basis.Day(at) + "."
	}
	if m.State == "ok" && perMille >= 800 {
		m.State = "near"
	}
	return m
}

// beyond says what becomes of calls beyond a limit.
func beyond(v usage.LimitUse, u usage.PeriodUsage) string {
	switch {
	case v.Limit.Action == plan.Warn:
		return "This limit only warns: calls go on."
	case u.Plan.Overage == plan.OverageAllow && v.Limit.TakesOverage():
		return "Calls go on, and are billed as overage."
	}
	return "Calls that it counts are refused until " + moment(u.Period.End) + "."
}

// hidden tells whether a limit counts what is shown to nobody here: what usage costs the operator. It then is shown in
// percent, as on bills.
func (p *pages) hidden(l plan.Limit) bool { return l.Meter == plan.Cost && !p.ShowCost }

func (p *pages) usedOf(v usage.LimitUse) string {
	switch {
	case p.hidden(v.Limit):
		return "shown in percent"
	case v.Limit.Unlimited:
		return p.amount(v.Limit, v.Used) + " used"
	case v.Limit.Meter == plan.Cost:
		return fmt.Sprintf("%s of %s", p.amount(v.Limit, v.Used), p.amount(v.Limit, v.Limit.Max))
	}
	return fmt.Sprintf("%s of %s", report.Count(v.Used), p.amount(v.Limit, v.Limit.Max))
}

// amount writes what a limit counts with its unit.
func (p *pages) amount(l plan.Limit, n int64) string {
	if l.Meter == plan.Cost {
		return report.Amount(l.Meter, n)
	}
	return report.Count(n) + " " + string(l.Meter)
}

// periodText writes a period: its days or, where it begins within a day, as it is.
func periodText(p plan.Period) string {
	if report.WholeDays(p) {
		return basis.Days(p)
	}
	return p.Start.UTC().Format("2 Jan") + " – " + basis.Day(p.End) + p.End.UTC().Format(", 15:04 UTC")
}

// moment writes a day, with its time where that is not midnight.
func moment(t time.Time) string {
	t = t.UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return basis.Day(t)
	}
	return t.Format("2 Jan 2006, 15:04") + " UTC"
}
