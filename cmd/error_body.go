package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

// errorBody is what a user is told about a failure; the fields are in the order of the JSON.
type errorBody struct {
	Code    failure.Code `json:"code"`
	Message string       `json:"message"`
	Hint    string       `json:"hint,omitempty"`
	Reason  string       `json:"reason,omitempty"`
}

// errorBodyOf returns what the user is told about err: no secret, and no control character.
func errorBodyOf(err error, secrets *redactor) errorBody {
	c := errorBody{Code: failure.CodeOf(err), Message: message(err)}
	if f, ok := errors.AsType[*failure.Error](err); ok {
		c.Hint, c.Reason = commands.Hint(f), commands.PublicReason(f)
	}
	if c.Code == failure.Internal && c.Hint == "" {
		c.Hint = "this is a fault of the program; --debug shows more"
	}
	c.Message, c.Hint = report.Visible(secrets.redact(c.Message)), report.Visible(secrets.redact(c.Hint))
	return c
}

// message is the text of an error; of several that were joined, each.
func message(err error) string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err.Error()
	}
	var parts []string
	for _, part := range joined.Unwrap() {
		parts = append(parts, message(part))
	}
	if err.Error() != strings.Join(parts, "\n") {
		return err.Error() // not joined, but wrapped in words of its own
	}
	return strings.Join(parts, "; ")
}

// print writes it as the format asks for it: in one line of JSON, else for a person.
func (c errorBody) print(to io.Writer, format report.Format, colored bool) {
	if format == report.FormatJSON || format == report.FormatJSONL {
		encoder := json.NewEncoder(to)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(map[string]errorBody{"error": c}) // there is nowhere left to report a failure
		return
	}
	name := "error:"
	if colored {
		name = "\x1b[1;31m" + name + "\x1b[0m"
	}
	fmt.Fprintf(to, "%s %s\n", name, c.Message)
	if c.Hint != "" {
		fmt.Fprintf(to, "hint: %s\n", c.Hint)
	}
}
