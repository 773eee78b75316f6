package dbtest

import (
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func reservationTests() []test {
	return []test{
		{"reservations/everything comes back", reservationRoundTrip},
		{"reservations/hold until they expire, are settled or released", reservationsHold},
		{"reservations/the same id again", reservationAgain},
		{"reservations/a settlement posts always and once", settlement},
		{"reservations/one event settles one", oneEventSettlesOne},
		{"reservations/what nobody has settled", unsettledReservations},
		{"reservations/jobs", gatewayJobs},
		{"reservations/one taken in the last period counts in this one", reservationAcrossPeriods},
	}
}

func reservation(id, user string) usage.Reservation {
	return usage.Reservation{ID: id, UserID: user, Provider: "gemini", Vendor: "google", Model: "",
		PeriodStart: date(2026, 11, 1),
		Calls:       1, Tokens: 2, Cost: 3, Status: usage.Held, CreatedAt: now(), ExpiresAt: now().Add(time.Minute)}
}

func reservationRoundTrip(t *testing.T, p Place) {
	f := seeded(t, p)
	want := reservation("r-ü", "alice")
	want.Origin = usage.OriginGateway
	want.Model, want.Calls, want.Tokens, want.Cost = "模型", pricing.MaxQuantity, 2*pricing.MaxQuantity, 1<<63-1
	save := func(r usage.Reservation) {
		f.must(f.db.Update(f.ctx, []string{r.UserID}, now(), func(tx usage.Tx) error {
			return tx.Write(f.ctx, usage.Changes{Reservations: []*usage.Reservation{&r}})
		}))
	}
	read := func() (got usage.Reservation, ok bool) {
		f.must(f.db.View(f.ctx, func(r usage.Reader) error {
			found, err := r.Reservations(f.ctx, []string{"another", want.ID})
			if ok = len(found) == 1; ok {
				got = found[0]
			}
			return err
		}))
		return got, ok
	}
	if _, ok := read(); ok {
		t.Error("it is there before it was saved")
	}
	save(want)
	got, _ := read()
	wantEqual(t, "held", got, want)
	want.Status, want.ClosedAt, want.EventID = usage.Settled, now().Add(time.Second), "e-1"
	want.Outcome = usage.OutcomeUnknown
	save(want)
	got, _ = read()
	wantEqual(t, "settled", got, want)
}

// reserve reserves one call of the text limit, which has room for ten.
func (f *fixture) reserve(id, user string, at time.Time, ttl time.Duration) (usage.Decision, error) {
	return f.service.Reserve(f.ctx, at, callOf(call("", user, at, 10, 10)), id, ttl)
}

func reservationsHold(t *testing.T, p Place) {
	f := seeded(t, p)
	at := now()
	for _, id := range []string{"r1", "r2", "r3"} {
		j, err := f.reserve(id, "alice", at, time.Minute)
		f.must(err)
		if !j.Allowed || j.Reservation == nil || !j.Reservation.ExpiresAt.Equal(at.Add(time.Minute)) {
			t.Fatalf("%s: %+v", id, j)
		}
	}
	held := func(user string, at time.Time) []string {
		found, err := f.db.Reservations(f.ctx, usage.ReservationQuery{User: user, Now: at, Limit: usage.PageSize})
		f.must(err)
		var names []string
		for _, r := range found {
			names = append(names, r.ID)
		}
		return names
	}
	reserved := func(at time.Time) int64 {
		j, err := f.service.Check(f.ctx, at, callOf(call("", "alice", at, 1, 1)))
		f.must(err)
		return j.Limits[0].Reserved
	}
	wantEqual(t, "held", held("alice", at), []string{"r1", "r2", "r3"})
	wantEqual(t, "held of everyone", held("", at), []string{"r1", "r2", "r3"})
	wantEqual(t, "held of bob", held("bob", at), nil)
	_, err := f.service.Release(f.ctx, at, "r2")
	f.must(err)
	if _, err = f.service.Release(f.ctx, at, "r2"); err != nil {
		t.Errorf("releasing again: %s", err)
	}
	_, err = f.service.Record(f.ctx, at, usage.Event{StatusCode: 200, Quantities: tokens(5)},
		usage.RecordOptions{Reservation: "r1"})
	f.must(err)
	wantEqual(t, "held", held("alice", at), []string{"r3"})
	if n := reserved(at); n != 1 {
		t.Errorf("%d are reserved, want 1", n)
	}
	if n := reserved(at.Add(time.Minute)); n != 0 || len(held("", at.Add(time.Minute))) != 0 {
		t.Errorf("%d are reserved once all have expired", n)
	}
	_, err = f.service.Release(f.ctx, at, "r1")
	wantFailure(t, err, failure.Conflict, "settled")
	_, err = f.service.Release(f.ctx, at, "nothing")
	wantFailure(t, err, failure.NotFound, "nothing")
}

func reservationAgain(t *testing.T, p Place) {
	f := seeded(t, p)
	first, err := f.reserve("r1", "alice", now(), time.Minute)
	f.must(err)
	again, err := f.reserve("r1", "alice", now().Add(time.Second), time.Hour)
	f.must(err)
	if !again.Allowed || again.Reservation == nil || *again.Reservation != *first.Reservation {
		t.Errorf("again: %+v\nfirst: %+v", again.Reservation, first.Reservation)
	}
	_, err = f.reserve("r1", "bob", now(), time.Minute)
	wantFailure(t, err, failure.Conflict, "another call")
	_, err = f.reserve("r1", "alice", now().Add(time.Minute), time.Minute)
	wantFailure(t, err, failure.Conflict, "expired")
	_, err = f.service.Release(f.ctx, now(), "r1")
	f.must(err)
	_, err = f.reserve("r1", "alice", now(), time.Minute)
	wantFailure(t, err, failure.Conflict, "released")
	if n := f.count("usage_reservations"); n != 1 {
		t.Errorf("%d reservations", n)
	}
}

func settlement(t *testing.T, p Place) {
	f := seeded(t, p)
	for range 9 { // with the reservation the limit of ten is full
		f.record(call("", "alice", now(), 1, 1))
	}
	_, err := f.reserve("r1", "alice", now(), time.Minute)
	f.must(err)
	used := usage.Event{StatusCode: 200, Quantities: pricing.Quantities{pricing.Requests: 3, pricing.InputTokens: 100}}
	settle := usage.RecordOptions{Reservation: "r1", Enforce: true}
	o, err := f.service.Record(f.ctx, now().Add(time.Hour), used, settle)
	f.must(err)
	if o.Status != usage.Recorded || o.Entry.ID != "r1" || o.Note == "" || len(o.OverLimit) == 0 {
		t.Errorf("a settlement that comes late and over the limit: %+v", o)
	}
	if o, err = f.service.Record(f.ctx, now().Add(2*time.Hour), used, settle); err != nil || o.Status != usage.Duplicate {
		t.Errorf("settled again: %+v, %v", o, err)
	}
	other := used
	other.ID = "e2"
	_, err = f.service.Record(f.ctx, now(), other, settle)
	wantFailure(t, err, failure.Conflict, "settled already")
	stranger := used
	stranger.UserID = "bob"
	_, err = f.service.Record(f.ctx, now(), stranger, settle)
	wantFailure(t, err, failure.Conflict, "belongs to")
	if len(f.logs()) != 10 {
		t.Errorf("%d log rows", len(f.logs()))
	}
	f.mustAgree()
}

func oneEventSettlesOne(t *testing.T, p Place) {
	f := seeded(t, p)
	for _, id := range []string{"r1", "r2"} {
		_, err := f.reserve(id, "alice", now(), time.Minute)
		f.must(err)
	}
	used := usage.Event{ID: "e1", StatusCode: 200, Quantities: tokens(5)}
	_, err := f.service.Record(f.ctx, now(), used, usage.RecordOptions{Reservation: "r1"})
	f.must(err)
	_, err = f.service.Record(f.ctx, now(), used, usage.RecordOptions{Reservation: "r2"})
	wantFailure(t, err, failure.Conflict, "can't settle the reservation r2")
	held, err := f.db.Reservations(f.ctx, usage.ReservationQuery{User: "alice", Now: now(), Limit: usage.PageSize})
	f.must(err)
	if len(held) != 1 || held[0].ID != "r2" {
		t.Errorf("what is held now is %+v, want r2", held)
	}
	f.mustAgree()
}

func reservationAcrossPeriods(t *testing.T, p Place) {
	f := seeded(t, p)
	before := date(2026, 12, 1).Add(-time.Second)
	for range 10 {
		_, err := f.reserve("", "alice", before, time.Hour)
		f.must(err)
	}
	j, err := f.reserve("", "alice", date(2026, 12, 1), time.Hour)
	f.must(err)
	if j.Allowed || j.Reason != usage.LimitExceeded {
		t.Errorf("the reservations of November do not count in December: %+v", j.Verdict)
	}
}

// unsettledReservations: what the gateway has taken and never settled is found once it has expired, and counted once it
// is settled as unknown.
func unsettledReservations(t *testing.T, p Place) {
	f := seeded(t, p)
	call := usage.Call{UserID: "alice", Provider: "gemini", Model: "gemini-2.5-flash",
		Quantities: pricing.Quantities{1, 1000, 500}}
	reserve := func(id, origin string) {
		call.Origin = origin
		d, err := f.service.Reserve(f.ctx, now(), call, id, time.Minute)
		if f.must(err); !d.Allowed {
			t.Fatal(d.Message)
		}
	}
	reserve("of-the-gateway", usage.OriginGateway)
	reserve("of-another", "")
	unsettled := func(before time.Time) (ids []string) {
		found, err := f.db.Unsettled(f.ctx, before, 10)
		f.must(err)
		for _, r := range found {
			ids = append(ids, r.ID)
		}
		return ids
	}
	wantEqual(t, "while it holds", unsettled(now()), []string(nil))
	later := now().Add(time.Hour)
	wantEqual(t, "once it has expired", unsettled(later), []string{"of-the-gateway"})
	_, err := f.service.Record(f.ctx, later, usage.Event{ID: "of-the-gateway", StatusCode: 500},
		usage.RecordOptions{Reservation: "of-the-gateway", Unknown: true})
	f.must(err)
	wantEqual(t, "once it is settled", unsettled(later), []string(nil))
	figures, err := f.db.Figures(f.ctx, later)
	f.must(err)
	wantEqual(t, "unknown", figures.Unknown.Calls, int64(1))
	wantEqual(t, "at most", figures.Unknown.Cost.String(), "0.00155")
}

func gatewayJobs(t *testing.T, p Place) {
	f := seeded(t, p)
	want := usage.Job{ID: "wavespeed/j1", Reservation: "r1", UserID: "alice", Ask: `{"Model":"m"}`, CreatedAt: now(),
		Event: usage.Event{ID: "r1", UserID: "alice", Provider: "video", Model: "wan-2.5", Time: now(), StatusCode: 200,
			Quantities: pricing.Quantities{pricing.Requests: 1, pricing.Seconds: 5500}, Endpoint: "/x", Method: "POST"}}
	f.must(f.db.AddJob(f.ctx, want))
	f.must(f.db.AddJob(f.ctx, usage.Job{ID: want.ID, Reservation: "another", UserID: "bob", CreatedAt: now()}))
	for _, by := range [][2]string{{want.ID, ""}, {"", "r1"}} {
		got, found, err := f.db.Job(f.ctx, by[0], by[1])
		f.must(err)
		wantEqual(t, "found", found, true)
		wantEqual(t, "the job", got, want)
	}
	if _, found, err := f.db.Job(f.ctx, "wavespeed/j2", "r2"); found || err != nil {
		t.Errorf("%v %v", found, err)
	}
	f.must(f.db.EndJob(f.ctx, want.ID, now().Add(time.Minute)))
	f.must(f.db.EndJob(f.ctx, want.ID, now().Add(time.Hour)))
	got, _, err := f.db.Job(f.ctx, want.ID, "")
	f.must(err)
	wantEqual(t, "its end", got.EndedAt, now().Add(time.Minute))
}
