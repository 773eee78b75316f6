package cmd

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/DeRuina/timberjack"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
)

// logs is where the program logs: to stderr, and to a file where one is named.
type logs struct {
	both   *slog.Logger
	stderr *slog.Logger
	file   *slog.Logger // nil for none
	close  func() error
}

// openLogs begins to log. Nothing that the redactor knows gets into a log.
func openLogs(s logSettings, dir string, stderr io.Writer, now func() time.Time, secrets *redactor) (*logs, error) {
	toStderr := handler(s, stderr, now, secrets)
	l := &logs{both: slog.New(toStderr), stderr: slog.New(toStderr), close: func() error { return nil }}
	if s.file == "" {
		return l, nil
	}
	path := resolvePath(dir, s.file)
	if is, _ := commands.IsDatabase(path); is { // one that can't be read may be written all the same
		return l, failure.Invalidf("%s is %q: that is a database, which would be lost", s.label, s.file).
			WithHint("name another file")
	}
	if err := mustBeWritable(path); err != nil {
		return l, unwritable(s, err)
	}
	file := &timberjack.Logger{Filename: path, MaxSize: s.maxSizeMB, MaxBackups: s.maxBackups, FileMode: logFileMode}
	toFile := handler(s, file, now, secrets)
	l.file, l.both, l.close = slog.New(toFile), slog.New(slog.NewMultiHandler(toStderr, toFile)), file.Close
	return l, nil
}

func handler(s logSettings, to io.Writer, now func() time.Time, secrets *redactor) slog.Handler {
	options := &slog.HandlerOptions{Level: s.level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		return redactAttr(a, len(groups) == 0, now, secrets)
	}}
	if s.format == "json" {
		return slog.NewJSONHandler(to, options)
	}
	return slog.NewTextHandler(to, options)
}

// redactAttr returns an attribute without secrets, and the time by the clock that --now has set.
func redactAttr(a slog.Attr, top bool, now func() time.Time, secrets *redactor) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindTime:
		if top && a.Key == slog.TimeKey {
			return slog.Time(a.Key, now())
		}
	case slog.KindString:
		return slog.String(a.Key, secrets.redact(a.Value.String()))
	case slog.KindAny:
		if _, ok := a.Value.Any().(slog.Level); !ok {
			return slog.String(a.Key, secrets.redact(fmt.Sprint(a.Value.Any())))
		}
	}
	return a
}

// failed logs what has ended the program. On stderr the user is told anyway, so there it is for debugging alone.
func (l *logs) failed(err error, code failure.Code, command string) {
	attributes := []any{"code", string(code), "exit", exitStatus(code), "command", command, "message", message(err)}
	if cause := rootCause(err); cause != message(err) {
		attributes = append(attributes, "cause", cause)
	}
	if l.file != nil {
		l.file.Error("failed", attributes...)
	}
	l.stderr.Debug("failed", attributes...)
}

// rootCause follows the causes that messages leave out.
func rootCause(err error) string {
	for {
		f, ok := errors.AsType[*failure.Error](err)
		if !ok || f.Err == nil {
			return message(err)
		}
		err = f.Err
	}
}

// logFileMode keeps what a log tells from other users.
const logFileMode = 0o640

// mustBeWritable makes the log file if it is not there, so that a path that
// can't work is told at once and not when there is something to log.
func mustBeWritable(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, logFileMode)
	if err != nil {
		return err
	}
	return file.Close()
}

func unwritable(s logSettings, err error) error {
	return failure.Invalidf("%s is %q: the log file can't be written: %s", s.label, s.file, failure.WithoutPath(err)).
		WithHint("name a file in a directory that you may write to, such as logs/subscription_errors.log").Because(err)
}
