package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
)

func TestLogLevels(t *testing.T) {
	for args, want := range map[string]string{
		"":                          "warn error",
		"--log-level info":          "info warn error",
		"--log-level error":         "error",
		"--debug":                   "debug info warn error",
		"--debug --log-level error": "debug info warn error",
	} {
		got := do(t, testProcess(t, append([]string{"work"}, strings.Fields(args)...)...),
			func(_ context.Context, env *commands.Env) error {
				env.Log.Debug("debug")
				env.Log.Info("info")
				env.Log.Warn("warn")
				env.Log.Error("error")
				return nil
			})
		var seen []string
		for line := range strings.Lines(got.err) {
			_, message, _ := strings.Cut(strings.TrimSpace(line), "msg=")
			seen = append(seen, message)
		}
		if strings.Join(seen, " ") != want {
			t.Errorf("%s: %v, want %s", args, seen, want)
		}
	}
}

func TestFailureIsLogged(t *testing.T) {
	const file = "logs/subscription_errors.log"
	cause := errors.New("connection refused")
	refuse := func(context.Context, *commands.Env) error {
		return failure.Unavailablef("the database is away").Because(cause)
	}
	p := testProcess(t, "work", "--log-file", file, "--log-format", "json")
	got := do(t, p, refuse)
	if got.status != 6 || got.err != "error: the database is away\n" {
		t.Errorf("%+v", got)
	}
	var entry map[string]any
	text := read(t, filepath.Join(p.Dir, file))
	if err := json.Unmarshal([]byte(text), &entry); err != nil {
		t.Fatalf("%s: %s", err, text)
	}
	for key, want := range map[string]any{
		"level": "ERROR", "code": "unavailable", "cause": "connection refused", "message": "the database is away",
		"command": "alwrity-sub work", "exit": 6.0, "time": "2026-03-04T04:06:07.123456Z",
	} {
		if entry[key] != want {
			t.Errorf("%s is %v, want %v", key, entry[key], want)
		}
	}

	// Failures from before the configuration is read are logged as well.
	p.Args = []string{"work", "--nope"}
	p.Environ = append(p.Environ, "ALWRITY_SUB_LOG_FILE="+file)
	do(t, p, nothing)
	p.Args = []string{"wrok"}
	do(t, p, nothing)
	text = read(t, filepath.Join(p.Dir, file))
	mustContain(t, text, `code=invalid exit=2 command="alwrity-sub work" message="alwrity-sub work has no flag --nope"`,
		`has no command \"wrok\"`)
}

func TestSuccessLogsNothing(t *testing.T) {
	p := testProcess(t, "work", "--log-file", "x.log")
	if got := do(t, p, nothing); got.status != 0 || got.err != "" || read(t, filepath.Join(p.Dir, "x.log")) != "" {
		t.Errorf("%+v", got)
	}
}

func TestLogFileThatCannotBeWritten(t *testing.T) {
	p := testProcess(t, "work", "--log-file", "plain/x.log")
	write(t, p.Dir, "plain", "a file, and no directory")
	got := do(t, p, nothing)
	if got.status != 2 {
		t.Errorf("%+v", got)
	}
	mustContain(t, got.err, `error: --log-file is "plain/x.log": the log file can't be written: not a directory`)

	p = testProcess(t, "work")
	p.Environ = append(p.Environ, "ALWRITY_SUB_LOG_FILE=.")
	mustContain(t, do(t, p, nothing).err,
		`error: ALWRITY_SUB_LOG_FILE is ".": the log file can't be written: is a directory`)
}

func TestLogFileRotates(t *testing.T) {
	p := testProcess(t, "work", "--log-file", "x.log")
	write(t, p.Dir, defaultConfigFile, "log_max_size_mb: 1\nlog_max_backups: 2\nlog_level: error")
	long := strings.Repeat("x", 300_000)
	got := do(t, p, func(_ context.Context, env *commands.Env) error {
		for range 8 {
			env.Log.Error(long)
		}
		return nil
	})
	if got.status != 0 {
		t.Errorf("exit %d", got.status)
	}
	files, err := filepath.Glob(filepath.Join(p.Dir, "x*.log"))
	if err != nil || len(files) < 2 || len(files) > 3 {
		t.Errorf("%v %v", files, err)
	}
	if info, err := os.Stat(filepath.Join(p.Dir, "x.log")); err != nil || info.Size() > 1<<20 {
		t.Errorf("%v %v", info, err)
	}
}
