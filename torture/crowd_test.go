package torture_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd writes by processes until it is stopped, and remembers what was acknowledged.
type crowd struct {
	mutex sync.Mutex
	done  []op // exit 0, in the order in which it came
	over  bool
	work  sync.WaitGroup
}

// crowded is how many processes write at once.
const crowded = 6

func startCrowd(t *testing.T, a *arena) *crowd {
	t.Helper()
	c := &crowd{}
	chosen, began := seed(t), time.Now()
	clock := func() time.Time { return begin().Add(10 * time.Since(began)).Truncate(time.Microsecond) }
	perform := a.process(t)
	for i := range crowded {
		f := &fighter{number: i, dice: dice(chosen, i), clock: clock}
		c.work.Go(func() {
			for n := 0; !c.isOver(); n++ {
				c.step(t, f, n, perform)
			}
		})
	}
	return c
}

// step has a fighter write something. Who would only look records without being asked for
// limits, since looking is no promise.
func (c *crowd) step(t *testing.T, f *fighter, n int, perform func(op) answer) {
	o := f.next(n)
	if o.verb == "check" || o.verb == "reconcile" {
		o.verb = "record"
	}
	got := perform(o)
	switch {
	case got.exit == 0:
		if o.verb == "reserve" {
			f.held = append(f.held, o)
		}
		c.mutex.Lock()
		c.done = append(c.done, o)
		c.mutex.Unlock()
	case got.exit != 4 || o.verb != "reserve" && o.verb != "enforce":
		t.Errorf("%v: exit %d: %s", o.args(), got.exit, got.complain)
	}
}

func (c *crowd) isOver() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.over
}

func (c *crowd) stop() {
	c.mutex.Lock()
	c.over = true
	c.mutex.Unlock()
	c.work.Wait()
}

func (c *crowd) acknowledged() []op {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Clone(c.done)
}

// waitForMore waits until everyone may have written something more.
func (c *crowd) waitForMore(t *testing.T) {
	t.Helper()
	enough := len(c.acknowledged()) + 2*crowded
	for end := time.Now().Add(bound); len(c.acknowledged()) < enough; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody writes any more")
		}
	}
}

// importedRows are the rows of a slow import.
const importedRows = 30_000

func importedID(n int) string { return fmt.Sprint("imported-", n) }

// slowImport is an import that gets its rows share by share.
type slowImport struct {
	command *exec.Cmd
	result  *result
	input   io.WriteCloser
	shares  chan string // that it has not got yet
	fed     sync.WaitGroup
}

func startSlowImport(t *testing.T, a *arena, shares int) *slowImport {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound*time.Duration(shares))
	t.Cleanup(cancel)
	s := &slowImport{shares: make(chan string, shares)}
	s.command, s.result = a.command(ctx, begin(), "usage", "import", "-")
	var err error
	if s.input, err = s.command.StdinPipe(); err == nil {
		err = s.command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	random := dice(seed(t), crowded)
	for n := range shares {
		s.shares <- importRows(random, n*importedRows/shares, (n+1)*importedRows/shares)
	}
	return s
}

// goOn gives it one more share.
func (s *slowImport) goOn() {
	share := <-s.shares
	s.fed.Go(func() { _, _ = io.WriteString(s.input, share) }) // if it is gone, its exit code says so
}

// end waits until it has recorded everything.
func (s *slowImport) end(t *testing.T) {
	t.Helper()
	s.fed.Wait()
	err := s.input.Close()
	if waited := s.command.Wait(); waited != nil {
		err = waited
	}
	if err != nil || !strings.Contains(s.result.out, fmt.Sprintf(`"recorded": %d`, importedRows)) {
		t.Fatalf("the import: %v\n%s%s", err, s.result.out, s.result.err)
	}
}

// importRows makes up rows of two months.
func importRows(random *rand.Rand, from, to int) string {
	models := []string{`"gemini","model":"gemini-2.5-flash"`, `"openai","model":"gpt-4o"`, `"video","model":"torture"`}
	var rows strings.Builder
	for n := from; n < to; n++ {
		at := begin().Add(-time.Duration(random.IntN(30*24*60*60)) * time.Second)
		fmt.Fprintf(&rows, `{"id":%q,"user_id":"user-%d","provider":%s,"time":%q,"input_tokens":%d,"status_code":%d}`+"\n",
			importedID(n), random.IntN(20), models[random.IntN(len(models))], at.Format(time.RFC3339), random.IntN(100),
			[]int{200, 200, 200, 500}[random.IntN(4)])
	}
	return rows.String()
}
