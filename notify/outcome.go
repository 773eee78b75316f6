package notify

import (
	"errors"
	"time"
)

// outcome is how an attempt to hand over a batch ended.
type outcome struct {
	kind       outcomeKind
	reason     string
	retryAfter time.Duration // the wait that the other side asks for; 0: none
	err        error         // an error of our own, such as the database's: the run ends
	// serverFault says that the other side, and not this message, may be the cause.
	serverFault bool
}

type outcomeKind int

const (
	accepted    outcomeKind = iota
	retryLater              // not now
	rejected                // for good
	unavailable             // the server takes nothing from us now; this message is not to blame
	aborted                 // nothing was sent: somebody else has the claim, or the run ends
)

// errClaimLost says that somebody else has claimed a batch in the meantime.
var errClaimLost = errors.New("the claim was lost")

// notBegun is the outcome of a batch that could not be marked as being sent.
func notBegun(err error) outcome {
	if errors.Is(err, errClaimLost) {
		err = nil
	}
	return outcome{kind: aborted, err: err}
}
