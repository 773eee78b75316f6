package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
)

func TestExitStatus(t *testing.T) {
	for code, want := range map[failure.Code]int{
		"": 0, failure.Internal: 1, failure.Invalid: 2, failure.NotFound: 3, failure.Denied: 4, failure.Conflict: 5,
		failure.Unavailable: 6, failure.FailedCheck: 7, failure.Interrupted: 130, "never heard of": 1,
	} {
		if got := exitStatus(code); got != want {
			t.Errorf("%q: exit %d, want %d", code, got, want)
		}
	}
}

func TestFailures(t *testing.T) {
	denied := failure.New(failure.Denied, "the limit is reached").WithReason("limit_exceeded").WithHint("upgrade")
	for _, test := range []struct {
		name   string
		format string
		err    error
		status int
		want   string
	}{
		{"person", "table", denied, 4, "error: the limit is reached\nhint: upgrade\n"},
		{"no hint", "table", failure.NotFoundf("no such user"), 3, "error: no such user\n"},
		{"csv is for persons", "csv", denied, 4, "error: the limit is reached\nhint: upgrade\n"},
		{"json", "json", denied, 4, `{"error":{"code":"denied","message":"the limit is reached","hint":"upgrade",` +
			`"reason":"limit_exceeded"}}` + "\n"},
		{"jsonl", "jsonl", failure.Conflictf("a < b"), 5, `{"error":{"code":"conflict","message":"a < b"}}` + "\n"},
		{"wrapped", "table", fmt.Errorf("plan 7: %w", failure.Unavailablef("gone")), 6, "error: plan 7: gone\n"},
		{"joined", "table", errors.Join(failure.New(failure.FailedCheck, "found problems"), errors.New("and more")), 7,
			"error: found problems; and more\n"},
		{"unknown", "table", errors.New("oh"), 1, "error: oh\nhint: this is a fault of the program; --debug shows more\n"},
		{"hostile", "table", failure.Invalidf("user \x1b[31m\r\nhint: rm \u202e\xff\u0085"), 2,
			`error: user \x1b[31m\r\nhint: rm \u202e\xff\u0085` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := do(t, testProcess(t, "work", "-o", test.format),
				func(context.Context, *commands.Env) error { return test.err })
			if got.status != test.status || got.err != test.want || got.out != "" {
				t.Errorf("exit %d, stderr %q, stdout %q; want %d, %q", got.status, got.err, got.out, test.status, test.want)
			}
		})
	}
}

func TestPanicIsInternal(t *testing.T) {
	got := do(t, testProcess(t, "work", "--debug"),
		func(context.Context, *commands.Env) error { panic("index out of range") })
	if got.status != 1 {
		t.Errorf("exit %d, want 1", got.status)
	}
	mustContain(t, got.err, "error: a fault of the program: index out of range", "stack=", "exit_test.go")

	got = do(t, testProcess(t, "work"), func(context.Context, *commands.Env) error { panic("oh") })
	if strings.Contains(got.err, "goroutine") {
		t.Errorf("the stack is shown without --debug:\n%s", got.err)
	}
}

// A caller that asks for JSON reads every failure, also that of a flag.
func TestJSONBeforeConfiguration(t *testing.T) {
	for _, args := range [][]string{
		{"-o", "json", "wrok"},
		{"--output", "json", "work", "--nope"},
		{"work", "--nope", "--output=json"},
		{"work", "--nope", "-ojson"},
		{"work", "--nope", "-o=json"},
		{"-o", "jsonl", "work", "--limit", "x"},
		{"-o", "json", "plans", "lsit"},
		{"-o", "json", "plans", "show"},
		{"-o", "json", "work", "extra"},
		{"-o", "json", "work", "--config", "nowhere.yaml"},
		{"-o", "json", "work", "--log-file", "/dev/null/x"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			got := do(t, testProcess(t, args...), nothing)
			var told struct{ Error errorBody }
			if err := json.Unmarshal([]byte(got.err), &told); err != nil {
				t.Fatalf("stderr is no JSON: %s\n%s", err, got.err)
			}
			if got.status != 2 || told.Error.Code != failure.Invalid || told.Error.Message == "" || told.Error.Hint == "" {
				t.Errorf("exit %d, %+v", got.status, told.Error)
			}
		})
	}

	p := testProcess(t, "work", "--nope")
	p.Environ = append(p.Environ, "ALWRITY_SUB_OUTPUT=json")
	mustContain(t, do(t, p, nothing).err, `{"error":`)
	mustContain(t, do(t, testProcess(t, "work", "--nope", "--", "-o", "json"), nothing).err, "error: ")
}
