package db

import (
	"bytes"
	"testing"
)

// Arrays whose memory was used for others before are as new ones.
func TestArraysAgain(t *testing.T) {
	t.Parallel()
	wide := func(to sink) {
		to.text("a long text, that narrower rows must not see")
		to.nullMoment()
		to.integer(7)
		to.boolean(true)
	}
	narrow := func(to sink) {
		to.integer(-1)
		to.text("ü")
	}
	fill := func(a *arrays, put func(to sink)) [][]byte {
		for range 3 {
			a.column = 0
			put(a)
		}
		args, _ := a.arguments(3)
		return args
	}
	var used arrays
	for i, put := range []func(to sink){wide, narrow, wide, narrow, narrow} {
		used.reset()
		got, want := fill(&used, put), fill(&arrays{}, put)
		if len(got) != len(want) {
			t.Fatalf("%d: %d arrays, want %d", i, len(got), len(want))
		}
		for n := range want {
			if !bytes.Equal(got[n], want[n]) {
				t.Errorf("%d, array %d:\n got %q\nwant %q", i, n, got[n], want[n])
			}
		}
	}
}
