package cmd

import (
	"fmt"
	"log/slog"
	"os/user"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/statement"
)

// settings is the configuration, checked.
type settings struct {
	databaseURL string
	thresholds  []int
	billing     billing.Rules
	sender      statement.Sender
	actor       string
	output      report.Format
	color       string
	quiet       bool
	log         logSettings
	notify      notify.Settings
}

type logSettings struct {
	level      slog.Level
	format     string
	file       string // "" for none
	label      string // where the file was set
	maxSizeMB  int
	maxBackups int
}

// check reads each setting, and ends at the first that can't be right.
func (c *config) check(p Process) (s settings, err error) {
	if s.databaseURL, err = c.text(keyDatabaseURL); err != nil {
		return s, err
	}
	if s.thresholds, err = c.thresholds(); err != nil {
		return s, err
	}
	if s.billing, err = c.billing(); err != nil {
		return s, err
	}
	if s.sender, err = c.sender(); err != nil {
		return s, err
	}
	if s.actor, err = c.actor(p); err != nil {
		return s, err
	}
	output, err := c.choice(keyOutput, string(report.FormatTable), string(report.FormatJSON), string(report.FormatJSONL),
		string(report.FormatCSV))
	if err != nil {
		return s, err
	}
	s.output = report.Format(output)
	if s.color, err = c.choice(keyColor, colorAuto, colorAlways, colorNever); err != nil {
		return s, err
	}
	if s.quiet, err = c.truth(keyQuiet); err != nil {
		return s, err
	}
	if s.notify, err = c.notify(p); err != nil {
		return s, err
	}
	s.log, err = c.logging()
	return s, err
}

func (c *config) logging() (s logSettings, err error) {
	debug, err := c.truth(keyDebug)
	if err != nil {
		return s, err
	}
	level, err := c.choice(keyLogLevel, "debug", "info", "warn", "error")
	if err != nil {
		return s, err
	}
	if err := s.level.UnmarshalText([]byte(level)); err != nil {
		return s, err
	}
	if debug {
		s.level = slog.LevelDebug
	}
	if s.format, err = c.choice(keyLogFormat, "text", "json"); err != nil {
		return s, err
	}
	if s.file, err = c.text(keyLogFile); err != nil {
		return s, err
	}
	s.label = c.label(keyLogFile)
	if s.maxSizeMB, err = c.number(keyLogMaxSize, 1, 100_000); err != nil {
		return s, err
	}
	s.maxBackups, err = c.number(keyLogMaxBackups, 0, 100_000)
	return s, err
}

// billing is how bills are paid.
func (c *config) billing() (r billing.Rules, err error) {
	const longest = 3660 // days
	if r.DueDays, err = c.number(keyDueDays, 0, longest); err != nil {
		return r, err
	}
	if r.GraceDays, err = c.number(keyGraceDays, 0, longest); err != nil {
		return r, err
	}
	if r.Suspend, err = c.truth(keySuspendUnpaid); err != nil {
		return r, err
	}
	r.RenewalNotice, err = c.number(keyRenewalNotice, 0, longest)
	return r, err
}

// sender is the company that statements come from.
func (c *config) sender() (s statement.Sender, err error) {
	for _, field := range []struct {
		key string
		to  *string
	}{{keyCompanyName, &s.Company}, {keyAddress, &s.Address}, {keyCompanyEmail, &s.Email}, {keyTaxID, &s.TaxID},
		{keyPaymentNote, &s.PaymentNote}} {
		if *field.to, err = c.text(field.key); err != nil {
			return s, err
		}
	}
	return s, nil
}

// thresholds are ascending whole percents, written as 80,90,100 or as a list.
func (c *config) thresholds() ([]int, error) {
	var words []string
	if list, ok := c.values.Get(keyThresholds).([]any); ok {
		for _, item := range list {
			words = append(words, fmt.Sprint(item))
		}
	} else {
		text, err := c.text(keyThresholds)
		if err != nil {
			return nil, err
		}
		words = strings.Split(text, ",")
	}
	percents := make([]int, 0, len(words))
	for _, word := range words {
		percent, err := strconv.Atoi(strings.TrimSpace(word))
		switch {
		case err != nil || percent < 1 || percent > 1000:
			return nil, c.badThreshold("has %q in it: each must be a whole percent from 1 to 1000", failure.Shorten(word))
		case len(percents) > 0 && percent <= percents[len(percents)-1]:
			return nil, c.badThreshold("has %d after %d: they must ascend, each once", percent, percents[len(percents)-1])
		}
		percents = append(percents, percent)
	}
	if len(percents) == 0 {
		return nil, c.badThreshold("is empty: there must be one threshold at least")
	}
	return percents, nil
}

func (c *config) badThreshold(format string, args ...any) error {
	return failure.Invalidf("%s %s", c.label(keyThresholds), fmt.Sprintf(format, args...)).WithHint("write 80,90,100")
}

const longestActor = 200

// actor is who is named in the audit log. The variables of a login come before
// the system's list of users, which is slow to ask.
func (c *config) actor(p Process) (string, error) {
	name, err := c.text(keyActor)
	if err != nil {
		return "", err
	}
	for _, variable := range []string{"USER", "LOGNAME", "USERNAME"} {
		if name == "" {
			name = p.getenv(variable)
		}
	}
	if name == "" {
		name = systemUser()
	}
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > longestActor ||
		strings.ContainsFunc(name, unicode.IsControl) {
		return "", failure.Invalidf("%s is %q: it must be at most %d characters, none of them a control character",
			c.label(keyActor), failure.Shorten(name), longestActor)
	}
	return name, nil
}

func systemUser() string {
	current, err := user.Current()
	if err != nil {
		return "unknown" // a container may run as a user that has no name
	}
	return current.Username
}

// lookup returns one of the huggingface prices as it was written, "" where it is not set.
func (c *config) lookup(name string) string {
	switch name {
	case pricing.HuggingFaceInputVariable, pricing.HuggingFaceOutputVariable:
	default:
		return ""
	}
	text, err := c.text(strings.ToLower(name))
	if err != nil {
		return "a list or group" // no price, which is what ParseEnvironmentRates will say
	}
	return text
}

// apiKeys tells which keys of APIs are there, and nothing else about them.
func (c *config) apiKeys(p Process) []health.APIKey {
	var found []health.APIKey
	for _, names := range apiKeys() {
		k := health.APIKey{Variable: names[0]}
		for _, name := range names {
			if p.getenv(name) != "" || c.env[name] != "" {
				k = health.APIKey{Variable: name, Present: true}
				break
			}
		}
		found = append(found, k)
	}
	return found
}
