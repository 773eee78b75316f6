package cmd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
)

// exit is one way in which the program ends.
type exit struct {
	status int
	code   failure.Code // empty for success
	when   string
}

// exits is the one table of exit codes.
func exits() []exit {
	return []exit{
		{0, "", "done; a duplicate event is done too"},
		{1, failure.Internal, "a fault of the program"},
		{2, failure.Invalid, "bad flags, bad input, bad configuration"},
		{3, failure.NotFound, "no such plan, user, price, …"},
		{4, failure.Denied, "a limit or the subscription's state refuses the call"},
		{5, failure.Conflict, "same id with other content; a state that has moved on"},
		{6, failure.Unavailable, "the database or another service can't be used; the schema is missing or out of date"},
		{7, failure.FailedCheck, "doctor, selftest or reconcile found problems; " +
			"some periods or messages could not be dealt with"},
		{130, failure.Interrupted, "interrupted; nothing half done"},
	}
}

// exitStatus returns the exit code of a failure.
func exitStatus(code failure.Code) int {
	for _, e := range exits() {
		if e.code == code {
			return e.status
		}
	}
	return exitStatus(failure.Internal)
}

// Annotation with which a command lists its exit codes, such as "0,2,4,6".
const (
	exitCodesAnnotation = "exit_codes"
	defaultExitCodes    = "0,1,2,6"
	groupExitCodes      = "0,2"
)

// exitsOf returns the exit codes that the help of a command lists: all of them for the program itself.
func exitsOf(c *cobra.Command) []exit {
	listed := c.Annotations[exitCodesAnnotation]
	switch {
	case !c.HasParent():
		return exits()
	case listed == "" && (c.HasSubCommands() || needsNoConfig(c)):
		listed = groupExitCodes
	case listed == "":
		listed = defaultExitCodes
	}
	statuses := strings.Split(strings.ReplaceAll(listed, " ", ""), ",")
	return slices.DeleteFunc(exits(), func(e exit) bool {
		return !slices.Contains(statuses, strconv.Itoa(e.status))
	})
}

// exitHelp is the end of every command's help.
func exitHelp(c *cobra.Command) string {
	var b strings.Builder
	b.WriteString("\nExit codes:\n")
	for _, e := range exitsOf(c) {
		fmt.Fprintf(&b, "  %3d  %-12s %s\n", e.status, e.code, e.when)
	}
	return b.String()
}
