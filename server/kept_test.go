package server_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
	"github.com/alwrity/alwrity-sub/volatile"
	"github.com/alwrity/alwrity-sub/volatile/redis"
	"github.com/alwrity/alwrity-sub/volatile/redis/redistest"
)

// keeping are servers on one database: two that share answers by a Redis, and one that keeps none.
type keeping struct {
	*servertest.Fixture
	replicas []*servertest.Fixture
	fresh    *servertest.Fixture
	token    string
	cookie   string
	signedIn time.Time
}

func newKeeping(t *testing.T, f *servertest.Fixture) *keeping {
	t.Helper()
	k := &keeping{Fixture: f, fresh: f.Beside(nil), token: f.Token("", access.ScopeAdmin)}
	shared := redistest.Start(t)
	for range 2 {
		client, err := redis.New(shared.URL, time.Minute)
		f.Must(err)
		store := volatile.New(volatile.Options{Clock: f.Clock, Log: slog.New(slog.DiscardHandler), Shared: client})
		t.Cleanup(func() { _ = store.Close() })
		k.replicas = append(k.replicas, f.Beside(store))
	}
	return k
}

// read asks a server for a page of a user.
func (k *keeping) read(from *servertest.Fixture, path, user string) string {
	k.Helper()
	if k.cookie == "" || k.Now().Sub(k.signedIn) > 11*time.Hour {
		answer := k.Ask("POST", "/login", "", url.Values{"token": {k.token}}.Encode(),
			"Content-Type: application/x-www-form-urlencoded")
		cookie := answer.Cookies()[0]
		k.cookie, k.signedIn = "Cookie: "+cookie.Name+"="+cookie.Value, k.Now()
	}
	answer := from.Ask("GET", strings.ReplaceAll(path, "{user}", user), k.token, "", k.cookie)
	if answer.StatusCode != 200 && answer.StatusCode != 404 {
		k.Fatalf("%s of %s: %s %s", path, user, answer.Status, answer.Text)
	}
	if answer.StatusCode == 404 {
		return "not found" // the request's id is another one each time
	}
	return answer.Text
}

// kept are what is kept.
func kept() []string {
	return []string{"/api/subscription/dashboard/{user}", "/api/subscription/dashboard/{user}?billing_period=2026-11",
		"/billing?user={user}", "/billing?user={user}&show=tokens&by=model&time=last"}
}

// An answer is kept, for both, until something is written or a minute has passed.
func TestAnswersAreKept(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		k := newKeeping(t, f)
		record := func() {
			t.Helper()
			if a := k.Ask("POST", "/v1/events", k.token, `{"user":"ann","provider":"gemini","model":"gemini-2.5-flash"}`,
				"Content-Type: application/json"); a.StatusCode >= 300 {
				t.Fatal(a.Text)
			}
		}
		record()
		first := map[string]string{}
		for _, path := range kept() {
			first[path] = k.read(k.replicas[0], path, "ann")
		}
		// This is behind everybody's back, so that it is seen what is kept.
		_, err := f.Place.SQL.Exec("UPDATE usage_summaries SET calls = 77, changes = changes")
		f.Must(err)
		_, err = f.Place.SQL.Exec("UPDATE usage_daily SET calls = 77")
		f.Must(err)
		same := func(when string, want bool) {
			t.Helper()
			for _, path := range kept() {
				for n, replica := range k.replicas {
					if got := k.read(replica, path, "ann"); (got == first[path]) != want && !strings.Contains(path, "last") {
						t.Errorf("%s: %s of replica %d is %s", when, path, n, got)
					}
				}
				if got := k.read(k.fresh, path, "ann"); got == first[path] && !strings.Contains(path, "last") {
					t.Errorf("%s: %s is kept where nothing is to be kept", when, path)
				}
			}
		}
		same("at once", true)
		f.Wait(time.Minute - time.Microsecond)
		same("before a minute has passed", true)
		f.Wait(time.Microsecond)
		same("after a minute", false)
		for _, path := range kept() {
			first[path] = k.read(k.replicas[0], path, "ann")
		}
		record()
		same("after a call", false)
	})
}

// Whatever is written by whomever, what is kept is what would be made now, on both.
func TestNothingStaleIsServed(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		k := newKeeping(t, f)
		seed := rand.Uint64()
		t.Logf("the seed is %d", seed)
		h := &history{keeping: k, Rand: rand.New(rand.NewPCG(seed, 1)), users: []string{"ann", "ben"}}
		h.ask("POST", "/v1/users/ann/subscribe", `{"plan":"Pro"}`)
		h.ask("POST", "/v1/users/ben/subscribe", `{"plan":"Basic"}`)
		f.Wait(31 * 24 * time.Hour)
		h.check(h.Billing.Close(h.Context(), h.Now(), billing.CloseOptions{})) // so that there are bills
		h.compare("at first", h.users...)
		steps := h.steps()
		for range 60 {
			n := h.IntN(len(steps))
			steps[n].do()
			if !steps[n].compares {
				h.compare(steps[n].what, h.users...)
			}
			if t.Failed() {
				return
			}
		}
	})
}

// history is a random one.
type history struct {
	*keeping
	*rand.Rand
	users  []string
	events []string
	holds  []string
	ids    int
}

type step struct {
	what     string
	do       func()
	compares bool // by itself
}

func (h *history) user() string { return h.users[h.IntN(len(h.users))] }

func (h *history) id() string { h.ids++; return fmt.Sprintf("id%d", h.ids) }

// ask makes a request to any server. That it is refused is well.
func (h *history) ask(method, path, body string, args ...any) bool {
	h.Helper()
	from := append(h.replicas, h.fresh)[h.IntN(3)]
	a := from.Ask(method, path, h.token, fmt.Sprintf(body, args...), "Content-Type: application/json")
	if a.StatusCode >= 500 || a.StatusCode == 400 {
		h.Fatalf("%s %s: %s %s", method, path, a.Status, a.Text)
	}
	return a.StatusCode < 300
}

// compare compares what all servers say.
func (h *history) compare(when string, users ...string) {
	h.Helper()
	for _, user := range users {
		for _, path := range kept() {
			want := h.read(h.fresh, path, user)
			for n, replica := range h.replicas {
				if got := h.read(replica, path, user); got != want {
					h.Errorf("after %s, %s of %s is on replica %d\n%s\nand made anew it is\n%s", when, path, user, n, got, want)
				}
			}
		}
	}
}

const spent = `"provider":"gemini","model":"gemini-2.5-flash","input_tokens":%d`

func (h *history) steps() []step {
	change := func(what, body string) func() {
		return func() { h.ask("POST", "/v1/users/"+h.user()+"/"+what, "%s", body) }
	}
	return []step{
		{"a call", h.record, false}, {"another call", h.record, false}, {"a failed call", h.recordFailure, false},
		{"a call to be taken back", h.record, false}, {"a void", h.void, false},
		{"a hold", h.reserve, false}, {"another hold", h.reserve, false}, {"a settlement", h.settle, false},
		{"a release", h.release, false},
		{"an expiry", h.letExpire, true},
		{"alerts", func() { h.check(h.Usage.CheckAlerts(h.Context(), h.Now(), h.users)) }, false},
		{"reading alerts", h.readAlerts, false},
		{"a subscription", change("subscribe", `{"plan":"Basic"}`), false},
		{"another plan", change("change-plan", `{"plan":"Pro"}`), false},
		{"another plan later", change("change-plan", `{"plan":"Basic","at_period_end":true}`), false},
		{"a cancellation", change("cancel", ""), false},
		{"a cancellation later", change("cancel", `{"at_period_end":true}`), false},
		{"a suspension", change("suspend", ""), false}, {"its end", change("resume", ""), false},
		{"the end of what is paid", h.passEnd, true},
		{"credit", func() { h.ask("POST", "/v1/credits", `{"user":%q,"amount":"1","reason":"x"}`, h.user()) }, false},
		{"closing", func() { h.check(h.Billing.Close(h.Context(), h.Now(), billing.CloseOptions{})) }, false},
		{"a payment", h.pay, false},
		{"a price", func() {
			h.ask("POST", "/v1/prices", `{"provider":"gemini","model":"gemini-2.5-flash","request_cost":"0.%d"}`, 1+h.IntN(9))
		}, false},
		{"a plan", h.applyPlans, false},
		{"a minute", func() { h.Wait(time.Minute) }, false}, {"a day", func() { h.Wait(24 * time.Hour) }, false},
		{"a month", func() { h.Wait(31 * 24 * time.Hour) }, false},
	}
}

func (h *history) check(_ any, err error) {
	h.Helper()
	if err != nil && failure.CodeOf(err) == failure.Internal {
		h.Fatal(err)
	}
}

func (h *history) record() {
	id := h.id()
	if h.ask("POST", "/v1/events", `{"id":%q,"user":%q,`+spent+`}`, id, h.user(), 1+h.IntN(100_000)) {
		h.events = append(h.events, id)
	}
}

func (h *history) recordFailure() {
	h.ask("POST", "/v1/events", `{"user":%q,"status_code":500,`+spent+`}`, h.user(), 5)
}

func (h *history) void() {
	if len(h.events) > 0 {
		h.ask("POST", "/v1/voids", `{"ids":[%q],"reason":"x"}`, h.events[h.IntN(len(h.events))])
	}
}

func (h *history) reserve() {
	id := h.id()
	if h.ask("POST", "/v1/reservations", `{"id":%q,"user":%q,"ttl":30,`+spent+`}`, id, h.user(), 10) {
		h.holds = append(h.holds, id)
	}
}

func (h *history) settle() {
	if len(h.holds) > 0 {
		h.ask("POST", "/v1/reservations/"+h.holds[h.IntN(len(h.holds))]+"/settle", `{"input_tokens":7}`)
	}
}

func (h *history) release() {
	if len(h.holds) > 0 {
		h.ask("DELETE", "/v1/reservations/"+h.holds[h.IntN(len(h.holds))], "")
	}
}

// letExpire lets a hold come to its end by itself, within the minute for which answers are kept.
func (h *history) letExpire() {
	h.Wait(time.Minute)
	user := h.user()
	if !h.ask("POST", "/v1/reservations", `{"user":%q,"ttl":30,`+spent+`}`, user, 10) {
		return
	}
	h.compare("the hold", user)
	h.Wait(30 * time.Second)
	h.compare("its expiry", user)
	h.Wait(time.Minute)
}

// passEnd goes to the moment at which a subscription's period or what is paid ends, from half a minute before on.
func (h *history) passEnd() {
	user := h.user()
	subscriber, err := h.Billing.Subscriber(h.Context(), user)
	if err != nil {
		return
	}
	end := subscriber.PeriodAt(h.Now()).End
	if s := subscriber.Subscription; s != nil && s.PaidUntil.After(h.Now()) && s.PaidUntil.Before(end) {
		end = s.PaidUntil
	}
	wait := end.Sub(h.Now()) - 30*time.Second
	if wait < time.Minute { // what goes with the clock is of when it was kept
		return
	}
	h.Wait(wait)
	h.compare("coming near the end", user)
	h.Wait(30 * time.Second)
	h.compare("the end", user)
	h.Wait(time.Minute)
}

func (h *history) readAlerts() {
	user := h.user()
	unread, err := h.Lists.Alerts(h.Context(), usage.AlertQuery{User: user, Unread: true, Limit: 3})
	h.Must(err)
	for _, a := range unread.Rows {
		h.Must(h.Lists.MarkReadOf(h.Context(), h.Audit("alerts read"), user, []int64{a.ID}))
	}
}

func (h *history) pay() {
	bills, err := h.Billing.AllBills(h.Context(), billing.Query{})
	h.Must(err)
	if len(bills) > 0 {
		h.ask("POST", fmt.Sprintf("/v1/bills/%d/mark-paid", bills[h.IntN(len(bills))].Number), `{"ref":"x"}`)
	}
}

func (h *history) applyPlans() {
	applyFree(h.Fixture, fmt.Sprintf("    limits: {few: {max: %d, meter: calls, providers: [gemini]}}\n"+
		"  - {name: Basic, tier: basic, monthly: 29, yearly: 290}\n"+
		"  - {name: Pro, tier: pro, monthly: 79, yearly: 790, overage: allow, limits: {few: {max: %d, meter: calls}}}\n",
		1+h.IntN(9), 1+h.IntN(9)))
}
