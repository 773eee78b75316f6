package cmd

import (
	"context"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
)

func TestColored(t *testing.T) {
	for _, test := range []struct {
		mode     string
		terminal bool
		environ  []string
		want     bool
	}{
		{"auto", true, nil, true},
		{"auto", false, nil, false},
		{"auto", true, []string{"NO_COLOR=1"}, false},
		{"auto", true, []string{"NO_COLOR="}, true},
		{"auto", true, []string{"TERM=dumb"}, false},
		{"auto", true, []string{"TERM=xterm"}, true},
		{"always", false, nil, true},
		{"always", true, []string{"NO_COLOR=1", "TERM=dumb"}, true},
		{"never", true, nil, false},
	} {
		if got := (Process{Environ: test.environ}).colored(test.mode, test.terminal); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestErrorIsRedOnATerminal(t *testing.T) {
	refuse := func(context.Context, *commands.Env) error { return failure.Invalidf("no") }
	p := testProcess(t, "work")
	p.ErrTerminal = true
	if got := do(t, p, refuse); got.err != "\x1b[1;31merror:\x1b[0m no\n" {
		t.Errorf("%q", got.err)
	}
	p.Args = []string{"work", "--color", "never"}
	if got := do(t, p, refuse); got.err != "error: no\n" {
		t.Errorf("%q", got.err)
	}
}

func TestNow(t *testing.T) {
	for arg, want := range map[string]string{
		"":                                    "2026-03-04T04:06:07.123456Z",
		"2025-02-28":                          "2025-02-28T00:00:00Z",
		"2024-02-29T23:30:00.123456789+01:00": "2024-02-29T22:30:00.123456Z",
	} {
		p := testProcess(t, "work", "--debug")
		if arg != "" {
			p.Args = append(p.Args, "--now", arg)
		}
		got := do(t, p, func(_ context.Context, env *commands.Env) error {
			if now := env.Now().Format(time.RFC3339Nano); now != want {
				t.Errorf("%s: %s, want %s", arg, now, want)
			}
			env.Log.Info("hello")
			return nil
		})
		mustContain(t, got.err, "time="+want[:19], "msg=hello") // the log's clock obeys too
	}
}
