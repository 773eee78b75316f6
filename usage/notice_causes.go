package usage

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// wholeLimit is the percentage of a limit at which nothing is left of it.
const wholeLimit = 100

// Notice returns what is told about an alert.
func (a *Alert) Notice() Notice {
	kind := ThresholdReached
	if a.Threshold >= wholeLimit {
		kind = LimitReached
	}
	start, percent := a.PeriodStart.UTC().Format(time.RFC3339), strconv.Itoa(a.Threshold)
	data := map[string]string{
		"limit": a.Limit.Name, "meter": string(a.Limit.Meter), "action": string(a.Limit.Action),
		"used": a.Limit.Amount(a.Used), "max": a.Limit.MaxText(), "percent": percent, "period_start": start,
	}
	if a.Overage {
		data["overage"] = "allow"
	}
	if !a.PeriodEnd.IsZero() {
		data["period_end"] = a.PeriodEnd.UTC().Format(time.RFC3339)
	}
	// The user comes last: a user's id may have colons in it, and keys stay apart so.
	return Notice{Key: strings.Join([]string{"alert", start, percent, a.Limit.Name, a.UserID}, ":"),
		Kind: kind, UserID: a.UserID, At: a.CreatedAt, Data: data}
}

// unpriced is what has no price.
type unpriced struct{ provider, model string }

// missing remembers which prices are missing, so that each is noticed once and the
// thousandth call without it costs a look into memory.
type missing struct {
	noted map[unpriced]bool
	fresh []Notice // that are to be stored with the events that made them
}

// note notes that an entry has no price. It is told once a month, as long as it lasts:
// the month is that in which it is noticed.
func (m *missing) note(e *Entry) {
	key := unpriced{e.Provider, e.Model}
	if m.noted[key] {
		return
	}
	if m.noted == nil {
		m.noted = map[unpriced]bool{}
	}
	m.noted[key] = true
	m.fresh = append(m.fresh, Notice{
		Key:  strings.Join([]string{"price", e.RecordedAt.UTC().Format("2006-01"), e.Provider, e.Model}, ":"),
		Kind: PriceMissing, At: e.RecordedAt,
		Data: map[string]string{"provider": e.Provider, "model": e.Model, "user_id": e.UserID, "time": e.Time.UTC().Format(time.RFC3339)},
	})
}

// take returns what is to be stored, in the order of the keys: two transactions that
// notice the same do not wait for each other in a circle.
func (m *missing) take() []Notice {
	fresh := m.fresh
	m.fresh = nil
	slices.SortFunc(fresh, func(a, b Notice) int { return strings.Compare(a.Key, b.Key) })
	return fresh
}

// rejected returns what is told about an import with rows that were not recorded. Each
// run is told about: the same file may have been mended and spoilt again.
func (r *ImportResult) rejected(run, file string, now time.Time) Notice {
	data := map[string]string{
		"file": file, "read": strconv.FormatInt(r.Read, 10),
		"rejected": strconv.FormatInt(r.Rejected, 10), "conflicts": strconv.FormatInt(r.Conflicts, 10),
	}
	if len(r.Problems) > 0 {
		data["reason"] = "line " + strconv.FormatInt(r.Problems[0].Line, 10) + ": " + r.Problems[0].Reason
	}
	return Notice{Key: "import:" + run, Kind: ImportRejected, At: now, Data: data}
}
