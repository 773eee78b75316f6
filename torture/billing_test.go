package torture_test

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// TestBilling lives through two years, or some months of them, of subscriptions of every
// kind: changed, cancelled, renewed, suspended, with late calls, calls taken back and corrected, prices set late and
// fixed, bills paid and taken back. The months are closed late or not at all, by one process or two,
// and many are killed with -9 and run again. Each bill is compared with an independent
// calculation, line by line, and in the end what others get: exports, statements, reports, archives.
func TestBilling(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fresh func(testing.TB) *arena) {
		customers, months := 16, 3
		switch n := rounds(t); {
		case n >= 1000:
			customers, months = 1000, 24
		case n >= 300:
			customers, months = 80, 24
		}
		w := newWorld(t, fresh(t), dice(seed(t), 0), customers)
		k := &killer{dice: w.dice}
		end := w.now.AddDate(0, months, 0)
		for step := 0; w.now.Before(end); step++ {
			from := w.now
			w.now = w.now.Add(time.Duration(w.dice.Int64N(int64(16 * 24 * time.Hour)))).Truncate(time.Microsecond)
			w.live(t, from, step)
			if w.dice.IntN(5) == 0 {
				continue // nobody closes
			}
			w.closeAll(t, k)
			w.check(t)
			if t.Failed() {
				return
			}
			w.pay(t)
		}
		w.closeAll(t, k)
		w.check(t)
		w.checkLog(t)
		w.checkPapers(t)
		w.checkArchive(t)
		w.intact(t)
		k.report(t, "closing")
		t.Logf("%d customers, %d months, %d bills and credit notes: %v", customers, months, len(w.papers), w.did)
	})
}

// live has things happen between two moments, some of them at the very end of a period.
func (w *world) live(t testing.TB, from time.Time, step int) {
	type deed struct {
		at time.Time
		c  *customer
		n  int // its kind: 0 at any time, 3 just before the end of a period, others at the end
	}
	var deeds []deed
	for range 1 + len(w.customers)/5 {
		d := deed{c: w.customers[w.dice.IntN(len(w.customers))]}
		d.at = from.Add(time.Duration(1 + w.dice.Int64N(int64(w.now.Sub(from))))).Truncate(time.Microsecond)
		if end := d.c.month(from).end; end.Before(w.now) && w.dice.IntN(4) == 0 {
			d.at, d.n = end, 1+w.dice.IntN(2)
		} else if last := end.Add(-10 * time.Minute); last.After(from) && last.Before(w.now) && w.dice.IntN(4) == 0 {
			d.at, d.n = last, 3
		}
		deeds = append(deeds, d)
	}
	slices.SortFunc(deeds, func(a, b deed) int { return a.at.Compare(b.at) })
	change := w.dice.IntN(4 * len(deeds)) // plans change now and then
	for i, d := range deeds {
		if i == change {
			w.reprice(t, d.at)
		}
		if d.n == 2 && d.c.known {
			w.must(t, d.at, "billing", "close", "--user="+d.c.id)
			w.note(d.c, d.at)
		}
		w.act(t, d.c, d.at)
		if w.dice.IntN(3) == 0 {
			w.amend(t, d.at)
		}
		if d.n == 3 {
			w.hop(t, d.c, d.at)
		}
	}
	w.use(t, 3*len(w.customers))
	for range len(w.customers) / 4 {
		w.amend(t, w.now)
	}
	if step%5 == 4 {
		w.setPrices(t)
	}
}

// note has the calculation close a customer's periods.
func (w *world) note(c *customer, now time.Time) {
	w.close(c, now)
	w.dun(c, now)
}

// closeAll closes everyone's periods, now and then by two processes, and kills some.
func (w *world) closeAll(t testing.TB, k *killer) {
	ways := w.dice.IntN(4)
	for range ways {
		w.killClose(t, k)
	}
	if ways == 0 {
		w.closeTwice(t)
	} else {
		w.took = w.must(t, w.now, "billing", "close").took
		k.worst = max(k.worst, w.took)
	}
	for _, c := range w.customers {
		w.note(c, w.now)
	}
}

// killClose kills a closing at a random moment.
func (w *world) killClose(t testing.TB, k *killer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	c, r := w.command(ctx, w.now, "billing", "close")
	before := w.billCount(t)
	k.rounds++
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(w.took/4 + time.Duration(k.dice.Int64N(int64(w.took+time.Millisecond))))
	if err := c.Process.Kill(); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if r.status = c.ProcessState.ExitCode(); r.status == -1 {
		k.hits++
		if w.billCount(t) > before {
			k.committed++
		}
	} else {
		w.took /= 2 // it was quicker than the kill
	}
	k.retries++
}

func (w *world) billCount(t testing.TB) (n int64) {
	t.Helper()
	if err := w.SQL.QueryRow("SELECT COUNT(*) FROM billing_history").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// closeTwice has two processes close at once.
func (w *world) closeTwice(t testing.TB) {
	done := make(chan result)
	for range 2 {
		go func() { done <- w.run(t, w.now, "billing", "close") }()
	}
	for range 2 {
		if r := <-done; r.status != 0 {
			t.Errorf("one of two closings at once: exit %d: %s%s", r.status, r.out, r.complaint())
		}
	}
	w.did["two at once"]++
}
