package db

import (
	"slices"
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
	fill := func(a *arrays, put func(to sink)) []any {
		for range 3 {
			a.column = 0
			put(a)
		}
		return a.arguments()
	}
	var used arrays
	for i, put := range []func(to sink){wide, narrow, wide, narrow, narrow} {
		used.reset()
		got, want := fill(&used, put), fill(&arrays{}, put)
		if !slices.Equal(got, want) {
			t.Errorf("%d:\n got %q\nwant %q", i, got, want)
		}
	}
}
