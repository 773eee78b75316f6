package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Summary is what a run did. The messages of a digest are counted one by one.
type Summary struct {
	Sent        int
	Retrying    int   // could not be delivered and will be tried again
	Dead        int   // will not be tried again unless somebody asks for it
	Skipped     int   // about a time that is over, and never to be sent
	Unconfirmed int   // were being sent when their sender was stopped
	Waiting     int64 // in all, after the run
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
	expandChunk = 500
	claimChunk  = 20
	maxProblems = 10 // that a summary lists
	// maxServerFaults is after how many failures in a row a server is left alone until the next run.
	maxServerFaults = 3
	// claimMargin is how much longer a claim lasts than the slowest server may take.
	claimMargin = 5 * time.Minute
)

// Send delivers what is due, at most limit mails and posts; 0 is no limit. Several may run at the same time. clock
// must go on while it runs, since claims expire. The summary tells what was done, also beside an error.
func (s *Service) Send(ctx context.Context, t *Templates, limit int, clock func() time.Time) (Summary, error) {
	run := &run{Service: s, templates: t, clock: clock, claimant: rand.Text(), limit: limit}
	if err := run.send(ctx); err != nil {
		return run.summary, err
	}
	state, err := s.Store.OutboxState(ctx, clock())
	run.summary.Waiting = state.Unexpanded + state.Deliveries[Waiting] + state.Deliveries[Sending]
	return run.summary, err
}

// run is one run of Send.
type run struct {
	*Service
	templates *Templates
	clock     func() time.Time
	claimant  string // the name of this run, which its claims carry
	limit     int    // of mails and posts; 0: none
	mutex     sync.Mutex
	claimed   int     // guarded by mutex
	summary   Summary // guarded by mutex
}

func (r *run) send(ctx context.Context) error {
	if err := r.createDeliveries(ctx); err != nil {
		return err
	}
	workers, err := r.workers()
	if err != nil {
		return err
	}
	errs := make([]error, len(workers))
	var running sync.WaitGroup
	for i, w := range workers {
		running.Go(func() { errs[i] = r.deliverAll(ctx, w) })
	}
	running.Wait()
	// What was claimed and not begun is for the next run.
	errs = append(errs, r.Store.ReleaseClaims(context.WithoutCancel(ctx), r.claimant), ctx.Err())
	return cmp.Or(errs...)
}

// createDeliveries makes the deliveries of new messages, and cleans up after runs that were killed.
func (r *run) createDeliveries(ctx context.Context) error {
	now := r.clock()
	lost, err := r.Store.ExpireClaims(ctx, now)
	if err != nil {
		return err
	}
	r.summary.Unconfirmed = lost
	for n := expandChunk; n >= expandChunk; {
		if n, err = r.Store.Expand(ctx, now, expandChunk, r.Settings.deliveries); err != nil {
			return err
		}
	}
	if err := r.skipOver(ctx); err != nil || r.Settings.Mail.Host == "" {
		return err
	}
	if err := r.Store.ReleaseHeldMail(ctx); err != nil || !r.Settings.Digest {
		return err
	}
	return r.Store.GroupDigests(ctx, now)
}

// worker delivers to one server. Each server has its own, so that one that hangs delays no other.
type worker struct {
	channel       Channel
	recipient     string // whose deliveries it claims; "" for everything on the channel
	transport     transport
	hasQuietHours bool   // people read there
	server        string // for messages
}

func (r *run) workers() ([]worker, error) {
	var workers []worker
	s := r.Settings
	if s.Mail.Host != "" {
		roots, err := s.Mail.loadRoots()
		if err != nil {
			return nil, err
		}
		workers = append(workers, worker{channel: Email, hasQuietHours: true, server: "the mail server " + s.Mail.address(),
			transport: &mailTransport{settings: s, templates: r.templates, roots: roots}})
	}
	for _, e := range s.Webhooks {
		workers = append(workers, worker{channel: Webhook, recipient: e.Name(), server: "the webhook " + e.Name(),
			transport: newWebhookTransport(s, r.templates, e, false)})
	}
	for _, e := range s.Slack {
		workers = append(workers, worker{channel: Slack, recipient: e.Name(), server: "Slack", hasQuietHours: true,
			transport: newWebhookTransport(s, r.templates, e, true)})
	}
	return workers, nil
}

// errServerUnavailable stops a worker before all of its batches are delivered.
var errServerUnavailable = errors.New("the server takes nothing now")

// deliverAll delivers all that is due at one server.
func (r *run) deliverAll(ctx context.Context, w worker) error {
	defer w.transport.close()
	faults := 0
	for ctx.Err() == nil {
		batches, err := r.claim(ctx, w)
		if err != nil || len(batches) == 0 {
			return err
		}
		for _, b := range batches {
			if ctx.Err() != nil {
				break
			}
			if err := r.deliver(ctx, w, b, &faults); errors.Is(err, errServerUnavailable) {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// claim claims a few batches, as many as the limit still allows.
func (r *run) claim(ctx context.Context, w worker) ([]Batch, error) {
	n := r.takeFromLimit(claimChunk)
	if n == 0 {
		return nil, nil
	}
	now := r.clock()
	batches, err := r.Store.Claim(ctx, Claim{
		By: r.claimant, Now: now, Until: now.Add(r.claimDuration()), Channel: w.channel, Recipient: w.recipient,
		UrgentOnly: w.hasQuietHours && r.Settings.Quiet.Contains(now, r.Settings.Zone), Limit: n,
	})
	r.returnToLimit(n - len(batches))
	return batches, err
}

// takeFromLimit takes up to n from what is left of the limit, and returns how many it took.
func (r *run) takeFromLimit(n int) int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.limit > 0 {
		n = min(n, r.limit-r.claimed)
	}
	r.claimed += n
	return n
}

func (r *run) returnToLimit(n int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.claimed -= n
}

// claimDuration is how long a claim lasts: longer than any server may take to answer.
func (r *run) claimDuration() time.Duration {
	return claimMargin + 2*contentTimeoutFactor*max(r.Settings.Mail.Timeout, r.Settings.Timeout)
}

// deliver hands over one batch and stores what became of it. faults counts the server's failures in a row.
func (r *run) deliver(ctx context.Context, w worker, b Batch, faults *int) error {
	begun := false
	o := w.transport.send(ctx, b, r.clock(), func() (err error) {
		now := r.clock()
		begun, err = r.Store.Begin(ctx, r.claimant, b.ID(), now, now.Add(r.claimDuration()))
		if err == nil && !begun {
			err = errClaimLost
		}
		return err
	})
	o.reason = r.Settings.Redact(o.reason)
	r.Log.Debug("delivery", "id", b.ID(), "channel", string(w.channel), "reason", o.reason)
	switch {
	case o.err != nil:
		return o.err
	case o.kind == aborted:
		return nil
	case o.kind == unavailable && !begun:
		r.noteUnreachable(w, o.reason)
		return errServerUnavailable
	}
	serverDown := o.kind == unavailable
	if serverDown { // but it had the mail, and said that it did not take it: an attempt
		o.kind = retryLater
	}
	if err := r.settle(ctx, b, o); err != nil {
		return err
	}
	if *faults++; !o.serverFault {
		*faults = 0
	}
	if serverDown || *faults == maxServerFaults {
		r.noteUnreachable(w, o.reason)
		return errServerUnavailable
	}
	return nil
}

// settle stores what became of a batch, also if the run is interrupted: what was sent must be known.
func (r *run) settle(ctx context.Context, b Batch, o outcome) error {
	now := r.clock()
	result := Result{Status: Sent, At: now}
	attempts := b.First().Attempts + 1
	switch {
	case o.kind == rejected:
		result = Result{Status: Dead, At: now, Error: o.reason}
	case o.kind == retryLater && attempts >= maxAttempts:
		result = Result{Status: Dead, At: now, Error: o.reason + "; given up after so many attempts"}
	case o.kind == retryLater:
		pause := pauseAfter(attempts, o.retryAfter, mathrand.Int64N)
		result = Result{Status: Waiting, At: now, Error: o.reason, NextAttempt: now.Add(pause).Truncate(time.Microsecond)}
	}
	r.count(b, result)
	return r.Store.Settle(context.WithoutCancel(ctx), r.claimant, b.ID(), result)
}

func (r *run) count(b Batch, result Result) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	n := len(b.Deliveries)
	switch result.Status {
	case Sent:
		r.summary.Sent += n
		return
	case Dead:
		r.summary.Dead += n
	default:
		r.summary.Retrying += n
	}
	if first := b.First(); len(r.summary.Problems) < maxProblems {
		r.summary.Problems = append(r.summary.Problems, Problem{Delivery: first.ID, Channel: first.Channel,
			Recipient: first.Recipient, Status: result.Status, Reason: result.Error})
	}
}

func (r *run) noteUnreachable(w worker, reason string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.summary.Unreachable = append(r.summary.Unreachable, w.server+": "+reason)
}

// Failure returns how a completed run failed: unavailable where a server takes nothing, which keeps everything else
// from going out, failed_check where messages did not arrive, else nil.
func (s *Summary) Failure() error {
	switch {
	case len(s.Unreachable) > 0:
		return failure.Unavailablef("%s", strings.Join(s.Unreachable, "; ")).WithReason("not_delivered")
	case s.Dead+s.Unconfirmed > 0:
		return failure.New(failure.FailedCheck, "%s: they are not tried again by themselves", s.undelivered()).
			WithReason("delivery_failed")
	}
	return nil
}

// undelivered says how many did not arrive, or may not have.
func (s *Summary) undelivered() string {
	var parts []string
	if s.Dead > 0 {
		parts = append(parts, countNoun(strconv.Itoa(s.Dead), "message")+" could not be delivered")
	}
	if s.Unconfirmed > 0 {
		parts = append(parts, countNoun(strconv.Itoa(s.Unconfirmed), "message")+" may or may not have been delivered")
	}
	return strings.Join(parts, ", ")
}

// A delivery that fails for now is retried for about two days.
const (
	maxAttempts   = 12
	firstPause    = 2 * time.Minute
	maxPause      = 12 * time.Hour
	maxRetryAfter = 24 * time.Hour // the longest wait that the other side may ask for
)

// pauseAfter returns how long to wait after so many attempts: twice as long each time, give or take a random
// quarter, so that not every sender comes back at once. random returns a number in [0, n).
func pauseAfter(attempts int, retryAfter time.Duration, random func(n int64) int64) time.Duration {
	pause := firstPause
	for i := 1; i < attempts && pause < maxPause; i++ {
		pause = min(2*pause, maxPause)
	}
	pause += time.Duration(random(int64(pause)/2)) - pause/4
	return max(pause, min(retryAfter, maxRetryAfter))
}
