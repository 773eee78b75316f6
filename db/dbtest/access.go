package dbtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
)

func accessTests() []test {
	return []test{
		{"access/tokens are created, used, rotated and revoked", tokenLife},
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
