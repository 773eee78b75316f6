package notify

import (
	"testing"
	"time"

	_ "time/tzdata"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestQuietHours(t *testing.T) {
	for _, c := range []struct {
		hours, zone, at string
		want            bool
	}{
		{"22:00-07:00", "UTC", "2026-11-10T21:59:59Z", false},
		{"22:00-07:00", "UTC", "2026-11-10T22:00:00Z", true},
		{"22:00-07:00", "UTC", "2026-11-11T00:00:00Z", true},
		{"22:00-07:00", "UTC", "2026-11-11T06:59:59Z", true},
		{"22:00-07:00", "UTC", "2026-11-11T07:00:00Z", false},
		{"00:00-06:30", "UTC", "2026-11-11T00:00:00Z", true},
		{"00:00-06:30", "UTC", "2026-11-11T06:30:00Z", false},
		{"18:00-00:00", "UTC", "2026-11-11T23:59:00Z", true},
		{"18:00-00:00", "UTC", "2026-11-12T00:00:00Z", false},
		{"12:00-13:00", "UTC", "2026-11-12T12:30:00Z", true},
		{"12:00-13:00", "UTC", "2026-11-12T13:30:00Z", false},
		{"22:00-07:00", "Europe/Berlin", "2026-11-10T21:00:00Z", true},
		{"22:00-07:00", "Europe/Berlin", "2026-07-10T20:00:00Z", true}, // summer
		{"22:00-07:00", "Europe/Berlin", "2026-07-10T05:00:00Z", false},
		{"22:00-07:00", "Asia/Kolkata", "2026-11-10T16:29:00Z", false}, // 21:59
		{"22:00-07:00", "Asia/Kolkata", "2026-11-10T16:30:00Z", true},
		{"22:00-07:00", "America/New_York", "2026-11-10T12:00:00Z", false}, // 7:00
		// The night in which the clock is set forward, from 2:00 to 3:00.
		{"02:30-03:30", "Europe/Berlin", "2026-03-29T00:59:59Z", false}, // 1:59
		{"02:30-03:30", "Europe/Berlin", "2026-03-29T01:00:00Z", true},  // 3:00
		{"02:30-03:30", "Europe/Berlin", "2026-03-29T01:30:00Z", false}, // 3:30
		// And back: from 3:00 to 2:00, so that 2:30 comes twice.
		{"02:30-03:00", "Europe/Berlin", "2026-10-25T00:45:00Z", true}, // 2:45 in summer
		{"02:30-03:00", "Europe/Berlin", "2026-10-25T01:15:00Z", false},
		{"02:30-03:00", "Europe/Berlin", "2026-10-25T01:45:00Z", true}, // 2:45 in winter
		{"", "UTC", "2026-11-11T00:00:00Z", false},
		{"off", "UTC", "2026-11-11T00:00:00Z", false},
	} {
		q, err := ParseQuietHours(c.hours)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Contains(at, zone(t, c.zone)); got != c.want {
			t.Errorf("%s in %s at %s: %t", c.hours, c.zone, c.at, got)
		}
	}
	for _, text := range []string{"22-7", "22:00", "22:00-22:00", "24:00-07:00", "x-y", "22:00-07:00-08:00", "-"} {
		if q, err := ParseQuietHours(text); err == nil {
			t.Errorf("%q is read as %+v", text, q)
		}
	}
}

func TestDigestTime(t *testing.T) {
	for _, c := range []struct{ zone, at, want string }{
		{"UTC", "2026-11-10T07:59:59Z", "2026-11-10T08:00:00Z"},
		{"UTC", "2026-11-10T08:00:00Z", "2026-11-11T08:00:00Z"},
		{"UTC", "2026-12-31T23:00:00Z", "2027-01-01T08:00:00Z"},
		{"Europe/Berlin", "2026-11-10T06:59:00Z", "2026-11-10T07:00:00Z"},
		{"Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T06:00:00Z"}, // the clock is set forward that night
		{"Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T07:00:00Z"},
		{"Pacific/Auckland", "2026-11-10T18:59:00Z", "2026-11-10T19:00:00Z"},
		{"America/Los_Angeles", "2026-11-10T02:00:00Z", "2026-11-10T16:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := digestTime(at, zone(t, c.zone)).Format(time.RFC3339); got != c.want {
			t.Errorf("what is written at %s goes out at %s in %s, want %s", c.at, got, c.zone, c.want)
		}
	}
}

func TestPauses(t *testing.T) {
	least := func(int64) int64 { return 0 }
	most := func(n int64) int64 { return n - 1 }
	total := time.Duration(0)
	for attempts := 1; attempts < maxAttempts; attempts++ {
		pause := min(firstPause<<(attempts-1), maxPause)
		total += pause
		low, high := pauseAfter(attempts, 0, least), pauseAfter(attempts, 0, most)
		if low != pause-pause/4 || high < pause+pause/4-2 || high > pause+pause/4 {
			t.Errorf("after %d attempts the pause is from %s to %s, want %s and a quarter more or less", attempts, low, high,
				pause)
		}
	}
	if total < 36*time.Hour || total > 60*time.Hour {
		t.Errorf("it is tried for %s", total)
	}
	if got := pauseAfter(1, 3*time.Hour, least); got != 3*time.Hour {
		t.Errorf("asked for three hours, it waits %s", got)
	}
	if got := pauseAfter(1, 1000*time.Hour, least); got != maxRetryAfter {
		t.Errorf("asked for much too long, it waits %s", got)
	}
	if got := pauseAfter(1000, 0, most); got > maxPause+maxPause/4 {
		t.Errorf("after many attempts it waits %s", got)
	}
}
