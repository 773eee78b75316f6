package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/alwrity/alwrity-sub/failure"
)

const (
	keysFor        = time.Hour // after which keys are fetched anew, so that one which was withdrawn is no longer taken
	mostFetches    = 6         // requests to the issuer in a minute: tokens with made-up keys must not flood it
	fetchTimeout   = 10 * time.Second
	longestKeySet  = 1 << 20
	fetchingFailed = "fetching keys" // how go-oidc begins the error of a request that failed
)

// keyView is the issuer's keys for one token; unavailable is set where they can't be had.
type keyView struct {
	issuer      *Issuer
	keys        *oidc.RemoteKeySet
	before      *oidc.RemoteKeySet // nil once keys have been fetched
	unavailable error
}

// VerifySignature implements oidc.KeySet.
func (k *keyView) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.keys.VerifySignature(ctx, token)
	if !isFetching(err) {
		k.issuer.fetched(k.keys)
		return payload, err
	}
	if k.before != nil { // the issuer is away: what was known of it is known still
		if payload, beforeErr := k.before.VerifySignature(ctx, token); !isFetching(beforeErr) {
			return payload, beforeErr
		}
	}
	if !errors.Is(err, errTooOften) {
		k.unavailable = err
	}
	return nil, err
}

func isFetching(err error) bool { return err != nil && strings.HasPrefix(err.Error(), fetchingFailed) }

// fetched drops the keys before some that have been fetched: one that is not among these was withdrawn.
func (i *Issuer) fetched(keys *oidc.RemoteKeySet) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.keys == keys {
		i.before = nil
	}
}

// keyView returns the keys of the issuer.
func (i *Issuer) keyView(ctx context.Context, now time.Time) (*keyView, error) {
	from, err := i.keysURL(ctx)
	if err != nil {
		return nil, failure.Unavailablef("the issuer %s can't be asked where its keys are", i.URL).Because(err)
	}
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.keys == nil || now.Sub(i.keysAt) >= keysFor || now.Before(i.keysAt) {
		if i.before == nil {
			i.before = i.keys
		}
		i.keys, i.keysAt = oidc.NewRemoteKeySet(i.client(context.Background()), from), now
	}
	return &keyView{issuer: i, keys: i.keys, before: i.before}, nil
}

// client returns the context with which go-oidc makes our requests.
func (i *Issuer) client(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, &http.Client{Transport: &i.fetches, Timeout: fetchTimeout})
}

// asking is a question to the issuer, for whose answer many may wait.
type asking struct {
	done    chan struct{}
	keysURL string
	err     error
}

// keysURL returns where keys are, which is asked until it is known.
func (i *Issuer) keysURL(ctx context.Context) (string, error) {
	if i.KeysURL != "" {
		return i.KeysURL, nil
	}
	i.mutex.Lock()
	if i.found != "" {
		defer i.mutex.Unlock()
		return i.found, nil
	}
	if i.asking == nil {
		i.asking = &asking{done: make(chan struct{})}
		go i.discover(i.asking)
	}
	a := i.asking
	i.mutex.Unlock()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-a.done:
		return a.keysURL, a.err
	}
}

// discover reads the discovery document, which must name this issuer.
func (i *Issuer) discover(a *asking) {
	var document struct {
		KeysURL string `json:"jwks_uri"`
	}
	provider, err := oidc.NewProvider(i.client(context.Background()), i.URL)
	if err == nil {
		err = provider.Claims(&document)
	}
	if err == nil && document.KeysURL == "" {
		err = errors.New("the discovery document names no keys")
	}
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if a.keysURL, a.err = document.KeysURL, err; err == nil {
		i.found = document.KeysURL
	}
	i.asking = nil
	close(a.done)
}

// errTooOften says that the issuer has been asked often enough.
var errTooOften = errors.New("the issuer has been asked for its keys too often")

// throttle makes requests, at most so many a minute, and reads no more of an answer than a key set has.
type throttle struct {
	mutex sync.Mutex
	since time.Time
	count int
	free  bool // tests ask as often as they like
}

// RoundTrip implements http.RoundTripper.
func (t *throttle) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.allow(time.Now()) { //nolint:forbidigo // how often to ask is no matter of --now
		return nil, errTooOften
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", r.URL.Host, err)
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, longestKeySet), answer.Body}
	return answer, nil
}

func (t *throttle) allow(now time.Time) bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if now.Sub(t.since) >= time.Minute {
		t.since, t.count = now, 0
	}
	t.count++
	return t.free || t.count <= mostFetches
}
