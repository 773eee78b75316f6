package db

import (
	"errors"

	"github.com/alwrity/alwrity-sub/failure"
)

// errLostRace says that another transaction recorded the same event meanwhile:
// running again will find it.
var errLostRace = errors.New("another transaction recorded the same event")

func tooLarge(err error) error {
	return failure.Invalidf("a total would be too large to be kept: " +
		"at most 9,223,372 dollars or 9.2e18 units for one user, month and model").Because(err)
}

func schemaMissing() *failure.Error {
	return failure.Unavailablef("the tables have not been created yet, or are out of date").WithReason("not_initialized")
}

func isOf[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// errBusy says that another transaction holds what would have to be waited for.
var errBusy = errors.New("another transaction has it")
