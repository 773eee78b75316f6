package failure_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

	"github.com/alwrity/alwrity-sub/failure"
)

func TestCodeOf(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want failure.Code
	}{
		{"plain error", io.EOF, failure.Internal},
		{"invalid", failure.Invalidf("x"), failure.Invalid},
		{"not found", failure.NotFoundf("x"), failure.NotFound},
		{"conflict", failure.Conflictf("x"), failure.Conflict},
		{"unavailable", failure.Unavailablef("x"), failure.Unavailable},
		{"denied", failure.New(failure.Denied, "x"), failure.Denied},
		{"wrapped by fmt", fmt.Errorf("while reading: %w", failure.Conflictf("x")), failure.Conflict},
		{"the outermost counts", failure.Invalidf("x").Because(failure.Conflictf("y")), failure.Invalid},
		{"joined", errors.Join(io.EOF, failure.NotFoundf("x")), failure.NotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := failure.CodeOf(tt.err); got != tt.want {
				t.Errorf("CodeOf = %q, want %q", got, tt.want)
			}
			if !failure.Is(tt.err, tt.want) || failure.Is(tt.err, failure.FailedCheck) {
				t.Errorf("Is does not agree with CodeOf")
			}
		})
	}
	if failure.Is(nil, failure.Internal) {
		t.Error("nil is a failure")
	}
}

func TestErrorKeepsWhatItIsGiven(t *testing.T) {
	err := failure.New(failure.Denied, "%d of %d", 3, 2).WithReason("limit_exceeded", "user", "ann", "most",
		2).WithHint("ask %s", "ann").Because(io.EOF)
	want := failure.Error{Code: failure.Denied, Reason: "limit_exceeded",
		Args: failure.Args{{Name: "user", Value: "ann"}, {Name: "most", Value: "2"}}, Message: "3 of 2", Hint: "ask ann",
		Err: io.EOF}
	if !reflect.DeepEqual(*err, want) {
		t.Errorf("got %+v, want %+v", *err, want)
	}
	if err.Error() != "3 of 2" {
		t.Errorf("the message is %q: the cause is for logs alone", err.Error())
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestWithinNamesThePlaceAndKeepsTheRest(t *testing.T) {
	inner := failure.NotFoundf("there is no plan %q", "Bsic").WithReason("r", "plan", "Bsic").WithHint("did you mean %s?",
		"Basic").Because(io.EOF)
	err := failure.Within(inner, "line %d", 7)
	if err.Error() != `line 7: there is no plan "Bsic"` {
		t.Errorf("message is %q", err)
	}
	if err.Code != failure.NotFound || err.Reason != "r" || len(err.Args) != 1 || err.Hint != "did you mean Basic?" ||
		!errors.Is(err, io.EOF) {
		t.Errorf("got %+v", err)
	}
	if inner.Message != `there is no plan "Bsic"` {
		t.Errorf("the inner failure was changed to %q", inner.Message)
	}
	if plain := failure.Within(io.EOF, "100%%"); plain.Error() != "100%: EOF" || plain.Code != failure.Internal {
		t.Errorf("got %+v", plain)
	}
}
