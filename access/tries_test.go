package access

import (
	"fmt"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

func TestTries(t *testing.T) {
	s, ctx, now := &Service{}, t.Context(), jwtNow()
	bad := func(address string, at time.Time) string {
		_, err := s.AuthenticateFrom(ctx, "wrong", address, at)
		return asFailure(err).Reason
	}
	for n := range MostTries {
		if got := bad("192.0.2.1", now.Add(time.Duration(n)*time.Second)); got != ReasonNotAuthenticated {
			t.Fatalf("try %d: %s", n+1, got)
		}
	}
	if got := bad("192.0.2.1", now.Add(30*time.Second)); got != ReasonTooManyTries {
		t.Errorf("one too many: %s", got)
	}
	err := s.CheckTries(ctx, "::ffff:192.0.2.1", now.Add(30*time.Second))
	if f := asFailure(err); f == nil || RetryAfter(err) != 30*time.Second || f.Code != failure.Denied {
		t.Errorf("the address in another form: %v", err)
	}
	if got := bad("192.0.2.2", now.Add(30*time.Second)); got != ReasonNotAuthenticated {
		t.Errorf("another address: %s", got)
	}
	if got := bad("192.0.2.1", now.Add(time.Minute)); got != ReasonNotAuthenticated {
		t.Errorf("a minute later: %s", got)
	}
	for n := range MostTries {
		bad(fmt.Sprintf("2001:db8:1:2::%x", n), now)
	}
	if got := bad("2001:db8:1:2:ffff::1", now); got != ReasonTooManyTries {
		t.Errorf("another address of the same network: %s", got)
	}
	if _, err := s.AuthenticateFrom(ctx, "", "2001:db8:1:2::1", now); asFailure(err).Reason != ReasonNotAuthenticated {
		t.Errorf("none was tried: %v", err)
	}
}

// A browser whose JWT has expired asks for many things at once before it knows.
func TestExpiredIsNoBadTry(t *testing.T) {
	i := newTestIssuer(t)
	s := i.service()
	late := i.token(t, map[string]any{"exp": jwtNow().Add(-time.Hour).Unix()})
	for range 2 * MostTries {
		_, err := s.AuthenticateFrom(t.Context(), late, "192.0.2.1", jwtNow())
		if f := asFailure(err); f == nil || f.Reason != ReasonNotAuthenticated {
			t.Fatalf("%v", err)
		}
	}
}

// Addresses without number take no memory without end, nor do they drive out the one that tries most.
func TestTriesAreBounded(t *testing.T) {
	m, now := &memoryTries{}, jwtNow()
	m.Bad(t.Context(), "worst", MostTries, now)
	for n := range 3 * mostAddresses {
		m.Bad(t.Context(), fmt.Sprint(n), 1, now)
	}
	if len(m.at) > mostAddresses {
		t.Errorf("%d addresses are kept", len(m.at))
	}
	if count, _ := m.Bad(t.Context(), "worst", 0, now); count != MostTries {
		t.Errorf("the worst has %d", count)
	}
}
