package gateway

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Caller is who makes a call.
type Caller struct {
	User    string
	TokenID int64                             // 0: it came with no token of ours
	MayCall func(provider, model string) bool // that a token is for
	// SeesCost tells whether the caller is told what the call costs the operator.
	SeesCost bool
}

// call is one call on its way.
type call struct {
	*Gateway
	Caller
	w     http.ResponseWriter
	r     *http.Request
	route *Route

	id       string    // of the event and of its reservation
	began    time.Time // by the clock
	body     []byte    // of the request, as it goes on
	ask      wire.Ask
	provider string
	model    string // that is priced

	job      *usage.Job // that is asked for; nil: it is no poll
	counts   bool       // it is reserved and recorded
	reserved bool
	// evenDenied lets the call pass where limits refuse it, which denied then says.
	evenDenied bool
	denied     error
	base       http.RoundTripper // sends the call as its caller has made it, with the caller's own key; nil: we send it
	retries    int64
	used       pricing.Quantities // as they are recorded
	ended      Ended
}

// LargestRequest is how large a request may be, in bytes.
const LargestRequest = 32 << 20

// Carry carries a call to where its route leads, and answers it. What it returns as an error nobody has been told yet.
func (g *Gateway) Carry(w http.ResponseWriter, r *http.Request, route *Route, who Caller) error {
	g.running.Add(1)
	defer g.running.Done()
	return (&call{Gateway: g, Caller: who, w: w, r: r, route: route, began: g.Clock()}).carry()
}

func (c *call) carry() error {
	if c.route.Path == nil {
		return NotMetered(c.route, c.r.Method)
	}
	if err := c.read(); err != nil {
		return err
	}
	if err := c.choose(c.r.Context()); err != nil {
		return c.refused(err)
	}
	if c.route.Path.Polls {
		return c.poll()
	}
	if c.counts = !c.ask.Free; c.counts {
		err := c.reserve()
		if _, isDenied := errors.AsType[*Denied](err); isDenied && c.evenDenied {
			c.denied, err = err, nil
		}
		if err != nil {
			return c.refused(err)
		}
	}
	return c.forward()
}

// refused tells who counts calls that one was refused.
func (c *call) refused(err error) error {
	c.ended.Outcome = Refused
	c.Watch.Ended(&c.ended)
	return err
}

// since says how long a part of a call has taken that began at a moment.
func (c *call) since(began time.Time) time.Duration { return max(0, c.Clock().Sub(began)) }

// read reads the request.
func (c *call) read() (err error) {
	defer func() { c.ended.Read = c.since(c.began) }()
	if c.r.ContentLength > LargestRequest {
		return tooLarge()
	}
	var from io.Reader = http.MaxBytesReader(c.w, c.r.Body, LargestRequest)
	switch packed := strings.ToLower(c.r.Header.Get("Content-Encoding")); packed {
	case "", "identity":
	case "gzip":
		if from, err = gzip.NewReader(from); err != nil {
			return failure.Invalidf("the body is no gzip: %s", err).Because(err)
		}
		c.r.Header.Del("Content-Encoding")
	default:
		return failure.Invalidf("the body is packed by %q: gzip is what is read", failure.Shorten(packed))
	}
	c.body, err = io.ReadAll(io.LimitReader(from, LargestRequest+1))
	if _, large := errors.AsType[*http.MaxBytesError](err); large || len(c.body) > LargestRequest {
		return tooLarge()
	}
	if err != nil {
		return failure.Invalidf("the body can't be read: %s", err).Because(err)
	}
	return nil
}

func tooLarge() error {
	return failure.Invalidf("the request is larger than %d bytes", LargestRequest).WithReason(ReasonTooLarge)
}

// choose finds out what is asked for, and of which upstream and provider.
func (c *call) choose(ctx context.Context) (err error) {
	path := c.route.Path
	if path.Polls {
		return c.mayCall()
	}
	if c.ask, err = path.Format.Read(c.route.Target, c.r.Header, bytes.NewReader(c.body)); err != nil {
		return err
	}
	c.model = cmp.Or(c.ask.Model, c.route.Model, path.Model)
	if c.route, err = c.byModel(ctx); err != nil {
		return err
	}
	c.provider, err = c.providerOf(ctx, c.route)
	if err != nil {
		return err
	}
	c.ended.Upstream, c.ended.Provider, c.ended.Model = c.route.Upstream.Name, c.provider, c.model
	if c.route.Upstream.AskUsage {
		c.body = c.route.Path.Format.AddUsage(&c.ask, c.body)
	}
	return c.mayCall()
}

// byModel returns the route of the first upstream that has a price of the model and can be called, of those that the
// path leads to.
func (c *call) byModel(ctx context.Context) (*Route, error) {
	if len(c.route.Others) == 0 {
		return c.route, nil
	}
	book, err := c.prices(ctx)
	if book == nil {
		return nil, err
	}
	for _, r := range append([]*Route{c.route}, c.route.Others...) {
		if !c.Configured(r.Upstream) {
			continue
		}
		for _, provider := range providersOf(r) {
			if _, basis := book.Find(provider, c.model, c.began); basis != pricing.Default && basis != pricing.Unpriced {
				return r, nil
			}
		}
	}
	return c.route, nil
}

func providersOf(r *Route) []string {
	if len(r.Path.Providers) > 0 {
		return r.Path.Providers
	}
	return []string{r.Upstream.Provider}
}

// providerOf returns under which provider the call is recorded: the first that has a price of its model, else the last.
func (c *call) providerOf(ctx context.Context, r *Route) (string, error) {
	all := providersOf(r)
	last := all[len(all)-1]
	if len(all) == 1 && !c.RefuseUnpriced {
		return last, nil
	}
	book, err := c.prices(ctx)
	if book == nil {
		return "", err
	}
	for _, provider := range all {
		if _, basis := book.Find(provider, c.model, c.began); basis != pricing.Default && basis != pricing.Unpriced {
			return provider, nil
		}
	}
	if _, basis := book.Find(last, c.model, c.began); basis == pricing.Unpriced && c.RefuseUnpriced && !r.Upstream.Free {
		return "", failure.NotFoundf("%s %s has no price, and what has none is refused here", last,
			failure.Shorten(c.model)).WithReason(ReasonUnpriced)
	}
	return last, nil
}

// mayCall returns why the caller may not call this, or nobody.
func (c *call) mayCall() error {
	up := c.route.Upstream
	if !c.route.Path.Polls && !c.MayCall(c.provider, c.model) {
		return failure.New(failure.Denied, "the token may not call %s %s", c.provider, failure.Shorten(c.model)).
			WithReason(ReasonModelNotAllowed)
	}
	if c.base == nil && !c.Configured(up) {
		return failure.Unavailablef("%s can't be called here: its key is missing", up.Name).WithReason(ReasonNotConfigured)
	}
	return nil
}

// holdFor is how long the reservation holds.
func (c *call) holdFor() time.Duration {
	hold := c.route.Upstream.Timeouts.Whole + settleFor
	if c.route.Path.Format.TellsOfJobs() {
		hold = max(hold, jobFor)
	}
	return hold
}

// settleFor is how long a reservation holds beyond the longest that its call can take.
const settleFor = 2 * time.Minute

// reserve takes a hold on what the call may use at most.
func (c *call) reserve() error {
	began := c.Clock()
	defer func() { c.ended.Reserve = c.since(began) }()
	if err := c.newID(); err != nil {
		return err
	}
	if err := c.Spool.Check(); err != nil {
		return err
	}
	wanted := c.ask.Quantities
	if !c.ask.OutputBounded {
		wanted[pricing.OutputTokens] = c.AssumedOutput * max(1, c.ask.Answers)
	}
	ctx, stop := context.WithTimeout(c.r.Context(), reserveWithin)
	defer stop()
	up := c.route.Upstream
	d, err := c.Usage.Reserve(ctx, c.began, usage.Call{UserID: c.User, Provider: c.provider, Model: c.model,
		Vendor: up.Vendor, Quantities: wanted, ServiceTier: c.ask.ServiceTier, TokenID: c.TokenID,
		Origin: usage.OriginGateway}, c.id, c.holdFor())
	switch {
	case err == nil && !d.Allowed:
		return &Denied{d, d.Denied()}
	case err == nil && d.Again, failure.Is(err, failure.Conflict):
		return failure.Conflictf("a call was made under this Idempotency-Key before: it is not made again").
			WithReason(ReasonCalledBefore)
	case err == nil:
		c.reserved = true
		return nil
	case c.r.Context().Err() != nil || !failure.OfStorage(err) && !errors.Is(err, context.DeadlineExceeded):
		return err
	case c.FailOpen:
		c.Log.Error("a call passes though its limits can't be read", "event", c.id, "user", c.User, "error", err)
		c.Watch.FailedOpen()
		return nil
	}
	return failure.Unavailablef("the limits can't be read, so no call passes").WithReason(ReasonLimitsUnreadable).
		Because(err)
}

// reserveWithin is how long the limits may take.
const reserveWithin = 15 * time.Second

// longestKey is how long an Idempotency-Key may be.
const longestKey = 255

// newID gives the call its id: that of its Idempotency-Key, which is the caller's own, or a new one.
func (c *call) newID() (err error) {
	key := c.r.Header.Get("Idempotency-Key")
	if key == "" {
		c.id, err = usage.NewID()
		return err
	}
	if len(key) > longestKey {
		return failure.Invalidf("the Idempotency-Key is longer than %d bytes", longestKey)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s", c.TokenID, c.User, key))
	c.id = "key-" + hex.EncodeToString(sum[:16])
	return nil
}
