package volatile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// Limiter bounds how fast calls follow each other. It implements usage.Limiter.
type Limiter struct{ Store *Store }

// Take takes requests and tokens from all of some rates, or from none where one of them has not as much left. Then it
// returns that one, and how long to wait; 0: it never has as much.
func (l *Limiter) Take(
	ctx context.Context, now time.Time, of []plan.RatesOf, requests, tokens int64,
) (refused plan.Rate, wait time.Duration) {
	meters, rates := metersOf(of, requests, tokens)
	if len(meters) == 0 {
		return plan.Rate{}, 0
	}
	for i, m := range meters {
		if m.Amount > m.Max {
			return rates[i], 0
		}
	}
	for i, t := range l.Store.take(ctx, now, true, meters) {
		if t.Wait > wait {
			refused, wait = rates[i], t.Wait
		}
	}
	return refused, wait
}

// Correct takes so many tokens more, whatever there is, or gives them back where it is negative.
func (l *Limiter) Correct(ctx context.Context, now time.Time, of []plan.RatesOf, tokens int64) {
	if meters, _ := metersOf(of, 0, tokens); len(meters) > 0 {
		l.Store.take(ctx, now, false, meters)
	}
}

// metersOf returns what is taken from the rates that have a bound.
func metersOf(of []plan.RatesOf, requests, tokens int64) (meters []Meter, rates []plan.Rate) {
	for _, each := range of {
		for i, amount := range []int64{requests, tokens} {
			if rate := each.List()[i]; rate.Max > 0 && amount != 0 {
				meters = append(meters, Meter{Key: KeyOf("rate", each.Who, rate.Name), Max: rate.Max, Amount: amount})
				rate.Who = each.Who
				rates = append(rates, rate)
			}
		}
	}
	return meters, rates
}

// KeyOf returns the key of something about somebody, whose name is nobody else's business.
func KeyOf(what, who, which string) string {
	sum := sha256.Sum256([]byte(who))
	return "alwrity:" + what + ":" + hex.EncodeToString(sum[:16]) + ":" + which
}

// Tries counts the bad tries to sign in that come from addresses. It implements access.Tries.
type Tries struct {
	Store *Store
	Most  int // in a minute
}

// Bad counts n bad tries from an address, which may be 0. It returns how many there are, of which one is forgotten
// after each Most-th of a minute, and when the next one is.
func (t Tries) Bad(ctx context.Context, address string, n int, now time.Time) (count int, until time.Time) {
	meter := Meter{Key: KeyOf("tries", address, "bad"), Max: int64(t.Most), Amount: int64(n)}
	mark := t.Store.take(ctx, now, false, []Meter{meter})[0].Mark
	used, wait := mark.used(now.UnixMicro())
	return int(used), now.Add(wait)
}
