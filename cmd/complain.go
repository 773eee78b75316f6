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

// complaint is what a user is told about a failure, in JSON's order.
type complaint struct {
	Code    failure.Code `json:"code"`
	Message string       `json:"message"`
	Hint    string       `json:"hint,omitempty"`
	Reason  string       `json:"reason,omitempty"`
}

// complaintOf returns what to tell about err: nothing secret, and nothing that does something to a terminal.
func complaintOf(err error, secrets *redactor) complaint {
	c := complaint{Code: failure.CodeOf(err), Message: message(err)}
	var f *failure.Error
	if errors.As(err, &f) {
		c.Hint, c.Reason = commands.Hint(f), commands.PublicReason(f)
	}
	if c.Code == failure.Internal && c.Hint == "" {
		c.Hint = "this is a fault of the program; --debug shows more"
	}
	c.Message, c.Hint = report.Visible(secrets.clean(c.Message)), report.Visible(secrets.clean(c.Hint))
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

// print writes the complaint as the format asks for it: in one line of JSON, else for a person.
func (c complaint) print(to io.Writer, format report.Format, colored bool) {
	if format == report.FormatJSON || format == report.FormatJSONL {
		encoder := json.NewEncoder(to)
		encoder.SetEscapeHTML(false)
		// What can't be told on stderr can't be told at all.
		_ = encoder.Encode(map[string]complaint{"error": c})
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
