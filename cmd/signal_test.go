package cmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
)

// A driver says in its own way that it was stopped.
func TestSignalInterrupts(t *testing.T) {
	for _, sign := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, wrap := range []func(error) error{
			func(err error) error { return err },
			func(err error) error { return fmt.Errorf("reading: %w", err) },
			func(error) error { return errors.New("driver: interrupted") },
			func(err error) error { return failure.Unavailablef("the database is away").Because(err) },
		} {
			got := do(t, testProcess(t, "work"), func(ctx context.Context, _ *commands.Env) error {
				if err := syscall.Kill(os.Getpid(), sign); err != nil {
					return err
				}
				<-ctx.Done()
				return wrap(ctx.Err())
			})
			if got.status != 130 {
				t.Errorf("%s: %+v", sign, got)
			}
			mustContain(t, got.err, "error: interrupted\n")
		}
	}
}

func TestInterruptedKeepsOtherOutcomes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	refused := failure.Invalidf("no")
	if got := interrupted(ctx, refused); got != error(refused) {
		t.Errorf("%v", got)
	}
	if got := interrupted(ctx, nil); got != nil {
		t.Errorf("%v", got)
	}
	if got := interrupted(t.Context(), context.Canceled); failure.CodeOf(got) != failure.Internal {
		t.Errorf("%v", got)
	}
}

const stubbornVariable = "ALWRITY_TEST_STUBBORN"

// TestSecondSignalKills runs this test binary as a program that does not listen
// to its context.
func TestSecondSignalKills(t *testing.T) {
	if os.Getenv(stubbornVariable) != "" {
		do(t, testProcess(t, "work"), func(ctx context.Context, _ *commands.Env) error {
			fmt.Println("ready")
			<-ctx.Done()
			fmt.Println("stopping")
			select {}
		})
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestSecondSignalKills$")
	child.Env = append(os.Environ(), stubbornVariable+"=1", "TMPDIR="+t.TempDir()) // being killed, it leaves its own
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "stopping"; {
		if err := child.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for ended != nil { // it gives way to the second signal a moment after it was told of the first
		select {
		case err = <-ended:
			ended = nil
		case <-time.After(50 * time.Millisecond):
			_ = child.Process.Signal(os.Interrupt) // it may have ended
		}
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Errorf("the second signal did not kill: %v", err)
	}
}
