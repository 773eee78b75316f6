package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
)

// at reads a time of these tests: a date, or a date with a time of day.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02 15:04:05.999999"} {
		if moment, err := time.Parse(layout, text); err == nil {
			return moment
		}
	}
	t.Fatalf("%q is no time", text)
	return time.Time{}
}

// addMonths steps from month to month with a table of their lengths.
func addMonths(anchor time.Time, n int) time.Time {
	year, month := anchor.Year(), int(anchor.Month())
	for ; n > 0; n-- {
		if month++; month == 13 {
			year, month = year+1, 1
		}
	}
	for ; n < 0; n++ {
		if month--; month == 0 {
			year, month = year-1, 12
		}
	}
	days := [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		days[2] = 29
	}
	midnight := time.Date(anchor.Year(), anchor.Month(), anchor.Day(), 0, 0, 0, 0, time.UTC)
	return time.Date(year, time.Month(month), min(anchor.Day(), days[month]), 0, 0, 0, 0,
		time.UTC).Add(anchor.Sub(midnight))
}

func TestAddMonths(t *testing.T) {
	tests := []struct {
		anchor string
		n      int
		want   string
	}{
		{"2025-01-31", 1, "2025-02-28"}, {"2024-01-31", 1, "2024-02-29"}, {"2028-01-31", 1, "2028-02-29"},
		{"2100-01-31", 1, "2100-02-28"}, {"2000-01-31", 1, "2000-02-29"},
		{"2025-01-31", 2, "2025-03-31"}, {"2025-01-31", 3, "2025-04-30"}, {"2025-01-30", 1, "2025-02-28"},
		{"2024-01-30", 1, "2024-02-29"},
		{"2025-01-29", 1, "2025-02-28"}, {"2025-01-28", 1, "2025-02-28"}, {"2024-01-28", 1, "2024-02-28"},
		{"2024-02-29", 12, "2025-02-28"}, {"2024-02-29", 48, "2028-02-29"}, {"2096-02-29", 48, "2100-02-28"},
		{"2096-02-29", 96, "2104-02-29"},
		{"2025-03-31", -1, "2025-02-28"}, {"2025-01-31", -2, "2024-11-30"}, {"2025-01-15", -25, "2022-12-15"},
		{"2025-12-31 23:59:59.999999", 2, "2026-02-28 23:59:59.999999"}, {"2025-08-31 12:30", 0, "2025-08-31 12:30"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s%+d", tt.anchor, tt.n), func(t *testing.T) {
			if got := plan.AddMonths(at(t, tt.anchor), tt.n); !got.Equal(at(t, tt.want)) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// anyAnchor draws moments from 1900 to 2200, the ends of months above all.
func anyAnchor() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		day := rapid.OneOf(rapid.IntRange(28, 31), rapid.IntRange(1, 31)).Draw(t, "day")
		year := rapid.OneOf(rapid.SampledFrom([]int{1900, 2000, 2024, 2025, 2026, 2027, 2028, 2096, 2100}),
			rapid.IntRange(1900, 2200)).Draw(t, "year")
		first := time.Date(year, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), 1, 0, 0, 0, 0, time.UTC)
		day = min(day, first.AddDate(0, 1, -1).Day())
		tick := rapid.OneOf(rapid.Just(int64(0)), rapid.Just(int64(86_399_999_999)),
			rapid.Int64Range(0, 86_399_999_999)).Draw(t, "microsecond")
		return first.AddDate(0, 0, day-1).Add(time.Duration(tick) * time.Microsecond)
	})
}

func TestAddMonthsAgreesWithSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		anchor, n := anyAnchor().Draw(t, "anchor"), rapid.IntRange(-2000, 2000).Draw(t, "n")
		if got, want := plan.AddMonths(anchor, n), addMonths(anchor, n); got != want {
			t.Fatalf("got %s, step by step %s", got, want)
		}
	})
}

func TestPeriodsOfEachAnchor(t *testing.T) {
	for _, year := range []int{2024, 2025, 2026, 2027, 2028, 2100} {
		for day := 28; day <= 31; day++ {
			for _, clock := range []time.Duration{0, time.Microsecond, 12 * time.Hour, 24*time.Hour - time.Microsecond} {
				anchor := time.Date(year, 1, day, 0, 0, 0, 0, time.UTC).Add(clock)
				for n := -30; n < 30; n++ {
					p := plan.Period{Start: addMonths(anchor, n), End: addMonths(anchor, n+1)}
					for _, moment := range []time.Time{p.Start, p.Start.Add(time.Microsecond), p.Start.Add(p.End.Sub(p.Start) / 2),
						p.End.Add(-time.Microsecond)} {
						if got := plan.PeriodAt(anchor, moment); got != p {
							t.Errorf("%s from %s lies in %v, want %v", moment, anchor, got, p)
						}
					}
				}
			}
		}
	}
}

func TestPeriodsOfJanuary31(t *testing.T) {
	want := []string{"2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31", "2025-06-30", "2025-07-31",
		"2025-08-31", "2025-09-30", "2025-10-31",
		"2025-11-30", "2025-12-31", "2026-01-31", "2026-02-28"}
	moment := at(t, want[0])
	for i := range want[1:] {
		p := plan.PeriodAt(at(t, want[0]), moment)
		if !p.Start.Equal(at(t, want[i])) || !p.End.Equal(at(t, want[i+1])) {
			t.Errorf("period %d is %v, want %s to %s", i, p, want[i], want[i+1])
		}
		moment = p.End
	}
}

func TestEveryMomentLiesInOnePeriod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		anchor, moment := anyAnchor().Draw(t, "anchor"), anyAnchor().Draw(t, "moment")
		cycle := rapid.SampledFrom([]plan.Cycle{plan.Monthly, plan.Yearly}).Draw(t, "cycle")
		sub := plan.Subscription{Cycle: cycle, Anchor: anchor}
		p := sub.CycleAt(moment)
		if cycle == plan.Monthly && p != plan.PeriodAt(anchor, moment) {
			t.Fatalf("the monthly cycle %v is no usage period", p)
		}
		if !p.Contains(moment) || p.Contains(p.End) || !p.Contains(p.Start) {
			t.Fatalf("%v does not hold %s", p, moment)
		}
		if p.Start.Location() != time.UTC || p.End.Location() != time.UTC {
			t.Fatalf("%v is not in UTC", p)
		}
		if sub.CycleAt(p.Start) != p || sub.CycleAt(p.End.Add(-time.Microsecond)) != p {
			t.Fatalf("the first and last moment of %v lie elsewhere", p)
		}
		if next := sub.CycleAt(p.End); !next.Start.Equal(p.End) {
			t.Fatalf("after %v comes %v", p, next)
		}
		if last := sub.CycleAt(p.Start.Add(-time.Microsecond)); !last.End.Equal(p.Start) {
			t.Fatalf("before %v comes %v", p, last)
		}
		if zone := time.FixedZone("", rapid.IntRange(-43_200, 50_400).Draw(t, "zone")); sub.CycleAt(moment.In(zone)) != p ||
			(plan.Subscription{Cycle: cycle, Anchor: anchor.In(zone)}).CycleAt(moment) != p {
			t.Fatal("the time zone changes the period")
		}
	})
}

func TestYearlyCycleFromALeapDay(t *testing.T) {
	sub := plan.Subscription{Cycle: plan.Yearly, Anchor: at(t, "2024-02-29 10:00")}
	tests := []struct{ moment, start, end string }{
		{"2024-02-29 10:00", "2024-02-29 10:00", "2025-02-28 10:00"},
		{"2025-02-28 09:59", "2024-02-29 10:00", "2025-02-28 10:00"},
		{"2025-02-28 10:00", "2025-02-28 10:00", "2026-02-28 10:00"},
		{"2028-02-28 10:00", "2027-02-28 10:00", "2028-02-29 10:00"},
		{"2028-02-29 10:00", "2028-02-29 10:00", "2029-02-28 10:00"},
		{"2024-02-29 09:59", "2023-02-28 10:00", "2024-02-29 10:00"},
		{"2100-03-01", "2100-02-28 10:00", "2101-02-28 10:00"},
	}
	for _, tt := range tests {
		t.Run(tt.moment, func(t *testing.T) {
			if got := sub.CycleAt(at(t, tt.moment)); got != (plan.Period{Start: at(t, tt.start), End: at(t, tt.end)}) {
				t.Errorf("got %v, want %s to %s", got, tt.start, tt.end)
			}
		})
	}
	if p := plan.PeriodAt(sub.Anchor, at(t, "2025-07-01")); !p.Start.Equal(at(t, "2025-06-29 10:00")) {
		t.Errorf("its limits count by the month: got %v", p)
	}
}

func TestCalendarMonth(t *testing.T) {
	for moment, want := range map[string][2]string{"2024-02-29 23:59": {"2024-02-01", "2024-03-01"},
		"2025-12-31 23:59:59.999999": {"2025-12-01", "2026-01-01"}, "2025-01-01": {"2025-01-01", "2025-02-01"}} {
		if got := plan.CalendarMonth(at(t, moment)); got != (plan.Period{Start: at(t, want[0]), End: at(t, want[1])}) {
			t.Errorf("%s lies in %v, want %v", moment, got, want)
		}
	}
	east := time.Date(2025, 3, 1, 0, 30, 0, 0, time.FixedZone("", 3600))
	if got := plan.CalendarMonth(east); got.Start.Month() != time.February {
		t.Errorf("months are those of UTC: got %v", got)
	}
}

func TestMonth(t *testing.T) {
	for at, want := range map[string]string{
		"2026-08-01T00:00:00Z": "2026-08", "2026-08-31T23:59:59.999999Z": "2026-08", "2026-09-01T00:00:00Z": "2026-09",
		"2026-09-01T05:00:00+05:30": "2026-08", "1970-01-01T00:00:00Z": "1970-01", "8999-12-31T23:00:00Z": "8999-12",
	} {
		moment, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		m := plan.MonthOf(moment)
		if m.String() != want || m.Start().After(moment) || !m.End().After(moment) || plan.MonthOf(m.End()) != m.Next() {
			t.Errorf("%s: %s from %s to %s", at, m, m.Start(), m.End())
		}
	}
	if m := plan.Month(202612); m.Next() != 202701 {
		t.Errorf("%s", m.Next())
	}
}

func TestDays(t *testing.T) {
	zone := time.FixedZone("", 5*3600)
	for moment, want := range map[time.Time]int{at(t, "2026-11-23"): 20261123, at(t, "2026-01-02"): 20260102,
		time.Date(2026, 1, 1, 4, 0, 0, 0, zone): 20251231} {
		if got := plan.Day(moment); got != want {
			t.Errorf("Day(%s) = %d", moment, got)
		}
	}
	for n, want := range map[int]string{20261123: "2026-11-23", 20260102: "2026-01-02", 202611: "2026-11",
		197001: "1970-01", 89991231: "8999-12-31"} {
		if got := plan.DayText(n); got != want {
			t.Errorf("plan.DayText(%d) = %s", n, got)
		}
	}
}

func TestParseMonth(t *testing.T) {
	month, err := plan.ParseMonth("2026-12")
	if err != nil || !month.Start().Equal(at(t, "2026-12-01")) || !month.End().Equal(at(t, "2027-01-01")) {
		t.Errorf("%s to %s, %v", month.Start(), month.End(), err)
	}
	for _, text := range []string{"", "2026", "2026-13", "2026-00", "2026-1", "2026-11-01", "11-2026", "1969-12",
		"9000-01", strings.Repeat("2026-11", 1000)} {
		_, err := plan.ParseMonth(text)
		if f := wantFailure(t, err, failure.Invalid); !strings.Contains(f.Message, "YYYY-MM") {
			t.Errorf("%q: %s", text, f.Message)
		}
	}
}
