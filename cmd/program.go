package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

// program is one run.
type program struct {
	process Process
	out     *output
	secrets *redactor
	root    *cobra.Command
	env     *commands.Env

	settings *settings // nil until the configuration is read
	logs     *logs
	command  *cobra.Command // that was called
	parsed   bool           // all flags are parsed
	began    bool           // the command's own code has begun to run
	usageErr error          // found where cobra can't return it
}

func newProgram(p Process, verbs verbs) *program {
	g := &program{process: p, out: &output{to: p.Out}, secrets: &redactor{}}
	for _, variable := range p.Environ {
		name, value, _ := strings.Cut(variable, "=")
		g.secrets.addFrom(name, value)
	}
	for _, arg := range p.Args {
		g.secrets.addFrom("", arg)
	}
	quiet := slog.New(slog.DiscardHandler)
	g.logs = &logs{both: quiet, stderr: quiet, close: func() error { return nil }}
	g.env = &commands.Env{
		In:       p.In,
		Err:      p.Err,
		Printer:  report.Printer{Out: g.out, Format: report.FormatTable, Hint: commands.HintFor},
		Progress: p.ErrTerminal && !p.dumb(),
		Log:      quiet,
		Now:      p.utcNow,
		Clock:    p.utcNow,
	}
	g.bindDatabase()
	g.root = g.newRoot(verbs(g.env))
	return g
}

// execute runs the command. A panic in it is a failure like others.
func (g *program) execute(ctx context.Context) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			g.logs.both.Debug("panic", "fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
			err = failure.New(failure.Internal, "a fault of the program: %v", fault)
		}
	}()
	g.env.In = newInterruptible(ctx, g.process.In)
	g.root.SetArgs(slices.Concat([]string{}, g.process.Args))
	g.command, err = g.root.ExecuteContextC(ctx)
	if err == nil {
		err = g.usageErr
	}
	if _, ok := errors.AsType[*failure.Error](err); err != nil && !g.began && !ok {
		err = usageError(g.command, err)
	}
	return err
}

// prepare reads the configuration and fills the environment of the commands. It runs when the flags are parsed.
func (g *program) prepare(called *cobra.Command) error {
	g.command, g.parsed = called, true
	if needsNoConfig(called) {
		return nil
	}
	err := g.configure()
	if isCompletion(called) {
		return nil // a shell that completes a word has no use for a failure
	}
	return err
}

func (g *program) configure() error {
	p, flags := g.process, g.root.PersistentFlags()
	now, err := clock(p, flags)
	if err != nil {
		return err
	}
	c, err := loadConfig(p, flags)
	if err != nil {
		return err
	}
	g.addSecrets(c)
	s, err := c.check(p, g.is(commands.Serves), g.is(commands.UsesGateway))
	if err != nil {
		return err
	}
	g.settings = &s
	if g.logs, err = openLogs(s.log, p.Dir, p.Err, now, g.secrets); err != nil {
		return err
	}
	g.fill(s)
	g.env.Now = now
	return nil
}

// is tells whether the command has an annotation.
func (g *program) is(annotation string) bool {
	return g.command != nil && g.command.Annotations[annotation] != ""
}

// fill hands the configuration to the commands.
func (g *program) fill(s settings) {
	p := g.process
	g.env.Quiet, g.env.Log = s.quiet, g.logs.both
	g.env.Printer.Format, g.env.Printer.Width = s.output, p.Width
	g.env.Printer.Color = p.colored(s.color, p.OutTerminal)
	g.env.Settings = s.commands
	g.env.Settings.DatabaseURL = g.redactedURL()
	if target, err := g.target(); err == nil {
		g.env.Settings.PasswordInUser = target.PasswordInUser
	}
	g.env.Settings.Notify.Redact = g.secrets.redact
}

// addSecrets adds the secrets in the files to the redactor, also those that a stronger setting overrides.
func (g *program) addSecrets(c *config) {
	for name, value := range c.env {
		g.secrets.addFrom(name, value)
	}
	for _, l := range c.layers {
		if text, ok := l.values[keyDatabaseURL].(string); ok {
			g.secrets.addFrom(keyDatabaseURL, text)
		}
		g.secrets.addNotifySecrets(l.values)
	}
}

// finish tells the user about a failure, logs it, and returns the exit code.
func (g *program) finish(ctx context.Context, err error) int {
	err = interrupted(ctx, g.out.result(err))
	if err == nil {
		_ = g.logs.close() // nothing was lost: a log is written line by line
		return exitStatus("")
	}
	if g.settings == nil {
		g.configureForFailure()
	}
	body := errorBodyOf(err, g.secrets)
	g.logs.failed(err, body.Code, g.commandPath())
	_ = g.logs.close()
	body.print(g.process.Err, g.format(), g.process.colored(g.colorMode(), g.process.ErrTerminal))
	return exitStatus(body.Code)
}

// configureForFailure reads the configuration for a failure that came before it was read: it names the log file and the
// format. Where it is wrong as well, the user is told of the first failure.
func (g *program) configureForFailure() {
	defer func() { _ = recover() }() // the failure that is known must be told
	_ = g.configure()
}

// interrupted returns the failure for a command that a signal has stopped: drivers report that in many ways.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	switch code := failure.CodeOf(err); {
	case errors.Is(err, context.Canceled), code == failure.Internal, code == failure.Unavailable:
		return failure.New(failure.Interrupted, "interrupted").
			WithHint("nothing is half done; run the command again to go on").Because(err)
	}
	return err
}

func (g *program) commandPath() string {
	if g.command == nil {
		return g.root.Name()
	}
	return g.command.CommandPath()
}

// format is the format of a failure. If that came before all flags or files were
// read, the arguments and the environment still say what the caller can read.
func (g *program) format() report.Format {
	if g.settings != nil && g.parsed {
		return g.settings.output
	}
	if format := outputFlag(g.process.Args); format != "" {
		return format
	}
	if g.settings != nil {
		return g.settings.output
	}
	return report.Format(g.process.getenv("ALWRITY_SUB_OUTPUT"))
}

// outputFlag looks for the last --output among arguments that could not be parsed.
func outputFlag(args []string) (format report.Format) {
	for i, arg := range args {
		value, isLong := strings.CutPrefix(arg, "--output=")
		short, isShort := strings.CutPrefix(arg, "-o")
		switch {
		case arg == "--":
			return format
		case isLong:
			format = report.Format(value)
		case arg == "-o", arg == "--output":
			if i+1 < len(args) {
				format = report.Format(args[i+1])
			}
		case isShort:
			format = report.Format(strings.TrimPrefix(short, "="))
		}
	}
	return format
}

func (g *program) colorMode() string {
	if g.settings != nil {
		return g.settings.color
	}
	return colorAuto
}
