package cmd

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
)

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func talk(_ context.Context, env *commands.Env) error {
	_, err := fmt.Fprintln(env.Printer.Out, "result")
	return err
}

func mumble(_ context.Context, env *commands.Env) error {
	fmt.Fprintln(env.Printer.Out, "result")
	return nil
}

func TestClosedPipeIsQuiet(t *testing.T) {
	for _, w := range []work{talk, mumble} {
		p := testProcess(t, "work")
		p.Out = brokenWriter{&os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}}
		if got := do(t, p, w); got.status != 0 || got.err != "" {
			t.Errorf("%+v", got)
		}
	}
	p := testProcess(t, "work")
	p.Out = brokenWriter{syscall.EPIPE}
	got := do(t, p, func(ctx context.Context, env *commands.Env) error {
		_ = mumble(ctx, env)
		return failure.New(failure.FailedCheck, "found problems")
	})
	if got.status != 7 {
		t.Errorf("the command's own failure is lost: %+v", got)
	}
}

func TestFullDiskIsTold(t *testing.T) {
	for _, args := range [][]string{{"work"}, {"work", "--help"}, {"--version"}, {"completion", "bash"}} {
		p := testProcess(t, args...)
		p.Out = brokenWriter{syscall.ENOSPC}
		got := do(t, p, mumble)
		if got.status != 6 {
			t.Errorf("%v: %+v", args, got)
		}
		mustContain(t, got.err, "error: the results can't be written: no space left on device")
	}
}
