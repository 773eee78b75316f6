package cmd

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/alwrity/alwrity-sub/failure"
)

// unknownCommand is the failure for a word that is no command of a group.
func unknownCommand(group *cobra.Command, word string, secrets *redactor) error {
	var known []string
	for _, c := range group.Commands() {
		if c.IsAvailableCommand() {
			known = append(append(known, c.Name()), c.Aliases...)
		}
	}
	word = failure.Shorten(secrets.redact(word))
	invalid := failure.Invalidf("%s has no command %q", group.CommandPath(), word)
	if near := failure.Nearest(word, known); near != "" {
		return invalid.WithHint("did you mean %s %s?", group.CommandPath(), near)
	}
	return invalid.WithHint("known are: %s; see %s --help", strings.Join(known, ", "), group.CommandPath())
}

// argumentsError words what cobra says about the number of arguments.
func argumentsError(c *cobra.Command, args []string, err error) error {
	if _, known := errors.AsType[*failure.Error](err); err == nil || known {
		return err
	}
	if none := cobra.NoArgs(c, args); none != nil && none.Error() == err.Error() {
		return failure.Invalidf("%s takes no arguments, but has %q", c.CommandPath(), failure.Shorten(args[0])).
			WithHint("%s", usageHint(c))
	}
	return failure.Invalidf("%s: %s", c.CommandPath(), err).WithHint("%s", usageHint(c))
}

// usageError is the failure for a command line that does not fit a command.
func usageError(c *cobra.Command, err error) error {
	if missing := missingFlags(c); len(missing) > 0 {
		return failure.Invalidf("%s needs %s", c.CommandPath(), strings.Join(missing, " and ")).WithHint("%s", usageHint(c))
	}
	return failure.Invalidf("%s: %s", c.CommandPath(), err).WithHint("%s", usageHint(c)).Because(err)
}

func usageHint(c *cobra.Command) string {
	return "usage: " + c.UseLine() + "; see " + c.CommandPath() + " --help"
}

func missingFlags(c *cobra.Command) []string {
	var missing []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if required := f.Annotations[cobra.BashCompOneRequiredFlag]; len(required) > 0 && required[0] == "true" &&
			!f.Changed {
			missing = append(missing, "--"+f.Name)
		}
	})
	return missing
}

// flagError is the failure for flags that can't be parsed.
func flagError(c *cobra.Command, err error) error {
	if words := c.Flags().Args(); len(words) > 0 && c.HasSubCommands() {
		return unknownCommand(c, words[0], &redactor{}) // the flag belongs to the unknown command
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(c, unknown)
	}
	if value, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return badValue(c, value)
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return failure.Invalidf("--%s needs a value", missing.GetFlag().Name).WithHint("%s", usageHint(c))
	}
	return failure.Invalidf("%s: %s", c.CommandPath(), err).WithHint("see %s --help", c.CommandPath())
}

func unknownFlag(c *cobra.Command, err *pflag.NotExistError) error {
	word, dashes := err.GetSpecifiedName(), "--"
	if short := err.GetSpecifiedShortnames(); short != "" {
		word, dashes = short, "-"
	}
	var known []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	word, _, _ = strings.Cut(word, "=") // a value may be a secret
	invalid := failure.Invalidf("%s has no flag %s%s", c.CommandPath(), dashes, failure.Shorten(word))
	if near := failure.Nearest(word, known); near != "" {
		return invalid.WithHint("did you mean --%s?", near)
	}
	if dashes == "-" && strings.IndexAny(word, "0123456789.") == 0 && strings.Contains(c.Use, " AMOUNT") {
		return invalid.WithHint("an amount below 0 stands after two dashes, at the end: -- -%s", failure.Shorten(word))
	}
	return invalid.WithHint("see %s --help", c.CommandPath())
}

func badValue(c *cobra.Command, err *pflag.InvalidValueError) error {
	name, kind := err.GetFlag().Name, err.GetFlag().Value.Type()
	if f, ok := errors.AsType[*failure.Error](err); ok {
		message := f.Message
		if !strings.HasPrefix(strings.TrimLeft(message, "-"), name) {
			message = name + ": " + message
		}
		return &failure.Error{Code: failure.Invalid, Message: "--" + strings.TrimLeft(message, "-"), Hint: f.Hint, Err: err}
	}
	right := map[string]string{
		"bool": "true or false", "duration": "a duration such as 5m or 1h30m", "float64": "a number",
		"int": wholeNumber, "int32": wholeNumber, "int64": wholeNumber,
		"uint": countNumber, "uint32": countNumber, "uint64": countNumber,
	}[kind]
	switch {
	case right == "":
		right = errors.Unwrap(err).Error()
	case errors.Is(err, strconv.ErrRange):
		right = "it must be " + right + " that is not as large"
	default:
		right = "it must be " + right
	}
	return failure.Invalidf("--%s is %q: %s", name, failure.Shorten(err.GetValue()), right).
		WithHint("see %s --help", c.CommandPath())
}

const (
	wholeNumber = "a whole number"
	countNumber = "a whole number, 0 or more"
)
