package gate_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/usage"
)

// faulty is metering whose database can be away.
type faulty struct {
	gateway.Usage
	reserving, recording atomic.Bool // it is away then
}

var errAway = failure.Unavailablef("the database is away").Because(errors.New("connection refused"))

func (u *faulty) Reserve(
	ctx context.Context, now time.Time, call usage.Call, id string, ttl time.Duration,
) (usage.Decision, error) {
	if u.reserving.Load() {
		return usage.Decision{}, errAway
	}
	return u.Usage.Reserve(ctx, now, call, id, ttl)
}

func (u *faulty) Record(
	ctx context.Context, now time.Time, e usage.Event, opts usage.RecordOptions,
) (usage.Outcome, error) {
	if u.recording.Load() {
		return usage.Outcome{}, errAway
	}
	return u.Usage.Record(ctx, now, e, opts)
}

// breakable puts metering into a gateway whose database can be away.
func breakable(u *faulty, more ...func(*gateway.Options)) func(*gateway.Options) {
	return func(o *gateway.Options) {
		u.Usage, o.Usage = o.Usage, u
		o.Tries = 2
		for _, change := range more {
			change(o)
		}
	}
}

// A call that can't be recorded is in the spool once it is answered, and in the log once the database is back.
func TestSettlementsAreSpooled(t *testing.T) {
	u := &faulty{}
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("alice", access.ScopeGateway)
		u.recording.Store(true)
		defer u.recording.Store(false)
		answer := f.call("/v1/chat/completions", token, chat(""))
		if answer.StatusCode != http.StatusOK || answer.Header.Get("X-Alwrity-Cost") != "" {
			t.Fatalf("%d %v %s", answer.StatusCode, answer.Header, answer.Text)
		}
		f.Must(f.gateway.Wait(t.Context()))
		ready := func() int { return f.Ask("GET", "/readyz", "", "").StatusCode }
		if f.gateway.Spool.Lines() != 1 || ready() != http.StatusServiceUnavailable {
			t.Errorf("%d lines, ready %d", f.gateway.Spool.Lines(), ready())
		}
		f.gateway.Replay() // while it is still away
		if f.gateway.Spool.Lines() != 1 || len(f.logged(0)) != 0 {
			t.Errorf("%d lines", f.gateway.Spool.Lines())
		}
		u.recording.Store(false)
		f.gateway.Replay()
		f.gateway.Replay()
		row := f.logged(1)
		if len(row) != 1 || row[0].Cost.String() != "0.0001825" || row[0].ID != answer.Header.Get("X-Alwrity-Event-Id") ||
			f.gateway.Spool.Lines() != 0 || ready() != http.StatusOK {
			t.Errorf("%+v, %d lines", row, f.gateway.Spool.Lines())
		}
		f.nothingIsHeld()
	}, breakable(u))
}

// What is in the spool has the form that `usage import` reads, and a line that is no event is kept for people.
func TestTheSpoolsFiles(t *testing.T) {
	u := &faulty{}
	onEach(t, func(t *testing.T, f *fixture) {
		u.recording.Store(true)
		defer u.recording.Store(false)
		f.call("/v1/chat/completions", f.Token("alice", access.ScopeGateway), chat(""))
		f.Must(f.gateway.Wait(t.Context()))
		names, err := filepath.Glob(filepath.Join(f.spool, "*.jsonl"))
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		file, err := os.Open(names[0])
		f.Must(err)
		defer file.Close()
		u.recording.Store(false)
		result, err := f.Services.Usage.Import(t.Context(), f.Now(), file, usage.ImportOptions{})
		if err != nil || result.Recorded != 1 {
			t.Errorf("%+v, %v", result, err)
		}
		f.Must(os.WriteFile(filepath.Join(f.spool, "torn.jsonl"), []byte(`{"id":"x","user_`), 0o600))
		f.gateway.Replay()
		kept, err := os.ReadFile(filepath.Join(f.spool, "rejected.txt"))
		if len(f.logged(1)) != 1 || err != nil || !strings.Contains(string(kept), `{"id":"x","user_`) {
			t.Errorf("%s %v", kept, err)
		}
		if left, _ := filepath.Glob(filepath.Join(f.spool, "*.jsonl")); len(left) != 0 {
			t.Errorf("%v are left", left)
		}
	}, breakable(u))
}

// Where neither the database nor the spool takes what a call has used, no other call is carried.
func TestNoAnswerWithoutAnAccount(t *testing.T) {
	u := &faulty{}
	onEach(t, func(t *testing.T, f *fixture) {
		token := f.Token("alice", access.ScopeGateway)
		f.Must(os.RemoveAll(f.spool))
		f.Must(os.WriteFile(f.spool, nil, 0o600)) // a file where the directory should be
		u.recording.Store(true)
		defer u.recording.Store(false)
		if answer := f.call("/v1/chat/completions", token, chat("")); answer.StatusCode != http.StatusOK {
			t.Fatal(answer.Text)
		}
		f.Must(f.gateway.Wait(t.Context()))
		answer := f.call("/v1/chat/completions", token, chat(""))
		if answer.StatusCode != http.StatusServiceUnavailable || len(f.vendor.Calls()) != 1 ||
			!strings.Contains(answer.Text, "USAGE_LIMIT_ENFORCEMENT_UNAVAILABLE") {
			t.Errorf("%d %s", answer.StatusCode, answer.Text)
		}
		f.Must(os.Remove(f.spool))
		u.recording.Store(false)
		if answer := f.call("/v1/chat/completions", token, chat("")); answer.StatusCode != http.StatusOK {
			t.Errorf("%d %s", answer.StatusCode, answer.Text)
		}
	}, breakable(u))
}

// Limits that can't be read let nothing pass.
func TestLimitsThatCantBeRead(t *testing.T) {
	u := &faulty{}
	onEach(t, func(t *testing.T, f *fixture) {
		u.reserving.Store(true)
		answer := f.call("/v1/messages", f.Token("alice", access.ScopeGateway),
			`{"model":"claude-3.5-sonnet","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`)
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "1" ||
			!strings.Contains(answer.Text, `{"type":"error","error":{"type":"api_error"`) || len(f.vendor.Calls()) != 0 {
			t.Errorf("%d %v %s", answer.StatusCode, answer.Header, answer.Text)
		}
	}, breakable(u))
}

// An operator may let calls pass though limits can't be read; they are recorded all the same.
func TestCallsPassInAnEmergency(t *testing.T) {
	u := &faulty{}
	onEach(t, func(t *testing.T, f *fixture) {
		u.reserving.Store(true)
		answer := f.call("/v1/chat/completions", f.Token("alice", access.ScopeGateway), chat(""))
		if row := f.logged(1)[0]; answer.StatusCode != http.StatusOK || row.Cost.String() != "0.0001825" {
			t.Errorf("%d %s %+v", answer.StatusCode, answer.Text, row)
		}
	}, breakable(u, func(o *gateway.Options) { o.FailOpen = true }))
}

// A call of a process that was killed is recorded once its reservation has expired, and charged nothing.
func TestCallsOfKilledProcesses(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		wanted := usage.Call{UserID: "alice", Provider: "openai", Model: "gpt-4o", Origin: usage.OriginGateway}
		wanted.Quantities[0], wanted.Quantities[1] = 1, 1000
		_, err := f.Services.Usage.Reserve(t.Context(), f.Now(), wanted, "killed", time.Hour)
		f.Must(err)
		sweep := func() {
			t.Helper()
			_, err := f.gateway.Sweep()
			f.Must(err)
		}
		if sweep(); len(f.logged(0)) != 0 {
			t.Error("it is settled while it holds")
		}
		f.Fixture.Wait(2 * time.Hour)
		sweep()
		sweep()
		rows := f.logged(1)
		if len(rows) != 1 || rows[0].ID != "killed" || rows[0].StatusCode != 500 || rows[0].Cost != 0 ||
			!strings.HasPrefix(rows[0].ErrorMessage, "outcome unknown") ||
			strings.Contains(rows[0].ErrorMessage, "0.0025") { // customers are not told costs
			t.Errorf("%+v", rows)
		}
		figures, err := f.DB.Figures(t.Context(), f.Now())
		if err != nil || figures.Unknown.Calls != 1 || figures.Unknown.Cost.String() != "0.0025" {
			t.Errorf("%+v %v", figures, err)
		}
	})
}

const mediaBody = `{"prompt":"a cat","duration":5}`

// A job is settled when somebody asks what became of it, once; a poll uses nothing.
func TestJobs(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		alice, bob := f.Token("alice", access.ScopeGateway), f.Token("bob", access.ScopeGateway)
		begun := f.call("/wavespeed/api/v3/alibaba/wan-2.5", alice, mediaBody)
		if begun.StatusCode != http.StatusOK || len(f.logged(0)) != 0 {
			t.Fatalf("%d %s", begun.StatusCode, begun.Text)
		}
		poll := func(token string) int {
			return f.ask("GET", "/wavespeed/api/v3/predictions/job-1/result", token, "").StatusCode
		}
		if status := poll(bob); status != http.StatusNotFound {
			t.Errorf("another's job is shown: %d", status)
		}
		for i, want := range []int{0, 1, 1} { // it is under way, done, done
			if status := poll(alice); status != http.StatusOK {
				t.Errorf("poll %d is answered with %d", i, status)
			}
			f.Must(f.gateway.Wait(t.Context()))
			if got := len(f.logged(want)); got != want {
				t.Errorf("after poll %d there are %d events", i, got)
			}
		}
		row := f.logged(1)[0]
		if row.ID != begun.Header.Get("X-Alwrity-Event-Id") || row.Provider != "video" || row.Model != "alibaba/wan-2.5" ||
			row.Cost.String() != "0.25" {
			t.Errorf("%+v", row)
		}
		f.nothingIsHeld()
	})
}

// A job for which nobody asks is settled by what was reserved.
func TestForgottenJobs(t *testing.T) {
	onEach(t, func(t *testing.T, f *fixture) {
		f.call("/wavespeed/api/v3/alibaba/wan-2.5", f.Token("alice", access.ScopeGateway), mediaBody)
		f.Fixture.Wait(24 * time.Hour)
		_, err := f.gateway.Sweep()
		f.Must(err)
		if row := f.logged(1)[0]; row.StatusCode != 200 || row.Cost.String() != "0.25" || row.Provider != "video" {
			t.Errorf("%+v", row)
		}
		f.nothingIsHeld()
	})
}
