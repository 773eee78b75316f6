package web

import (
	"errors"
	"net/http"

	"github.com/alwrity/alwrity-sub/failure"
)

// Told is what a caller is told about a failure.
type Told struct{ Message, Hint, RequestID string }

// Tell returns what a caller is told about a failure, where it is not told as JSON.
func Tell(r *http.Request, err error) Told {
	body := bodyOf(r, err)
	return Told{Message: body.Message, Hint: body.Hint, RequestID: body.RequestID}
}

// WaitOf returns after how many seconds it helps to try again, as a failure says it; "" where it says nothing.
func WaitOf(err error) string {
	if f, ok := errors.AsType[*failure.Error](err); ok {
		for _, arg := range f.Args {
			if arg.Name == "retry_after" {
				return arg.Value
			}
		}
	}
	return ""
}
