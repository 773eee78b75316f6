package cmd

import (
	"cmp"
	"fmt"
	"log/slog"
	"os/user"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/statement"
)

// settings is the configuration, checked.
type settings struct {
	databaseURL string
	commands    commands.Settings // for the commands
	output      report.Format
	color       string
	quiet       bool
	log         logSettings
	serve       serveSettings
	access      accessSettings
	gateway     gatewaySettings
}

type logSettings struct {
	level      slog.Level
	format     string
	file       string // "" for none
	label      string // where the file was set
	maxSizeMB  int
	maxBackups int
}

// check reads each setting, and returns the failure of the first that can't be right.
func (c *config) check(p Process, serves, callsVendors bool) (settings, error) {
	r := &reader{config: c}
	s := settings{
		databaseURL: r.text(keyDatabaseURL),
		commands: commands.Settings{
			Thresholds: r.thresholds(), Billing: r.billing(),
			Sender: statement.Sender{Company: r.text(keyCompanyName), Address: r.text(keyAddress),
				Email: r.text(keyCompanyEmail), TaxID: r.text(keyTaxID), PaymentNote: r.text(keyPaymentNote)},
			Actor: r.actor(p), Version: p.Version, Lookup: c.lookup, APIKeys: c.apiKeys(p), Sources: c.sources(p),
			Exposed:       c.exposed,
			SQLiteVersion: db.SQLiteVersion(),
		},
		output: report.Format(r.enum(keyOutput, string(report.FormatTable), string(report.FormatJSON),
			string(report.FormatJSONL), string(report.FormatCSV))),
		color: r.enum(keyColor, colorAuto, colorAlways, colorNever),
		quiet: r.boolean(keyQuiet),
	}
	s.commands.Notify, s.log, s.serve = r.notify(p), r.logging(serves), r.serve(p)
	s.access, s.commands.PublicURL = r.access(), r.publicURL()
	s.gateway = r.gateway(p, serves || callsVendors)
	return s, r.err
}

// logging is what is logged. Of a server that is each request, as JSON, unless it was set.
func (r *reader) logging(serves bool) logSettings {
	debug := r.boolean(keyDebug)
	s := logSettings{}
	r.fail(s.level.UnmarshalText([]byte(r.enum(keyLogLevel, "debug", "info", "warn", "error"))))
	s.format = r.enum(keyLogFormat, "text", "json")
	if serves && !r.isSet(keyLogLevel) {
		s.level = slog.LevelInfo
	}
	if serves && !r.isSet(keyLogFormat) {
		s.format = "json"
	}
	if debug {
		s.level = slog.LevelDebug
	}
	s.file, s.label = r.text(keyLogFile), r.label(keyLogFile)
	s.maxSizeMB, s.maxBackups = r.integer(keyLogMaxSize, 1, 100_000), r.integer(keyLogMaxBackups, 0, 100_000)
	return s
}

// billing is how bills are paid.
func (r *reader) billing() billing.Rules {
	const longest = 3660 // days
	return billing.Rules{
		DueDays: r.integer(keyDueDays, 0, longest), GraceDays: r.integer(keyGraceDays, 0, longest),
		Suspend: r.boolean(keySuspendUnpaid), RenewalNotice: r.integer(keyRenewalNotice, 0, longest),
	}
}

// thresholds are ascending whole percents, written as 80,90,100 or as a list.
func (r *reader) thresholds() []int {
	var words []string
	if list, ok := r.values.Get(keyThresholds).([]any); ok {
		for _, item := range list {
			words = append(words, fmt.Sprint(item))
		}
	} else {
		words = strings.Split(r.text(keyThresholds), ",")
	}
	invalid := func(format string, args ...any) {
		r.fail(failure.Invalidf("%s %s", r.label(keyThresholds), fmt.Sprintf(format, args...)).WithHint("write 80,90,100"))
	}
	var percents []int
	for _, word := range words {
		percent, err := strconv.Atoi(strings.TrimSpace(word))
		switch {
		case err != nil || percent < 1 || percent > 1000:
			invalid("has %q in it: each must be a whole percent from 1 to 1000", failure.Shorten(word))
		case len(percents) > 0 && percent <= percents[len(percents)-1]:
			invalid("has %d after %d: they must ascend, each once", percent, percents[len(percents)-1])
		}
		percents = append(percents, percent)
	}
	if len(percents) == 0 {
		invalid("is empty: there must be one threshold at least")
	}
	return percents
}

const maxActor = 200

// actor is who is named in the audit log. The variables of a login come before the system's list of users, which is
// slow to ask.
func (r *reader) actor(p Process) string {
	name := cmp.Or(r.text(keyActor), p.getenv("USER"), p.getenv("LOGNAME"), p.getenv("USERNAME"))
	if name == "" {
		name = systemUser()
	}
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxActor ||
		strings.ContainsFunc(name, unicode.IsControl) {
		r.fail(failure.Invalidf("%s is %q: it must be at most %d characters, none of them a control character",
			r.label(keyActor), failure.Shorten(name), maxActor))
	}
	return name
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
	if name != pricing.HuggingFaceInputVariable && name != pricing.HuggingFaceOutputVariable {
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
