package v1

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// event reads a body that is one event or call, as the caller may name it.
func (a *calls) event(c *web.Call) (event usage.Event, text []byte, err error) {
	if text, err = c.JSON(); err != nil {
		return event, nil, err
	}
	err = a.readers.Use(func(r *usage.ObjectReader) (err error) {
		event, err = r.Event(text)
		return err
	})
	return event, text, err
}

// call reads a body that is a call.
func (a *calls) call(c *web.Call) (call usage.Call, event usage.Event, text []byte, err error) {
	if event, text, err = a.event(c); err != nil {
		return call, event, nil, err
	}
	if err = own(c, &event); err != nil {
		return call, event, nil, err
	}
	whole := event
	whole.ID = cmp.Or(event.ID, "-") // what is an event's alone is not looked at, but it must be right
	return usage.CallOf(event), event, text, whole.Validate()
}

// knownUser refuses a user who was never seen, where the parameter known_user asks for it.
func knownUser(c *web.Call, user string) error {
	q := c.Query()
	known := q.Bool("known_user")
	if err := q.Err(); err != nil || !known {
		return err
	}
	return c.Usage.RequireUser(c.Context(), user)
}

// check says whether a call would pass now.
func (a *calls) check(w http.ResponseWriter, c *web.Call) error {
	call, _, _, err := a.call(c)
	if err == nil {
		err = knownUser(c, call.UserID)
	}
	if err != nil {
		return err
	}
	d, err := c.Usage.Check(c.Context(), c.Now, call)
	return answerDecision(w, c, d, err)
}

func answerDecision(w http.ResponseWriter, c *web.Call, d usage.Decision, err error) error {
	if err != nil {
		return err
	}
	if !d.Allowed {
		c.Refuse(w, d)
		return nil
	}
	return c.Document(w, http.StatusOK, report.Decision(d))
}

// explain tells how a decision about a call comes about, which is no refusal.
func (a *calls) explain(w http.ResponseWriter, c *web.Call) error {
	call, _, _, err := a.call(c)
	if err == nil {
		err = c.Query().Err()
	}
	if err != nil {
		return err
	}
	return answerExplanation(w, c, call)
}

func answerExplanation(w http.ResponseWriter, c *web.Call, call usage.Call) error {
	d, err := c.Usage.Explain(c.Context(), c.Now, call)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Explanation(c.Told(d)))
}

// explainUser explains a call that the parameters describe.
func explainUser(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	call := usage.Call{UserID: c.PathValue("user"), Provider: q.Name("provider"), Model: q.Text("model"),
		Vendor: q.Name("vendor"), ServiceTier: q.Name("service_tier"), Quantities: q.Quantities(), TokenID: c.Who.TokenID}
	if err := q.Err(); err != nil {
		return err
	}
	return answerExplanation(w, c, call)
}

// reserve takes a hold for a call. Its body is the call, with an id by which a retry is known, and a ttl.
func (a *calls) reserve(w http.ResponseWriter, c *web.Call) error {
	call, event, text, err := a.call(c)
	if err == nil {
		err = knownUser(c, call.UserID)
	}
	if err != nil {
		return err
	}
	ttl, err := ttlOf(text)
	if err != nil {
		return err
	}
	d, err := c.Usage.Reserve(c.Context(), c.Now, call, event.ID, ttl)
	return answerDecision(w, c, d, err)
}

// usualHold is how long a reservation holds where nobody says otherwise, as for limits reserve.
const usualHold = 5 * time.Minute

// ttlOf returns how long a reservation is to hold: seconds as a number, or a text such as "90s" or "5m".
func ttlOf(text []byte) (time.Duration, error) {
	var body struct {
		TTL any `json:"ttl"`
	}
	if err := json.Unmarshal(text, &body); err != nil { // which was read as an event
		return 0, failure.Invalidf("the body is no JSON object: %s", err).Because(err)
	}
	switch ttl := body.TTL.(type) {
	case nil:
		return usualHold, nil
	case float64:
		if ttl >= 0 && ttl <= usage.LongestHold.Seconds() {
			return time.Duration(ttl * float64(time.Second)), nil
		}
	case string:
		if d, err := time.ParseDuration(strings.TrimSpace(ttl)); err == nil {
			return d, nil
		}
	}
	shown, _ := json.Marshal(body.TTL) // it was read from JSON
	return 0, failure.Invalidf("ttl is %s: it must be seconds up to %d, or a text such as \"5m\"",
		failure.Shorten(string(shown)), int(usage.LongestHold.Seconds()))
}

// settle records what a reserved call has really used. What the body leaves open is the reservation's.
func (a *calls) settle(w http.ResponseWriter, c *web.Call) error {
	event, _, err := a.event(c)
	q := c.Query()
	opts := usage.RecordOptions{Reservation: c.PathValue("id"), Strict: q.Bool("strict")}
	if err = cmp.Or(err, q.Err()); err != nil {
		return err
	}
	if opts.Owner, err = c.UserOf(event.UserID); err != nil {
		return err
	}
	if !c.Who.MayCall(event.Provider, event.Model) && event.Provider != "" {
		return own(c, &event)
	}
	event.TokenID = c.Who.TokenID // unless the reservation was taken with another one
	outcome, err := c.Usage.Record(c.Context(), c.Now, event, opts)
	return answerRecorded(w, c, outcome, err)
}

// release gives back what a reservation holds.
func release(w http.ResponseWriter, c *web.Call) error {
	owner, err := c.UserOf("")
	if err == nil {
		err = c.Query().Err()
	}
	if err != nil {
		return err
	}
	r, err := c.Usage.ReleaseOf(c.Context(), c.Now, owner, c.PathValue("id"))
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Released(r))
}

// reservations lists those that hold now, the oldest first.
func reservations(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := usage.ReservationQuery{Now: c.Now, Limit: q.Page()}
	user := q.Text("user")
	if after := q.Text("after"); after != "" {
		moment, id, _ := strings.Cut(after, ",")
		var err error
		wanted.AfterTime, err = usage.ParseTime("after", moment)
		wanted.AfterID = id
		q.Fail(err)
	}
	if err := q.Err(); err != nil {
		return err
	}
	var err error
	if wanted.User, err = c.UserOf(user); err != nil {
		return err
	}
	page, err := c.Lists.Reservations(c.Context(), wanted)
	if err != nil {
		return err
	}
	if page.More {
		last := page.Rows[len(page.Rows)-1]
		c.Next(w, last.CreatedAt.UTC().Format(time.RFC3339Nano)+","+last.ID)
	}
	return c.Document(w, http.StatusOK, report.Reservations(page.Rows, c.Now))
}
