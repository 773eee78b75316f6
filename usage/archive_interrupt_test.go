package usage

import (
	"context"
	"errors"
	"testing"
)

// Rows end with the first word of an interruption, whatever the storage does about it.
func TestRowsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rows := func(yield func(Entry, error) bool) {
		for i := 0; yield(Entry{}, nil); i++ {
			if i == 3 {
				cancel()
			}
		}
	}
	n := 0
	for _, err := range until(ctx, rows) {
		if err != nil {
			if !errors.Is(err, context.Canceled) || n != 4 {
				t.Errorf("%v after %d rows", err, n)
			}
			return
		}
		n++
	}
	t.Error("no error")
}
