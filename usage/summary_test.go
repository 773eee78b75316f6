package usage_test

import (
	"math"
	"testing"

	"github.com/alwrity/alwrity-sub/usage"
)

func TestAtMost(t *testing.T) {
	for _, c := range [][3]int64{
		{0, 0, 0}, {1, 2, 3}, {5, -7, -2}, {-7, 5, -2}, {-2, -3, -5}, {math.MaxInt64 - 1, 1, math.MaxInt64},
		{math.MaxInt64, 1, math.MaxInt64},
		{1, math.MaxInt64, math.MaxInt64}, {math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{math.MaxInt64, -1, math.MaxInt64 - 1},
	} {
		if got := usage.AtMost(c[0], c[1]); got != c[2] {
			t.Errorf("%d and %d is %d, want %d", c[0], c[1], got, c[2])
		}
	}
}
