package notify

import (
	"errors"
	"time"
)

// verdict is how an attempt to hand something over has ended.
type verdict struct {
	kind   verdictKind
	reason string
	wait   time.Duration // that the other side asks for; 0: it does not
	err    error         // of what ends the run: the database's
	// trouble says that the other side, and not this message, may be the reason.
	trouble bool
}

type verdictKind int

const (
	taken     verdictKind = iota
	again                 // not now: to be tried again later
	refused               // never
	down                  // the server takes nothing from us now; this message is not to blame
	abandoned             // nothing was sent: somebody else has the claim, or the run ends
)

// errClaimLost says that somebody else has claimed a parcel since.
var errClaimLost = errors.New("the claim was lost")

// beginning turns the error of a parcel that could not be begun into a verdict.
func beginning(err error) verdict {
	if errors.Is(err, errClaimLost) {
		err = nil
	}
	return verdict{kind: abandoned, err: err}
}
