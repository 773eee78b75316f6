package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Dash stands where there is nothing.
const Dash = "–"

// notInPlan is what a maximum of 0 means.
const notInPlan = "not in plan"

// Count writes a whole number with thousands separators.
func Count(n int64) string { return humanize.Comma(n) }

// Size writes a number of bytes.
func Size(bytes int64) string { return humanize.IBytes(uint64(max(bytes, 0))) }

// Amount writes what a meter counts with thousands separators, and dollars with $.
func Amount(m plan.Meter, n int64) string {
	if m == plan.Cost {
		return pricing.USD(n).Display()
	}
	return Count(n)
}

// Maximum writes what a limit allows.
func Maximum(l plan.Limit) string {
	switch {
	case l.Unlimited:
		return "unlimited"
	case l.Max == 0:
		return notInPlan
	}
	return Amount(l.Meter, l.Max)
}

// Time writes a time to the minute.
func Time(t time.Time) string {
	if t.IsZero() {
		return Dash
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// Month writes a month: "2026-10".
func Month(month time.Time) string { return month.Format("2006-01") }

// Period writes a period; one that begins and ends at midnight, as most do, by its days.
func Period(p plan.Period) string {
	layout := "2006-01-02 15:04"
	if WholeDays(p) {
		layout = time.DateOnly
	}
	return p.Start.UTC().Format(layout) + " until " + p.End.UTC().Format(layout) + " UTC"
}

// days writes the days of a period; that of its end does not belong to it.
func days(p plan.Period) string {
	return p.Start.UTC().Format(time.DateOnly) + " – " + p.End.UTC().Format(time.DateOnly)
}

// WholeDays tells whether a period begins and ends at midnight.
func WholeDays(p plan.Period) bool {
	return p.Start.Equal(p.Start.Truncate(24*time.Hour)) && p.End.Equal(p.End.Truncate(24*time.Hour))
}

// PerYear stands behind a price of a year, which is the dearer one in a list of months.
func PerYear(c plan.Cycle) string {
	if c == plan.Yearly {
		return "a year"
	}
	return ""
}

// PercentOf writes which part of a whole something is with one decimal: "-12.5". It is not
// ok where the whole is nothing.
func PercentOf(part, whole pricing.Total) (text string, ok bool) {
	perMille, ok := part.PerMilleOf(whole)
	if !ok {
		return "", false
	}
	sign := ""
	if perMille < 0 {
		sign, perMille = "-", -perMille
	}
	return fmt.Sprintf("%s%d.%d", sign, perMille/10, perMille%10), true
}

// ShortPercent writes thousandths as percent; what is far beyond full, roughly.
func ShortPercent(perMille int64) string {
	if perMille >= 10_000 {
		return ">999%"
	}
	return fmt.Sprintf("%d.%d%%", perMille/10, perMille%10)
}

// basis writes where a price comes from.
func basis(b pricing.Basis) string {
	switch b {
	case pricing.Unpriced:
		return "no price"
	case pricing.Reported:
		return "as reported"
	}
	return strings.ReplaceAll(string(b), "_", "-") + " price"
}

// scope names whose usage a limit counts, in one string that scripts can compare and split: "all",
// "providers:gemini,openai", "vendors:wavespeed", or both with a space between. A person reads it in words.
func scope(s plan.Scope) value {
	var parts, said []string
	if len(s.Providers) > 0 {
		parts = append(parts, "providers:"+strings.Join(s.Providers, ","))
		said = append(said, strings.Join(s.Providers, ", "))
	}
	if len(s.Vendors) > 0 {
		parts = append(parts, "vendors:"+strings.Join(s.Vendors, ","))
		said = append(said, "served by "+strings.Join(s.Vendors, ", "))
	}
	if len(parts) == 0 {
		return shown(name("all"), text("everything"))
	}
	return shown(name(strings.Join(parts, " ")), text(strings.Join(said, "; ")))
}
