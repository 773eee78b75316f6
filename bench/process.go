package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// ran is a process that has ended.
type ran struct {
	wall   time.Duration
	peak   int64 // bytes of memory at its peak
	out    []byte
	err    []byte
	status int
}

// milliseconds is how long it took.
func (r ran) milliseconds() float64 { return float64(r.wall.Microseconds()) / 1000 }

// megabytes is how much memory it took at its peak.
func (r ran) megabytes() float64 { return float64(r.peak) / 1e6 }

// run runs a program to its end, with nothing of the caller's environment but PATH,
// so that no setting of the user's shell is measured. It fails where the program does.
//
// The peak memory is the kernel's ru_maxrss. A process starts as a copy of this one,
// and the kernel counts that: so it is never below what this process has, which is
// therefore kept small (it streams whatever grows with the rows).
func (l *lab) run(ctx context.Context, env []string, program string, args ...string) (ran, error) {
	r, err := l.try(ctx, env, program, args...)
	if err == nil && r.status != 0 {
		err = fmt.Errorf("%s %s: exit code %d: %s", filepath.Base(program), strings.Join(args, " "), r.status,
			lastOf(r.err, r.out))
	}
	return r, err
}

// try is run, except that an exit code is no error.
func (l *lab) try(ctx context.Context, env []string, program string, args ...string) (ran, error) {
	var out, errs bytes.Buffer
	command := exec.CommandContext(ctx, program, args...)
	command.Dir, command.Stdout, command.Stderr = l.dir, &out, &errs
	command.Env = append(l.environment(), env...)
	began := time.Now()
	err := command.Run()
	r := ran{wall: time.Since(began), out: out.Bytes(), err: errs.Bytes()}
	if command.ProcessState == nil || !command.ProcessState.Exited() {
		return r, fmt.Errorf("%s %s: %w", filepath.Base(program), strings.Join(args, " "), err)
	}
	r.status = command.ProcessState.ExitCode()
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = usage.Maxrss * maxrssUnit()
	}
	return r, nil
}

// maxrssUnit is the unit of ru_maxrss in bytes.
func maxrssUnit() int64 {
	if runtime.GOOS == "darwin" {
		return 1
	}
	return 1024
}

// ours runs alwrity-sub on a database.
func (l *lab) ours(ctx context.Context, d database, args ...string) (ran, error) {
	return l.run(ctx, []string{"DATABASE_URL=" + d.url}, l.binary, append([]string{"--now", benchNow}, args...)...)
}

// lastOf returns the end of what a program said on the way out.
func lastOf(texts ...[]byte) string {
	for _, text := range texts {
		if trimmed := strings.TrimSpace(string(text)); trimmed != "" {
			return trimmed[max(0, len(trimmed)-500):]
		}
	}
	return "without a word"
}
