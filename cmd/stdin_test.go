package cmd

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestInterruptibleReadsEverything(t *testing.T) {
	want := strings.Repeat("row\n", 100_000)
	got, err := io.ReadAll(newInterruptible(t.Context(), strings.NewReader(want)))
	if err != nil || string(got) != want {
		t.Errorf("%d of %d bytes were read: %v", len(got), len(want), err)
	}
	broken := io.MultiReader(strings.NewReader("x"), brokenReader{})
	if got, err := io.ReadAll(newInterruptible(t.Context(), broken)); string(got) != "x" ||
		!errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %q and %v", got, err)
	}
}

func TestInterruptibleReadEndsWithItsContext(t *testing.T) {
	in, writer := io.Pipe() // nobody writes
	defer writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	reading := make(chan error)
	go func() {
		_, err := newInterruptible(ctx, in).Read(make([]byte, 1))
		reading <- err
	}()
	cancel()
	if err := <-reading; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrNoProgress }
