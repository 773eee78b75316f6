package web

import "net/http"

// Told is what a caller is told about a failure.
type Told struct{ Message, Hint, RequestID string }

// Tell returns what a caller is told about a failure, where it is not told as JSON.
func Tell(r *http.Request, err error) Told {
	body := bodyOf(r, err)
	return Told{Message: body.Message, Hint: body.Hint, RequestID: body.RequestID}
}
