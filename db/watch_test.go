package db_test

import (
	"testing"

	"github.com/alwrity/alwrity-sub/db"
)

func TestQuietBetween(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, before, after string
		own                 []int64
		quiet               bool
	}{
		{"nothing has ended", "10:10:", "10:10:", nil, true},
		{"our own have ended", "10:10:", "12:12:", []int64{10, 11}, true},
		{"another has ended", "10:10:", "12:12:", []int64{10}, false},
		{"another has begun and is still running", "10:10:", "11:12:11", []int64{10}, true},
		{"one that was running still is", "9:10:9", "9:11:9", []int64{10}, true},
		{"one that was running has ended", "9:10:9", "11:11:", []int64{10}, false},
		{"our own that was running has ended", "9:10:9", "11:11:", []int64{9, 10}, true},
		{"one of many", "5:10:5,7", "7:14:7,12", []int64{5, 10, 11, 13}, true},
		{"one too many", "5:10:5,7", "7:14:7", []int64{5, 10, 11, 13}, false},
		{"too many to look at", "10:10:", "10000000:10000000:", nil, false},
	} {
		if quiet, err := db.QuietBetween(c.before, c.after, c.own...); err != nil || quiet != c.quiet {
			t.Errorf("%s: %t, %v", c.what, quiet, err)
		}
	}
	for _, text := range []string{"", "10", "10:x:", "10:10:x", "1:2:3:4"} {
		if _, err := db.QuietBetween(text, "10:10:"); err == nil {
			t.Errorf("%q was read as a snapshot", text)
		}
	}
}
