package gateway

import (
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// Watch is told what becomes of calls, by many at the same time.
type Watch interface {
	// Ended is told of a call that was settled, or refused.
	Ended(*Ended)
	// FailedOpen is told that a call passes though its limits could not be read.
	FailedOpen()
}

// Ended is how a call ended, and how long its parts took.
type Ended struct {
	Upstream, Provider, Model string
	Outcome                   Outcome
	Estimated                 bool // what it used is not the vendor's own figure
	Gone                      Phase

	Read, Reserve, Relay, Settle time.Duration // what we added
	Upstreamed, FirstByte        time.Duration // what the vendor took; the first 0 where it was not asked
	Cost                         pricing.USD
}

// Outcome says how a call ended.
type Outcome string

// The outcomes.
const (
	OK            Outcome = "ok"
	Refused       Outcome = "refused"        // by us: nothing was sent
	VendorRefused Outcome = "vendor_refused" // a status of the vendor
	NoConnection  Outcome = "no_connection"
	TooSlow       Outcome = "timeout"
	BrokeOff      Outcome = "broke_off" // the vendor did, in the middle of its answer
	CallerGone    Outcome = "caller_gone"
)

// Phase says when a caller left.
type Phase string

// The phases.
const (
	GoneBefore Phase = "before" // the first byte of output
	GoneDuring Phase = "during"
)

type nobody struct{}

func (nobody) Ended(*Ended) {}
func (nobody) FailedOpen()  {}
