package encode

import (
	"slices"
	"testing"
)

// Arrays whose memory was used for others before are as new ones.
func TestArraysAgain(t *testing.T) {
	t.Parallel()
	wide := func(to Sink) {
		to.Text("a long text, that narrower rows must not see")
		to.NullMoment()
		to.Integer(7)
		to.Boolean(true)
	}
	narrow := func(to Sink) {
		to.Integer(-1)
		to.Text("ü")
	}
	fill := func(a *Arrays, put func(to Sink)) []any {
		for range 3 {
			a.column = 0
			put(a)
		}
		return a.Arguments()
	}
	var used Arrays
	for i, put := range []func(to Sink){wide, narrow, wide, narrow, narrow} {
		used.Reset(0)
		got, want := fill(&used, put), fill(&Arrays{}, put)
		if !slices.Equal(got, want) {
			t.Errorf("%d:\n got %q\nwant %q", i, got, want)
		}
	}
}
