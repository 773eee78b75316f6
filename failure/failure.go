// Package failure is how every layer says what went wrong: a code that scripts can rely on, a message for people that
// names the value at fault, and what to do now: as a hint, or as a reason with arguments for whoever talks to the user
// to word.
package failure

import (
	"errors"
	"fmt"
	"io/fs"
)

// Code says of which kind a failure is. The process maps each code to one exit code, and the JSON error object carries
// it as it stands.
type Code string

// The codes, in the order of their exit codes (1 to 7, and 130).
const (
	Internal    Code = "internal"     // a fault of the program
	Invalid     Code = "invalid"      // bad flags, bad input, bad configuration
	NotFound    Code = "not_found"    // no such plan, user, price, …
	Denied      Code = "denied"       // a limit or the subscription's state refuses the call
	Conflict    Code = "conflict"     // the same id with other content; a state that has moved on
	Unavailable Code = "unavailable"  // a database or service that can't be used now
	FailedCheck Code = "failed_check" // doctor, selftest or reconcile found problems
	Interrupted Code = "interrupted"  // stopped by the user or the system; nothing half done
)

// Error is a failure with its code. Reason is a finer code within the kind, for example limit_exceeded under denied; it
// may be empty. What to do now depends on how the user reached us: where that takes a command or a page of ours, there
// is a reason and no hint.
type Error struct {
	Code    Code
	Reason  string
	Args    Args // what the reason is about
	Message string
	Hint    string
	Err     error // what caused it, for logs and errors.Is; not part of the message
}

// Args are named values, in their order.
type Args []Arg

// Arg is a named value.
type Arg struct{ Name, Value string }

// ArgsOf makes arguments of names, each followed by its value.
func ArgsOf(pairs ...any) Args {
	var args Args
	for i := 0; i+1 < len(pairs); i += 2 {
		args = append(args, Arg{fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1])})
	}
	return args
}

// Error returns the message for people.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.Err }

// New makes a failure of a kind; format and args make the message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalidf reports bad input: name the field, the value, and what would be right.
func Invalidf(format string, args ...any) *Error { return New(Invalid, format, args...) }

// NotFoundf reports that something named does not exist.
func NotFoundf(format string, args ...any) *Error { return New(NotFound, format, args...) }

// Conflictf reports a contradiction with what is stored already.
func Conflictf(format string, args ...any) *Error { return New(Conflict, format, args...) }

// Unavailablef reports that a service that is needed can't be used.
func Unavailablef(format string, args ...any) *Error { return New(Unavailable, format, args...) }

// Within returns err with the place where it happened in front of its message; its code, reason, arguments and hint
// stay.
func Within(err error, format string, args ...any) *Error {
	within := New(CodeOf(err), "%s: %s", fmt.Sprintf(format, args...), err).Because(err)
	if e, ok := errors.AsType[*Error](err); ok {
		within.Reason, within.Args, within.Hint = e.Reason, e.Args, e.Hint
	}
	return within
}

// WithHint returns the failure with what to do now.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithReason returns the failure with a finer code and what that is about: names, each followed by its value.
func (e *Error) WithReason(reason string, args ...any) *Error {
	e.Reason, e.Args = reason, ArgsOf(args...)
	return e
}

// Because returns the failure with its cause.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// CodeOf returns the code of err: that of the first Error in its chain, else Internal. It must not be called with nil.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// Is tells whether err is a failure of the given kind.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// ErrWritesRefused says that nothing may be written: the clock is ahead, and the database is no rehearsal.
var ErrWritesRefused = errors.New("nothing may be written")

// ErrOtherSchema says that the tables of a database are those of another version of the program.
var ErrOtherSchema = errors.New("the schema is another version's")

// OfStorage tells whether an error is of the storage as a whole, and not about the user, row or file that it was met
// with.
func OfStorage(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return err != nil && (!ok || e.Code == Unavailable || errors.Is(err, ErrWritesRefused))
}

// WithoutPath returns what went wrong with a file, for a message that names the file itself.
func WithoutPath(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	return err.Error()
}
