package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// end is how a call ended, and what is recorded of it.
type end struct {
	outcome  Outcome
	status   int
	billable bool // it is charged though it failed
	message  string
	used     wire.Used
	gone     Phase
}

// settleWithin is how long a caller waits for its call to be settled. It goes on after that.
const settleWithin = 5 * time.Second

// settle records what the call has used, in place of its reservation, and says in the answer's header what that costs.
func (c *call) settle(e *end) {
	if c.job != nil {
		c.settlePoll(e)
		return
	}
	if !c.counts {
		return
	}
	began := c.Clock()
	events := c.events(e)
	c.used = events[0].Quantities
	done := make(chan []usage.Outcome, 1)
	c.running.Go(func() { done <- c.post(events, c.reserved) })
	timer := time.NewTimer(settleWithin)
	defer timer.Stop()
	var posted []usage.Outcome
	select {
	case posted = <-done:
	case <-timer.C:
	}
	c.ended.Settle = c.since(began)
	c.ended.Outcome, c.ended.Gone, c.ended.Estimated = e.outcome, e.gone, events[0].Counts() && !e.used.Reported
	c.ended.Upstreamed = began.Sub(c.began) - c.ended.Read - c.ended.Reserve
	h := c.w.Header()
	h.Set("X-Alwrity-Event-Id", c.id)
	if len(posted) == len(events) {
		for _, o := range posted {
			c.ended.Cost += o.Entry.Cost // each fits, and there are a few
		}
		c.tell(h, e)
	}
	c.Watch.Ended(&c.ended)
}

// tell says in a header what a call has used and what that costs.
func (c *call) tell(h http.Header, e *end) {
	q := &e.used.Quantities
	if c.SeesCost {
		h.Set("X-Alwrity-Cost", c.ended.Cost.String())
	}
	h.Set("X-Alwrity-Tokens", fmt.Sprintf("in=%d,cached=%d,out=%d", q[pricing.InputTokens],
		q[pricing.CachedInputTokens], q[pricing.OutputTokens]))
	measured := "reported"
	if !e.used.Reported {
		measured = "estimated"
	}
	h.Set("X-Alwrity-Measured", measured)
	ours := c.ended.Read + c.ended.Reserve + c.ended.Settle
	h.Set("X-Alwrity-Overhead-Ms", strconv.FormatFloat(float64(ours.Microseconds())/1000, 'f', -1, 64))
}

// trail says behind a stream what stands before a whole answer.
func (c *call) trail() {
	h := c.w.Header()
	for _, name := range []string{"X-Alwrity-Cost", "X-Alwrity-Tokens", "X-Alwrity-Measured", "X-Alwrity-Overhead-Ms"} {
		if value := h.Get(name); value != "" {
			h.Set(http.TrailerPrefix+name, value)
		}
	}
}

// plainID is what a caller may call its request.
var plainID = regexp.MustCompile(`^[!-~]{1,200}$`) // read-only

// clientsID is what the caller calls its request, "" where it says nothing.
func clientsID(r *http.Request) string {
	id := cmp.Or(r.Header.Get("X-Client-Request-Id"), r.Header.Get("X-Request-Id"))
	if !plainID.MatchString(id) {
		return ""
	}
	return id
}

// told is what is recorded of a message of the vendor.
func (c *call) told(message string) string { return shortText(string(c.hidden([]byte(message)))) }

// hidden takes the upstream's keys out of what it says.
func (c *call) hidden(text []byte) []byte { return c.lines[c.route.Upstream].keys.hide(text) }

// What a call has used that is not charged.
var (
	onlyACall = pricing.Quantities{pricing.Requests: 1} // read-only
	noCost    pricing.ReportedCost                      // read-only
)

// longestEndpoint is how much of a path is recorded.
const longestEndpoint = 1_000

// events are what is recorded of a call: one event, and one for each thing that it used and that is priced as another
// model.
func (c *call) events(e *end) []usage.Event {
	first := usage.Event{
		ID: c.id, UserID: c.User, Provider: c.provider, Model: c.model, Vendor: c.route.Upstream.Vendor, Time: c.began,
		Quantities: e.used.Quantities, Endpoint: shortened(c.r.URL.Path, longestEndpoint), Method: c.r.Method,
		StatusCode: e.status, ResponseTimeMS: c.since(c.began).Milliseconds(), ErrorMessage: c.told(e.message),
		RetryCount: c.retries, Billable: e.billable, ServiceTier: e.used.ServiceTier, Reported: e.used.Cost,
		TokenID: c.TokenID, ClientRequestID: clientsID(c.r),
	}
	if !e.used.Reported {
		first.Measured = usage.UseEstimated
	}
	if c.route.Upstream.Free && !first.Reported.Given {
		first.Reported = pricing.ReportedCost{Given: true}
	}
	first.Quantities[pricing.Requests] = max(1, first.Quantities[pricing.Requests])
	if !first.Counts() {
		first.Quantities, first.Reported, first.Measured = onlyACall, noCost, usage.UseReported
	}
	events := []usage.Event{first}
	for i, extra := range e.used.Extra {
		if !first.Counts() {
			break
		}
		more := first
		more.ID, more.Model, more.Quantities = fmt.Sprintf("%s.%d", c.id, i+1), extra.Model, extra.Quantities
		more.Vendor, more.Reported, more.RetryCount, more.ResponseTimeMS = "", pricing.ReportedCost{}, 0, 0
		events = append(events, more)
	}
	return events
}

func shortened(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// post records events, the first in place of its reservation, and returns what became of them. What the database does
// not take goes to the spool; then there are fewer outcomes.
func (g *Gateway) post(events []usage.Event, reserved bool) (outcomes []usage.Outcome) {
	for i := range events {
		reservation := ""
		if i == 0 && reserved {
			reservation = events[i].ID
		}
		outcome, err := g.record(events[i], reservation, g.Tries)
		if err == nil {
			outcomes = append(outcomes, outcome)
			continue
		}
		g.Log.Warn("a call can't be recorded now: it goes to the spool", "event", events[i].ID, "error", err)
		if err := g.Spool.Add(&events[i]); err != nil {
			g.Log.Error("a call is neither in the database nor in the spool, so no more calls are carried",
				"event", events[i].ID, "user", events[i].UserID, "provider", events[i].Provider, "model", events[i].Model,
				"quantities", fmt.Sprint(events[i].Quantities), "error", err)
		}
	}
	return outcomes
}

const (
	mostTries = 8
	firstWait = 50 * time.Millisecond // after a try; each wait is twice as long as the one before
	mostMends = 5
)

// record records an event, and tries again where the database is away. What can't be recorded as it is, is recorded as
// well as it can be: an answer that was given must not be missing.
func (g *Gateway) record(event usage.Event, reservation string, tries int) (outcome usage.Outcome, err error) {
	mended := 0
	for wait := firstWait; ; {
		ctx, stop := contextFor(settleWithin)
		outcome, err = g.Usage.Record(ctx, g.Clock(), event, usage.RecordOptions{Reservation: reservation})
		stop()
		switch {
		case err == nil:
			return outcome, nil
		case !failure.OfStorage(err) && !failure.Is(err, failure.Internal):
			// What stands in the way is not the database.
			if mended++; mended > mostMends || !g.mend(&event, &reservation, err) {
				return outcome, err
			}
			continue
		}
		if tries--; tries <= 0 {
			return outcome, err
		}
		time.Sleep(wait)
		wait *= 2
	}
}

// mend changes what is recorded so that it can be, and tells whether there is anything left to try.
func (g *Gateway) mend(event *usage.Event, reservation *string, err error) bool {
	reason := ""
	if f, ok := errors.AsType[*failure.Error](err); ok {
		reason = f.Reason
	}
	g.Log.Warn("a call can't be recorded as it is", "event", event.ID, "reason", reason, "error", err)
	switch {
	case reason == "unknown_reservation":
		*reservation = ""
		return true
	case reason == "reservation_open": // this event was recorded without it: from the spool, by an import
		ctx, stop := contextFor(settleWithin)
		defer stop()
		if _, err := g.Usage.Release(ctx, g.Clock(), *reservation); err != nil {
			g.Log.Warn("a reservation can't be released: it ends by itself", "reservation", *reservation, "error", err)
		}
		*reservation = ""
		return true
	case reason == "reservation_settled": // by the sweep, for whom the call's outcome was unknown: that costs nothing
		*reservation = ""
		return true
	case failure.Is(err, failure.Conflict): // something else was recorded under this id
		id, idErr := usage.NewID()
		event.ID = id
		return idErr == nil
	case failure.Is(err, failure.Invalid) && event.ServiceTier != "":
		event.ServiceTier = ""
		return true
	case failure.Is(err, failure.Invalid) && event.Quantities != withoutParts(event.Quantities):
		event.Quantities = withoutParts(event.Quantities)
		return true
	case failure.Is(err, failure.Invalid) && event.Model != "":
		event.ErrorMessage = shortText("recorded without its model and quantities: " + err.Error())
		event.Model, event.Vendor, event.Endpoint = "", "", ""
		event.Quantities, event.Reported = pricing.Quantities{pricing.Requests: 1}, pricing.ReportedCost{}
		return true
	}
	return false
}

// withoutParts returns quantities without those that are parts of others.
func withoutParts(q pricing.Quantities) pricing.Quantities {
	for i := range q {
		if _, isPart := pricing.Quantity(i).Total(); isPart {
			q[i] = 0
		}
	}
	return q
}
