package usage

import (
	"context"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// The statuses of an event of a list that is not recorded. Outcome.Err says why.
const (
	Conflicting Status = "conflict"    // its id is that of an event with other content
	Rejected    Status = "rejected"    // it can't be recorded, however often it is tried
	Refused     Status = "denied"      // a limit, the subscription or what the caller may do refuses it
	Unrecorded  Status = "unavailable" // the storage has failed: it may be tried again
)

// Submission is an event of a list, or why there is none.
type Submission struct {
	Event Event
	Err   error
}

// singlesAtOnce is how many events of a list are handed in together.
const singlesAtOnce = 1_000

// RecordAll records the events of a list, each as Record does, and returns what became of each, in their order. One
// that is bad stops no other. They share transactions, with those of other callers too, and it is no transaction for
// the whole list: reported again, what is recorded already is a duplicate. Of several with one id the first counts.
// They settle no reservation.
func (s *Service) RecordAll(ctx context.Context, now time.Time, reports []Submission, opts RecordOptions) []Outcome {
	given := order{now: now, opts: opts, records: true, decide: (*batch).record, single: true}
	made := given
	made.newID = true
	paces := newKnownPaces()
	requests, giveBack := make([]request, len(reports)), make([]func(), len(reports))
	for i := range reports {
		report, r := &reports[i], &requests[i]
		if r.order = &given; report.Event.ID == "" {
			r.order = &made
		}
		if r.err = report.Err; r.err == nil {
			report.Event, r.err = report.Event.complete()
		}
		r.event = &report.Event
		if r.err == nil && opts.asksLimits() {
			if giveBack[i], r.decision, r.err = s.takeRates(ctx, now, r.event, true, paces); r.decision != nil {
				r.err = r.decision.Denied()
			}
		}
	}
	var ops []*operation
	for recorder, share := range s.recorders().shares(requests) {
		for some := range slices.Chunk(share, singlesAtOnce) {
			ops = append(ops, s.submit(ctx, s.recorders().all[recorder], some))
		}
	}
	for _, op := range ops {
		op.wait()
	}
	outcomes := make([]Outcome, len(reports))
	for i := range requests {
		outcomes[i] = requests[i].outcome()
		if giveBack[i] != nil && outcomes[i].Status != Recorded {
			giveBack[i]()
		}
		if o := &outcomes[i]; o.Err != nil {
			o.Status, o.Entry.Event = statusOf(o.Err), reports[i].Event
		}
	}
	return outcomes
}

// shares returns the good requests for each recorder. Those with one id come to the same one, so that the first counts.
func (r *recorders) shares(requests []request) [][]*request {
	shares := make([][]*request, len(r.all))
	takers := make(map[string]int, len(requests))
	for i := range requests {
		one := &requests[i]
		if one.err != nil {
			continue
		}
		taker, known := takers[one.event.ID]
		if !known {
			taker = r.share(one.event.UserID)
			takers[one.event.ID] = taker
		}
		shares[taker] = append(shares[taker], one)
	}
	return shares
}

func statusOf(err error) Status {
	switch {
	case !isRefusal(err):
		return Unrecorded
	case failure.Is(err, failure.Conflict):
		return Conflicting
	case failure.Is(err, failure.Denied):
		return Refused
	}
	return Rejected
}
