package faults_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// hang is how long a command may take before that is a hang, however slow the machine is. What hangs shows where it
// stands, before go test's own time-out ends everything.
const hang = 10 * time.Minute

// result is what became of a command.
type result struct {
	status   int
	out, err string
	took     time.Duration
}

// complaint is a failure as -o json tells it.
type complaint struct {
	Error struct{ Code, Message, Hint string }
}

// command is a command line of the binary on a database.
type command struct {
	url  string
	args []string
	path string // of another binary; empty: patient, of this tree
	uid  uint32 // of another user that it runs as; 0: of this one
}

func program(url string, args ...string) command { return command{url: url, args: args} }

// run runs a command to its end.
func (c command) run(t testing.TB) result {
	t.Helper()
	r := c.start(t)
	r.stdin.Close()
	return r.wait(t)
}

// running is a command that runs.
type running struct {
	*exec.Cmd
	stdin io.WriteCloser
	out   safeBuffer
	err   safeBuffer
	began time.Time
	done  chan struct{} // is closed when it has ended
	ended error
}

// start starts a command whose standard input the test feeds. Everything that it
// shows is JSON, and its clock stands still, so that two runs are comparable.
func (c command) start(t testing.TB) *running {
	t.Helper()
	path := c.path
	if path == "" {
		path = builtProgram(t, "patient")
	}
	r := &running{Cmd: exec.Command(path, append([]string{"--now", "2026-11-20", "-o", "json"}, c.args...)...),
		done: make(chan struct{})}
	r.Dir = "/"
	r.Env = []string{"PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + c.url, "HOME=/nonexistent", "ALWRITY_SUB_ACTOR=faults"}
	r.Stdout, r.Stderr = &r.out, &r.err
	if c.uid != 0 {
		r.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
	}
	var err error
	if r.stdin, err = r.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	r.began = time.Now()
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.ended = r.Wait()
		close(r.done)
	}()
	t.Cleanup(func() { _ = r.Process.Kill() })
	return r
}

// wait waits for the command's end, which must come.
func (r *running) wait(t testing.TB) result {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(hang):
		_ = r.Process.Signal(syscall.SIGQUIT) // shows where it stands
		<-r.done
		stack := r.err.String()
		t.Fatalf("%v has not ended after %s:\n%s%s", r.Args, hang, r.out.String(), stack[:min(len(stack), 3000)])
	}
	var exit *exec.ExitError
	if r.ended != nil && !errors.As(r.ended, &exit) && !errors.Is(r.ended, exec.ErrWaitDelay) {
		t.Fatalf("%v: %s", r.Args, r.ended)
	}
	return result{r.ProcessState.ExitCode(), r.out.String(), r.err.String(), time.Since(r.began)}
}

// interrupt sends Ctrl-C, and requires that the command ends and says so.
func interrupt(t testing.TB, r *running) {
	t.Helper()
	must(t, r.Process.Signal(syscall.SIGINT))
	r.wait(t).complains(t, 130, "interrupted")
}

// safeBuffer is a buffer that may be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// ok requires success.
func (r result) ok(t testing.TB) result {
	t.Helper()
	if r.status != 0 {
		t.Fatalf("exit %d after %s: %s%s", r.status, r.took, r.out, r.err)
	}
	return r
}

// complains requires a failure that says all that a user needs: exit code, code,
// message and hint, and no result beside it.
func (r result) complains(t testing.TB, status int, code string, parts ...string) {
	t.Helper()
	var c complaint
	if err := json.Unmarshal([]byte(r.err), &c); err != nil {
		t.Errorf("exit %d, stderr is no JSON: %s\n%q %q", r.status, err, r.out, r.err)
		return
	}
	if r.status != status || c.Error.Code != code || c.Error.Message == "" || c.Error.Hint == "" || r.out != "" {
		t.Errorf("want exit %d, %s, a message and a hint; got exit %d: %s%s", status, code, r.status, r.out, r.err)
	}
	for _, part := range parts {
		if !strings.Contains(c.Error.Message+"\n"+c.Error.Hint, part) {
			t.Errorf("it does not say %q: %s", part, r.err)
		}
	}
}

// unavailable requires exit code 6.
func (r result) unavailable(t testing.TB, parts ...string) {
	t.Helper()
	r.complains(t, 6, "unavailable", parts...)
}

// okOrUnavailable requires success, or exit code 6 with a hint: what a fault that may
// come at any moment leaves. It returns whether it was success.
func (r result) okOrUnavailable(t testing.TB) bool {
	t.Helper()
	if r.status != 0 {
		r.unavailable(t)
	}
	return r.status == 0
}

// said returns what a result in JSON says under "status".
func (r result) said(t testing.TB) string {
	t.Helper()
	var v struct{ Status string }
	if err := json.Unmarshal([]byte(r.ok(t).out), &v); err != nil {
		t.Fatalf("%s: %q", err, r.out)
	}
	return v.Status
}

// record is the command that records one event of one user.
func record(url, user, id string) command {
	return program(url, "usage", "record", "--user", user, "--provider", "gemini", "--model", "gemini-2.5-flash",
		"--input-tokens", "1000", "--output-tokens", "100", "--id", id)
}

// waitFor waits until something holds, which must not take forever.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(hang); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
