package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// measure is an amount of what a limit counts. In JSON calls and tokens are
// numbers, and dollars a decimal string like all money.
type measure struct {
	meter  plan.Meter
	amount int64
}

// MarshalJSON writes a number, or a string of dollars.
func (m measure) MarshalJSON() ([]byte, error) {
	if m.meter == plan.Cost {
		return []byte(`"` + m.String() + `"`), nil
	}
	return []byte(m.String()), nil
}

// String returns the exact amount as it stands in CSV.
func (m measure) String() string {
	if m.meter == plan.Cost {
		return pricing.USD(m.amount).String()
	}
	return strconv.FormatInt(m.amount, 10)
}

// Amount writes what a meter counts with thousands separators, and dollars with $.
func Amount(m plan.Meter, n int64) string {
	if m == plan.Cost {
		return pricing.USD(n).Display()
	}
	return Count(n)
}

// maximum returns what a limit allows, nil where it is unlimited.
func maximum(l plan.Limit) *measure {
	if l.Unlimited {
		return nil
	}
	return &measure{l.Meter, l.Max}
}

func maximumCell(l plan.Limit) Cell {
	if l.Unlimited {
		return ""
	}
	return Cell(measure{l.Meter, l.Max}.String())
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

// notInPlan is what a maximum of 0 means.
const notInPlan = "not in plan"

// Count writes a whole number with thousands separators.
func Count(n int64) string { return humanize.Comma(n) }

// Counted writes a number of things: "1 row", "2,000 rows".
func Counted[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Count(int64(n)) + " " + thing + "s"
}

// percentOf returns how much of a limit is used in percent with one decimal,
// rounded down; nil where there are no percentages. It is text all the way, so
// that no digit is lost to floating point.
func percentOf(u usage.LimitUse) *json.Number {
	perMille, ok := u.PerMille()
	if !ok {
		return nil
	}
	percent := json.Number(fmt.Sprintf("%d.%d", perMille/10, perMille%10))
	return &percent
}

func percentCell(u usage.LimitUse) Cell {
	if p := percentOf(u); p != nil {
		return Cell(*p)
	}
	return ""
}

// scopeText names whose usage a limit counts, in one string that scripts can
// compare and split: "all", "providers:gemini,openai", "vendors:wavespeed", or
// both with a space between.
func scopeText(s plan.Scope) string {
	var parts []string
	if len(s.Providers) > 0 {
		parts = append(parts, "providers:"+strings.Join(s.Providers, ","))
	}
	if len(s.Vendors) > 0 {
		parts = append(parts, "vendors:"+strings.Join(s.Vendors, ","))
	}
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, " ")
}

// scopeForPeople says the same as scopeText in words.
func scopeForPeople(s plan.Scope) string {
	var parts []string
	if len(s.Providers) > 0 {
		parts = append(parts, strings.Join(s.Providers, ", "))
	}
	if len(s.Vendors) > 0 {
		parts = append(parts, "served by "+strings.Join(s.Vendors, ", "))
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, "; ")
}
