package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/usage"
)

// jobFor is how long the reservation of a job holds: by then somebody has asked what became of it, or it is settled by
// what was reserved.
const jobFor = 20 * time.Hour

// jobID is the id of a job at an upstream. Some vendors put the way to a job before its name.
func jobID(up *Upstream, id string) string {
	return up.Name + "/" + id[strings.LastIndexByte(id, '/')+1:]
}

// keepJob keeps a job, whose call is settled when somebody asks what became of it. Where it can't be kept, the call is
// settled by what it may use at most.
func (j *journey) keepJob(used wire.Used) bool {
	ask, err := json.Marshal(j.ask)
	if err != nil || j.Store == nil {
		return false
	}
	atMost := end{outcome: OK, status: http.StatusOK, used: used}
	atMost.used.Quantities, atMost.used.Reported = j.ask.Quantities, false
	atMost.message = "nobody has asked what became of this job: it is recorded by what was reserved"
	ctx, stop := contextFor(settleWithin)
	defer stop()
	err = j.Store.AddJob(ctx, usage.Job{ID: jobID(j.route.Upstream, used.JobID), Reservation: j.id, UserID: j.User,
		Event: j.events(&atMost)[0], Ask: string(ask), CreatedAt: j.Clock()})
	if err != nil {
		j.Log.Warn("a job can't be kept: its call is settled by what was reserved", "event", j.id, "error", err)
	}
	return err == nil
}

// poll asks what became of a job. That uses nothing; what it tells settles the call that has begun the job.
func (c *call) poll() error {
	if c.Store == nil {
		return c.forward() // the call that has begun the job is settled
	}
	id := jobID(c.route.Upstream, c.route.Model)
	job, found, err := c.Store.Job(c.r.Context(), id, "")
	if err != nil {
		return failure.Unavailablef("what is known of the job can't be read").WithReason(ReasonLimitsUnreadable).Because(err)
	}
	if !found || job.UserID != c.User {
		return failure.NotFoundf("there is no job %q of %s", failure.Shorten(c.route.Model), c.User).
			WithReason(ReasonUnknownJob)
	}
	if err := json.Unmarshal([]byte(job.Ask), &c.ask); err != nil {
		return failure.New(failure.Internal, "the job %s can't be read: %s", id, err).Because(err)
	}
	c.ask.Stream = false
	c.job, c.id, c.provider, c.model = &job, job.Reservation, job.Event.Provider, job.Event.Model
	return c.forward()
}

// settlePoll settles the call of a job by what a poll has told, once that is an end.
func (c *call) settlePoll(e *end) {
	if c.job.EndedAt.IsZero() && (e.used.JobState == wire.JobDone || e.used.JobState == wire.JobFailed) {
		event := c.job.Event
		event.Quantities, event.Reported, event.ErrorMessage = e.used.Quantities, e.used.Cost, ""
		if event.Measured = usage.UseReported; !e.used.Reported {
			event.Measured = usage.UseEstimated
		}
		event.ResponseTimeMS = c.since(event.Time).Milliseconds()
		if e.used.JobState == wire.JobFailed {
			event.StatusCode, event.ErrorMessage = http.StatusBadGateway, c.told(e.used.Failure)
			event.Quantities, event.Reported, event.Measured = onlyACall, noCost, usage.UseReported
		}
		c.running.Go(func() {
			c.post([]usage.Event{event}, true)
			ctx, stop := contextFor(settleWithin)
			defer stop()
			if err := c.Store.EndJob(ctx, c.job.ID, c.Clock()); err != nil {
				c.Log.Warn("a job that has ended can't be noted: its call is recorded", "job", c.job.ID, "error", err)
			}
		})
	}
}

const (
	mostSwept = 500 // reservations that are read at a time
	mostPages = 20  // in one go
)

// sweepAfter is how long a reservation must have expired: a server that still writes what it knows comes first.
const sweepAfter = 5 * time.Minute

// Sweep settles the calls of processes that were killed: nobody knows what became of them, so they are charged nothing.
// Jobs that nobody has asked for are settled by what was reserved.
func (g *Gateway) Sweep() (swept int, err error) {
	for range mostPages {
		ctx, stop := contextFor(time.Minute)
		held, err := g.Store.Unsettled(ctx, g.Clock().Add(-sweepAfter), mostSwept)
		stop()
		if err != nil || len(held) == 0 {
			return swept, err
		}
		for i := range held {
			if err := g.sweep(&held[i]); err != nil {
				return swept, err
			}
			swept++
		}
		if len(held) < mostSwept {
			break
		}
	}
	return swept, nil
}

func (g *Gateway) sweep(r *usage.Reservation) error {
	ctx, stop := contextFor(time.Minute)
	defer stop()
	job, isJob, err := g.Store.Job(ctx, "", r.ID)
	if err != nil {
		return err
	}
	event := job.Event
	if !isJob {
		event = usage.Event{ID: r.ID, UserID: r.UserID, Provider: r.Provider, Model: r.Model, Vendor: r.Vendor,
			Time: r.CreatedAt, Quantities: onlyACall, StatusCode: http.StatusInternalServerError,
			ErrorMessage: unknownOutcome}
	}
	_, err = g.Usage.Record(ctx, g.Clock(), event, usage.RecordOptions{Reservation: r.ID, Unknown: !isJob})
	if err == nil && isJob {
		return g.Store.EndJob(ctx, job.ID, g.Clock())
	}
	if failure.OfStorage(err) || err == nil {
		return err
	}
	g.Log.Warn("a call with an unknown outcome can't be recorded: its reservation is released", "event", r.ID,
		"error", err)
	_, err = g.Usage.Release(ctx, g.Clock(), r.ID)
	if failure.Is(err, failure.Conflict) || failure.Is(err, failure.NotFound) {
		return nil // somebody else has settled it
	}
	return errors.Join(err)
}

// unknownOutcome is what is recorded of a call whose process was killed. What it has cost at most stands with its
// reservation: customers read the log, and not everyone is told costs.
const unknownOutcome = "outcome unknown: the process that carried the call was ended"
