package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Sender delivers what waits in an outbox. Several may do so at once.
type Sender struct {
	Store     Store
	Settings  *Settings
	Templates *Templates
	// Clock tells the time: it must go on while the sender works, since claims run out.
	Clock func() time.Time
	Log   *slog.Logger
}

// Tally is what a run did. Digests count by the messages in them.
type Tally struct {
	Sent        int
	Again       int // could not be delivered and will be tried again
	Dead        int // will not be tried again by itself
	Unconfirmed int // were being sent when their sender was stopped
	Problems    []Problem
	Unreachable []string // servers that take nothing now, and why
}

// Problem is a delivery that failed.
type Problem struct {
	Delivery  int64
	Channel   Channel
	Recipient string
	Status    Status
	Reason    string
}

const (
	expandChunk  = 500
	claimChunk   = 20
	mostProblems = 10 // that are told one by one
	// troubles is after how many attempts in a row without success a server is left in
	// peace until the next run.
	troubles = 3
	// leaseBeyond is how much longer a claim holds than the slowest server may take.
	leaseBeyond = 5 * time.Minute
)

// Send delivers what is due, at most so many mails and posts; 0 is no limit. The tally tells
// what it did, also beside an error.
func (s *Sender) Send(ctx context.Context, limit int) (Tally, error) {
	run := &run{Sender: s, by: rand.Text(), limit: limit}
	if err := run.prepare(ctx); err != nil {
		return run.tally, err
	}
	lanes, err := run.lanes()
	if err != nil {
		return run.tally, err
	}
	errs := make([]error, len(lanes))
	var work sync.WaitGroup
	for i, l := range lanes {
		work.Go(func() { errs[i] = run.drive(ctx, l) })
	}
	work.Wait()
	// What was claimed and not begun is for whoever comes next.
	errs = append(errs, s.Store.Release(context.WithoutCancel(ctx), run.by), ctx.Err())
	return run.tally, cmp.Or(errs...)
}

// run is one run of a sender.
type run struct {
	*Sender
	by      string // its name, by which it knows its claims
	limit   int    // of what is sent; 0: none
	mutex   sync.Mutex
	claimed int // under the mutex, as is the tally
	tally   Tally
}

// lane is the way to one server. Each has its own, so that one that hangs holds up
// nobody else.
type lane struct {
	channel   Channel
	recipient string // of the claims; "" for all of the channel
	carrier   carrier
	people    bool // whom quiet hours spare
	name      string
}

// prepare makes the deliveries of new messages, and tidies up after senders that were
// killed.
func (r *run) prepare(ctx context.Context) error {
	now := r.Clock()
	lost, err := r.Store.Expire(ctx, now)
	if err != nil {
		return err
	}
	r.tally.Unconfirmed = lost
	if err := r.expand(ctx, now); err != nil || r.Settings.Mail.Host == "" {
		return err
	}
	if err := r.Store.LetMailGo(ctx); err != nil || !r.Settings.Digest {
		return err
	}
	return r.Store.Group(ctx, now)
}

func (r *run) expand(ctx context.Context, now time.Time) error {
	for {
		n, err := r.Store.Expand(ctx, now, expandChunk, r.Settings.deliveries)
		if err != nil || n < expandChunk {
			return err
		}
	}
}

func (r *run) lanes() ([]lane, error) {
	var lanes []lane
	s := r.Settings
	if s.Mail.Host != "" {
		roots, err := s.Mail.rootsOf()
		if err != nil {
			return nil, err
		}
		lanes = append(lanes, lane{Email, "", &mailCarrier{settings: s, templates: r.Templates, roots: roots}, true, "the mail server " + s.Mail.address()})
	}
	for _, e := range s.Webhooks {
		lanes = append(lanes, lane{Webhook, e.Name(), newEndpointCarrier(s, r.Templates, e, false), false, "the webhook " + e.Name()})
	}
	for _, e := range s.Slack {
		lanes = append(lanes, lane{Slack, e.Name(), newEndpointCarrier(s, r.Templates, e, true), true, "Slack"})
	}
	return lanes, nil
}

// errLaneEnds ends a lane before all of its parcels are done.
var errLaneEnds = errors.New("this server is left in peace")

// drive delivers all that is due on a lane.
func (r *run) drive(ctx context.Context, l lane) error {
	defer l.carrier.close()
	trouble := 0
	for ctx.Err() == nil {
		parcels, err := r.claim(ctx, l)
		if err != nil || len(parcels) == 0 {
			return err
		}
		for _, p := range parcels {
			if ctx.Err() != nil {
				break
			}
			if err := r.deliver(ctx, l, p, &trouble); err != nil {
				if errors.Is(err, errLaneEnds) {
					err = nil
				}
				return err
			}
		}
	}
	return nil
}

// claim claims a few parcels, as many as the limit still allows.
func (r *run) claim(ctx context.Context, l lane) ([]Parcel, error) {
	n := r.allowed(claimChunk)
	if n == 0 {
		return nil, nil
	}
	now := r.Clock()
	parcels, err := r.Store.Claim(ctx, Claim{By: r.by, Now: now, Until: now.Add(r.lease()), Channel: l.channel, Recipient: l.recipient,
		UrgentOnly: l.people && r.Settings.Quiet.Holds(now, r.Settings.Zone), Limit: n})
	r.giveBack(n - len(parcels))
	return parcels, err
}

// allowed takes up to n from what the limit leaves, and returns how much that was.
func (r *run) allowed(n int) int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.limit > 0 {
		n = min(n, r.limit-r.claimed)
	}
	r.claimed += n
	return n
}

func (r *run) giveBack(n int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.claimed -= n
}

// lease is how long a claim holds: longer than any server may take to answer.
func (r *run) lease() time.Duration {
	return leaseBeyond + 2*dotPatience*max(r.Settings.Mail.Timeout, r.Settings.Timeout)
}

// deliver hands one parcel over and writes down what became of it.
func (r *run) deliver(ctx context.Context, l lane, p Parcel, trouble *int) error {
	begun := false
	v := l.carrier.carry(ctx, p, r.Clock(), func() (err error) {
		now := r.Clock()
		begun, err = r.Store.Begin(ctx, r.by, p.ID(), now, now.Add(r.lease()))
		if err == nil && !begun {
			err = errClaimLost
		}
		return err
	})
	v.reason = r.Settings.Redact(v.reason)
	r.Log.Debug("delivery", "id", p.ID(), "channel", string(l.channel), "reason", v.reason)
	switch {
	case v.err != nil:
		return v.err
	case v.kind == abandoned:
		return nil
	case v.kind == down && !begun:
		r.unreachable(l, v.reason)
		return errLaneEnds
	}
	ends := v.kind == down
	if ends { // but it has the mail by now, and says that it did not take it: an attempt
		v.kind = again
	}
	if err := r.settle(ctx, p, v); err != nil {
		return err
	}
	if *trouble++; !v.trouble {
		*trouble = 0
	}
	if ends || *trouble == troubles {
		r.unreachable(l, v.reason)
		return errLaneEnds
	}
	return nil
}

// settle writes down what became of a parcel, also when the run is interrupted: what
// was sent must be known.
func (r *run) settle(ctx context.Context, p Parcel, v verdict) error {
	now := r.Clock()
	result := Result{Status: Sent, At: now}
	attempts := p.Head().Attempts + 1
	switch {
	case v.kind == refused:
		result = Result{Status: Dead, At: now, Error: v.reason}
	case v.kind == again && attempts >= maxAttempts:
		result = Result{Status: Dead, At: now, Error: v.reason + "; given up after so many attempts"}
	case v.kind == again:
		result = Result{Status: Waiting, At: now, Error: v.reason, NextAttempt: now.Add(pauseAfter(attempts, v.wait, mathrand.Int64N)).Truncate(time.Microsecond)}
	}
	r.count(p, result)
	return r.Store.Settle(context.WithoutCancel(ctx), r.by, p.ID(), result)
}

func (r *run) count(p Parcel, result Result) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	n := len(p.Deliveries)
	switch result.Status {
	case Sent:
		r.tally.Sent += n
		return
	case Dead:
		r.tally.Dead += n
	default:
		r.tally.Again += n
	}
	if len(r.tally.Problems) < mostProblems {
		r.tally.Problems = append(r.tally.Problems, Problem{p.ID(), p.Head().Channel, p.Head().Recipient, result.Status, result.Error})
	}
}

func (r *run) unreachable(l lane, reason string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.tally.Unreachable = append(r.tally.Unreachable, l.name+": "+reason)
}

// Failure returns how a run that came to its end failed, nil where all is well. A
// server that takes nothing comes first: it keeps everything else from going out.
func (t *Tally) Failure() error {
	switch {
	case len(t.Unreachable) > 0:
		return failure.Unavailablef("%s", strings.Join(t.Unreachable, "; ")).WithReason("not_delivered").
			WithHint("nothing is lost, the next run tries again; look closer with: alwrity-sub alerts test")
	case t.Dead+t.Unconfirmed > 0:
		return failure.New(failure.FailedCheck, "%s: they are not tried again by themselves", t.undelivered()).
			WithHint("see them with: alwrity-sub alerts outbox list; then: alwrity-sub alerts outbox retry ID, or drop ID")
	}
	return nil
}

// undelivered says how many did not arrive, or may not have.
func (t *Tally) undelivered() string {
	var parts []string
	if t.Dead > 0 {
		parts = append(parts, counted(strconv.Itoa(t.Dead), "message")+" could not be delivered")
	}
	if t.Unconfirmed > 0 {
		parts = append(parts, counted(strconv.Itoa(t.Unconfirmed), "message")+" may or may not have been delivered")
	}
	return strings.Join(parts, ", ")
}
