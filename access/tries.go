package access

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Tries counts the bad tries that come from addresses. It may lose some: a try is at a secret of 190 bits.
type Tries interface {
	// Bad counts n bad tries from an address, which may be 0, and returns how many there are in its running minute, and
	// when that ends.
	Bad(ctx context.Context, address string, n int, now time.Time) (count int, until time.Time)
}

// MostTries is how many bad tries one address has in a minute.
const MostTries = 20

// tries returns what counts bad tries.
func (s *Service) tries() Tries {
	if s.Tries != nil {
		return s.Tries
	}
	return &s.ownTries
}

// RetryAfter returns how long an address has to wait that was told so by a failure; 0: it was not.
func RetryAfter(err error) time.Duration {
	f, ok := errors.AsType[*failure.Error](err)
	if !ok || f.Reason != ReasonTooManyTries || len(f.Args) == 0 {
		return 0
	}
	seconds, _ := strconv.Atoi(f.Args[0].Value)
	return time.Duration(seconds) * time.Second
}

// CheckTries returns a denied failure with the reason too_many_tries where an address has had its bad tries: see
// RetryAfter.
func (s *Service) CheckTries(ctx context.Context, address string, now time.Time) error {
	count, until := s.tries().Bad(ctx, place(address), 0, now)
	if count < MostTries {
		return nil
	}
	seconds := max(1, int((until.Sub(now)+time.Second-1)/time.Second))
	wait := failure.Counted(seconds, "second")
	return failure.New(failure.Denied, "too many bad tries from this address: wait %s", wait).
		WithReason(ReasonTooManyTries, "retry_after", seconds)
}

// AuthenticateFrom is Authenticate for a caller at an address, whose bad tries are counted. A credential that is good
// is taken also from an address that has had its bad tries: others may share it.
func (s *Service) AuthenticateFrom(ctx context.Context, credential, address string, now time.Time) (Identity, error) {
	who, err := s.Authenticate(ctx, credential, now)
	if err == nil || credential == "" { // who sends none tries none
		return who, err
	}
	return who, s.counted(ctx, address, now, err)
}

// counted counts a bad try, and returns what its caller is told.
func (s *Service) counted(ctx context.Context, address string, now time.Time, err error) error {
	if !failure.Is(err, failure.Denied) || errors.Is(err, errEnded) {
		return err
	}
	if over := s.CheckTries(ctx, address, now); over != nil {
		return over
	}
	s.tries().Bad(ctx, place(address), 1, now)
	return err
}

// place is what tries are counted by: an address, of which one of IPv6 has as many as it likes within its network.
func place(address string) string {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	parsed = parsed.Unmap().WithZone("")
	if parsed.Is4() {
		return parsed.String()
	}
	network, _ := parsed.Prefix(64) // there are that many bits
	return network.String()
}

// memoryTries counts in the memory of one process, for so many addresses.
type memoryTries struct {
	mutex sync.Mutex
	at    map[string]triesOf
}

type triesOf struct {
	count int
	until time.Time
}

const mostAddresses = 10_000

// Bad implements Tries.
func (m *memoryTries) Bad(_ context.Context, address string, n int, now time.Time) (int, time.Time) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	of, ok := m.at[address]
	if !ok || !now.Before(of.until) {
		of = triesOf{until: now.Add(time.Minute)}
	}
	if n == 0 {
		return of.count, of.until
	}
	if m.at == nil {
		m.at = map[string]triesOf{}
	}
	if !ok && len(m.at) >= mostAddresses {
		m.makeRoom(now)
	}
	of.count += n
	m.at[address] = of
	return of.count, of.until
}

// makeRoom removes what has ended, or else the addresses with the fewest tries.
func (m *memoryTries) makeRoom(now time.Time) {
	for fewest := 0; len(m.at) >= mostAddresses; fewest++ {
		for address, of := range m.at {
			if !now.Before(of.until) || of.count <= fewest {
				delete(m.at, address)
			}
		}
	}
}
