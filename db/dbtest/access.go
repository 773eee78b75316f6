package dbtest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
)

func accessTests() []test {
	return []test{
		{"access/tokens are created, used, rotated and revoked", tokenLife},
		{"access/a token is changed by one at a time, of those who rotate it at once", rotateAtOnce},
		{"access/known and unknown tokens cost the same", tokensCostTheSame},
		{"access/a token's past is not lost", lastUse},
		{"access/browsers sign in and out", sessionLife},
		{"access/a session ends with its token", sessionsOfTokens},
		{"access/a link works once, of those who use it at once", linksAtOnce},
		{"access/what others change is heard of while a server runs", changesAreHeard},
	}
}

func (f *fixture) access() *access.Service { return &access.Service{Store: f.db} }

func wantReason(t testing.TB, err error, reason string) {
	t.Helper()
	wantFailure(t, err, failure.Denied, reason)
}

func tokenLife(t *testing.T, p Place) {
	f := empty(t, p)
	ctx, s := context.Background(), f.access()
	made, err := s.Create(ctx, f.audit("tokens create"), access.NewToken{Name: "app", User: "alice",
		Scopes: []access.Scope{access.ScopeRead, access.ScopeGateway}, Providers: []string{"openai"},
		ExpiresAt: now().Add(time.Hour)})
	f.must(err)
	who, err := s.Authenticate(ctx, made.Secret, now())
	f.must(err)
	wantEqual(t, "the identity", who, access.Identity{Name: "token " + made.Token.Public, User: "alice",
		Scopes: []access.Scope{access.ScopeGateway, access.ScopeRead}, Providers: []string{"openai"}, TokenID: made.Token.ID,
		ExpiresAt: now().Add(time.Hour)})

	again, err := s.Rotate(ctx, f.audit("tokens rotate"), made.Token.Public, 10*time.Minute)
	f.must(err)
	for _, secret := range []string{made.Secret, again.Secret} {
		_, err = s.Authenticate(ctx, secret, now().Add(10*time.Minute-time.Second))
		f.must(err)
	}
	_, err = s.Authenticate(ctx, made.Secret, now().Add(10*time.Minute))
	wantReason(t, err, access.ReasonNotAuthenticated)
	_, err = s.Authenticate(ctx, again.Secret, now().Add(time.Hour))
	wantReason(t, err, access.ReasonNotAuthenticated)

	f.must(s.Flush(ctx))
	tokens, err := s.List(ctx, access.TokenQuery{User: "alice", Limit: 10})
	f.must(err)
	wantEqual(t, "used last", tokens.Rows[0].LastUsedAt, now().Add(10*time.Minute-time.Second).Truncate(time.Minute))

	_, err = s.Revoke(ctx, f.audit("tokens revoke"), again.Secret)
	f.must(err)
	_, err = s.Authenticate(ctx, again.Secret, now())
	wantReason(t, err, access.ReasonNotAuthenticated)
	_, err = s.Revoke(ctx, f.audit("tokens revoke"), again.Secret)
	wantFailure(t, err, failure.Conflict)
	f.wantActions("tokens revoke", "tokens rotate", "tokens create")
}

// wantActions checks what the audit log has, newest first.
func (f *fixture) wantActions(want ...string) {
	f.Helper()
	entries, err := f.db.Audit(f.ctx, 0, 100)
	f.must(err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Action)
		if strings.Contains(e.Before+e.After, "hash") {
			f.Errorf("the audit log has a hash: %s", e.After)
		}
	}
	wantEqual(f, "the audit log", got, want)
}

// createToken makes a token for a user and returns it with its secret.
func (f *fixture) createToken(user string, scopes ...access.Scope) access.Created {
	f.Helper()
	made, err := f.access().Create(f.ctx, f.audit("tokens create"), access.NewToken{User: user, Scopes: scopes})
	f.must(err)
	return made
}

// Whatever the order: one secret has no end, it is the one that the token is listed with, and the rest end.
func rotateAtOnce(t *testing.T, p Place) {
	f := empty(t, p)
	made := f.createToken("alice")
	var wg sync.WaitGroup
	secrets := make([]string, 8)
	for i := range secrets {
		wg.Go(func() {
			again, err := f.access().Rotate(f.ctx, f.audit("tokens rotate"), fmt.Sprint(made.Token.ID), time.Minute)
			if err != nil {
				t.Error(err)
			}
			secrets[i] = again.Secret
		})
	}
	wg.Wait()
	lasting, public := 0, ""
	for _, secret := range append(secrets, made.Secret) {
		if _, err := f.access().Authenticate(f.ctx, secret, now()); err != nil {
			t.Errorf("%v", err)
		}
		if _, err := f.access().Authenticate(f.ctx, secret, now().Add(time.Hour)); err == nil {
			lasting++
			public, _ = access.PublicPart(secret)
		}
	}
	page, err := f.access().List(f.ctx, access.TokenQuery{Limit: 10})
	f.must(err)
	if lasting != 1 || len(page.Rows) != 1 || page.Rows[0].Public != public {
		t.Errorf("%d secrets last, of which %s; listed are %+v", lasting, public, page.Rows)
	}
}

// counting counts the questions to a store.
type counting struct {
	access.Store
	asked atomic.Int32
}

func (c *counting) TokenOf(ctx context.Context, public string) (access.Token, access.Secret, bool, error) {
	c.asked.Add(1)
	return c.Store.TokenOf(ctx, public)
}

func tokensCostTheSame(t *testing.T, p Place) {
	f := empty(t, p)
	made := f.createToken("alice")
	unknown := "ask_" + strings.Repeat("A", 12) + "_" + strings.Repeat("B", 32)
	halfKnown := made.Token.Public + "_" + strings.Repeat("B", 32)
	store := &counting{Store: f.db}
	s := &access.Service{Store: store}
	cost := func(credential string) int32 {
		before := store.asked.Load()
		_, _ = s.Authenticate(f.ctx, credential, now())
		return store.asked.Load() - before
	}
	for _, live := range []bool{false, true} {
		s.Changed(live)
		for n, want := range []int32{1, 1, 1} {
			if live && n > 0 {
				want = 0
			}
			for name, credential := range map[string]string{"known": made.Secret, "unknown": unknown, "half": halfKnown} {
				if got := cost(credential); got != want {
					t.Errorf("live %v, time %d: a token that is %s costs %d questions, not %d", live, n, name, got, want)
				}
			}
		}
	}
	// What is known is asked for anew after 30 seconds, and by a clock that was turned back.
	for _, at := range []time.Time{now().Add(30 * time.Second), now().Add(-time.Second)} {
		before := store.asked.Load()
		_, err := s.Authenticate(f.ctx, made.Secret, at)
		f.must(err)
		if store.asked.Load() == before {
			t.Errorf("at %s it was not asked for", at)
		}
	}
}

func lastUse(t *testing.T, p Place) {
	f := empty(t, p)
	id := f.createToken("alice").Token.ID
	for _, at := range []time.Time{now(), now().Add(-time.Hour)} {
		f.must(f.db.TouchTokens(f.ctx, map[int64]time.Time{id: at, id + 1: at}))
	}
	page, err := f.access().List(f.ctx, access.TokenQuery{Limit: 10})
	f.must(err)
	wantEqual(t, "used last", page.Rows[0].LastUsedAt, now())
}

func sessionLife(t *testing.T, p Place) {
	f, s := empty(t, p), (&access.Service{})
	s.Store = f.db
	s.Changed(true)
	made := f.createToken("alice", access.ScopeRead)
	in, err := s.SignIn(f.ctx, made.Secret, "192.0.2.1", now())
	f.must(err)
	for range 2 { // the second time from memory
		who, err := s.Session(f.ctx, in.Secret, now().Add(access.SessionLength-time.Second))
		f.must(err)
		wantEqual(t, "who", who, access.Identity{Name: "token " + made.Token.Public, User: "alice",
			Scopes: []access.Scope{access.ScopeRead}, TokenID: made.Token.ID, ExpiresAt: now().Add(access.SessionLength)})
	}
	_, err = s.Session(f.ctx, in.Secret, now().Add(access.SessionLength))
	wantReason(t, err, access.ReasonNotAuthenticated)
	for _, secret := range []string{"", made.Secret, "x", strings.Repeat("A", 32), strings.Repeat("'", 32)} {
		_, err = s.Session(f.ctx, secret, now())
		wantReason(t, err, access.ReasonNotAuthenticated)
		f.must(s.SignOut(f.ctx, secret))
	}
	f.must(s.SignOut(f.ctx, in.Secret))
	_, err = s.Session(f.ctx, in.Secret, now())
	wantReason(t, err, access.ReasonNotAuthenticated)

	// Bad tries are counted, and then good ones wait too.
	for range access.MostTries {
		_, err = s.SignIn(f.ctx, made.Secret[:40], "192.0.2.2", now())
		wantReason(t, err, access.ReasonNotAuthenticated)
	}
	_, err = s.SignIn(f.ctx, made.Secret, "192.0.2.2", now())
	wantReason(t, err, access.ReasonTooManyTries)
	_, err = s.SignIn(f.ctx, made.Secret, "192.0.2.1", now())
	f.must(err)
	// A session that has ended is removed by the next one.
	_, err = s.SignIn(f.ctx, made.Secret, "192.0.2.1", now().Add(access.SessionLength))
	f.must(err)
	if n := f.count("sessions"); n != 1 {
		t.Errorf("%d sessions are there", n)
	}
}

func sessionsOfTokens(t *testing.T, p Place) {
	f, s := empty(t, p), &access.Service{}
	s.Store = f.db
	s.Changed(true)
	made, err := s.Create(f.ctx, f.audit("tokens create"), access.NewToken{User: "alice", ExpiresAt: now().Add(time.Hour)})
	f.must(err)
	in, err := s.SignIn(f.ctx, made.Secret, "", now())
	f.must(err)
	if want := now().Add(time.Hour); !in.Identity.ExpiresAt.Equal(want) {
		t.Errorf("the session ends at %s, its token at %s", in.Identity.ExpiresAt, want)
	}
	_, err = s.Session(f.ctx, in.Secret, now())
	f.must(err)
	_, err = s.Revoke(f.ctx, f.audit("tokens revoke"), made.Token.Public)
	f.must(err)
	_, err = s.Session(f.ctx, in.Secret, now())
	wantReason(t, err, access.ReasonNotAuthenticated)
}

func linksAtOnce(t *testing.T, p Place) {
	f, s := empty(t, p), &access.Service{}
	s.Store = f.db
	link, err := s.CreateLink(f.ctx, f.audit("tokens link"), "alice", true)
	f.must(err)
	var wg sync.WaitGroup
	var signedIn atomic.Int32
	for n := range 8 {
		wg.Go(func() {
			in, err := s.SignInByLink(f.ctx, link.Secret, fmt.Sprint(n), now())
			if err == nil {
				signedIn.Add(1)
				if !in.Identity.May(access.ScopeAdmin) || in.Identity.User != "alice" {
					t.Errorf("signed in is %+v", in.Identity)
				}
			} else if !failure.Is(err, failure.Denied) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := signedIn.Load(); n != 1 {
		t.Errorf("%d have signed in", n)
	}
	late, err := s.CreateLink(f.ctx, f.audit("tokens link"), "bob", false)
	f.must(err)
	_, err = s.SignInByLink(f.ctx, late.Secret, "", now().Add(access.LinkLength))
	wantReason(t, err, access.ReasonNotAuthenticated)
	_, err = s.CreateLink(f.ctx, f.audit("tokens link"), "", false)
	wantFailure(t, err, failure.Invalid, "nobody")
}

// Two processes on one database: what one changes, the other hears of, and keeps nothing of before.
func changesAreHeard(t *testing.T, p Place) {
	f := empty(t, p)
	made := f.createToken("alice")
	in, err := f.access().SignIn(f.ctx, made.Secret, "", now())
	f.must(err)
	store := &counting{Store: p.Open(t)}
	other := &access.Service{Store: store}
	ctx, stop := context.WithCancel(f.ctx)
	heard, done := make(chan bool, 100), make(chan error, 1)
	go func() { done <- other.Run(ctx, slog.New(slog.DiscardHandler), func(live bool) { heard <- live }) }()
	if !<-heard {
		t.Fatal("it is not live")
	}
	for range 2 {
		_, err = other.Authenticate(f.ctx, made.Secret, now())
		f.must(err)
		_, err = other.Session(f.ctx, in.Secret, now())
		f.must(err)
	}
	if n := store.asked.Load(); n != 1 {
		t.Errorf("the store was asked %d times", n)
	}
	// A change of the catalogue is told of, too.
	f.savePlans(smallPlans()...)
	<-heard
	f.must(f.access().SignOut(f.ctx, in.Secret))
	<-heard
	_, err = other.Session(f.ctx, in.Secret, now())
	wantReason(t, err, access.ReasonNotAuthenticated)
	_, err = other.Authenticate(f.ctx, made.Secret, now().Add(time.Second))
	f.must(err)
	_, err = f.access().Revoke(f.ctx, f.audit("tokens revoke"), made.Token.Public)
	f.must(err)
	<-heard
	_, err = other.Authenticate(f.ctx, made.Secret, now())
	wantReason(t, err, access.ReasonNotAuthenticated)
	stop()
	f.must(<-done)
	// When it ends, it is written when tokens were used.
	page, err := f.access().List(f.ctx, access.TokenQuery{Revoked: true, Limit: 1})
	f.must(err)
	wantEqual(t, "used last", page.Rows[0].LastUsedAt, now().Truncate(time.Minute))
}
