// Package usage meters API calls: events, the limit decision, reservations, alerts, reports and bulk import. Storage is
// behind small interfaces that package db implements.
package usage

import (
	"cmp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Event is one API call as its caller reports it. It is immutable once recorded.
type Event struct {
	ID             string // chosen by the caller: the key by which a retry is known
	UserID         string
	Provider       string
	Model          string    // may be empty
	Vendor         string    // empty: derived from provider and model
	Time           time.Time // zero: the moment it is recorded
	Quantities     pricing.Quantities
	Endpoint       string
	Method         string
	StatusCode     int // HTTP; 400 and above is a failed call
	ResponseTimeMS int64
	ErrorMessage   string
	RetryCount     int64
	Billable       bool   // a failed call that is charged all the same
	ServiceTier    string // as pricing.NormaliseTier returns it: "" for the usual one
	Reported       pricing.ReportedCost
	Measured       Measured
	// ClientRequestID is what the caller's own program calls the call, to find it in its logs; it need not be unique.
	ClientRequestID string
	// TokenID is the API token that the call came with, 0 for none. What is called with it counts for it, and its limits
	// and rates are judged beside those of the plan, in one decision. It is no part of what the event says: reported again
	// with another token, or none, it is the same event.
	TokenID int64
}

// Measured says how it is known what a call used.
type Measured string

// The ways. Nearly all calls are reported, so that is the zero value: the database keeps NULL for it.
const (
	UseReported  Measured = ""          // its vendor's answer said so
	UseEstimated Measured = "estimated" // the answer said nothing, and it was estimated
)

// String returns "reported" or "estimated", as files and documents have it.
func (m Measured) String() string {
	if m == UseReported {
		return "reported"
	}
	return string(m)
}

// ParseMeasured reads "reported" or "estimated"; "" is reported. Anything else is an invalid failure.
func ParseMeasured(text string) (Measured, error) {
	switch m := Measured(strings.ToLower(strings.TrimSpace(text))); m {
	case UseReported, UseEstimated:
		return m, nil
	case "reported":
		return UseReported, nil
	}
	return "", failure.Invalidf("measured is %q: it must be reported or estimated", failure.Shorten(text))
}

// Entry is a recorded event: with its period, plan and rating. It is a row of the log.
type Entry struct {
	Event
	PeriodStart time.Time
	PlanID      int64
	Cost        pricing.USD
	Basis       pricing.Basis
	PriceID     int64 // the price it was rated with; 0 where it is unpriced
	RecordedAt  time.Time
	Token       *TokenPlace // where it counts for its token; nil: it has none, or where it is only read
	Links       *Links      // nil: it stands for itself alone; where it is not read, too
}

const (
	longestName    = 255   // of an id, user, provider, model, vendor or method, in bytes
	longestText    = 2_048 // of an endpoint
	longestMessage = 64_000
)

// Failed tells whether the call failed.
func (e Event) Failed() bool { return e.StatusCode >= 400 }

// Counts tells whether the call counts as a call and is charged: it did not fail, or its event says that it is billable
// all the same.
func (e Event) Counts() bool { return !e.Failed() || e.Billable }

// NewID returns an id for an event or reservation whose caller chose none: a UUID version 7.
func NewID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", failure.New(failure.Internal, "no id can be made: %s", err)
	}
	return id.String(), nil
}

// Normalise returns the event with names in lower case where they are keywords, and its time in UTC to the microsecond.
func (e Event) Normalise() Event {
	e.Provider = strings.ToLower(e.Provider)
	e.Vendor = strings.ToLower(e.Vendor)
	e.Method = strings.ToUpper(e.Method)
	if e.ServiceTier != "" {
		e.ServiceTier = pricing.NormaliseTier(e.ServiceTier)
	}
	if e.Measured != UseReported {
		if measured, err := ParseMeasured(string(e.Measured)); err == nil { // else Validate says it
			e.Measured = measured
		}
	}
	// CSV can't tell the two kinds of line break apart, and what is exported has to come back as the same event.
	e.ErrorMessage = plainBreaks(e.ErrorMessage)
	e.Endpoint = plainBreaks(e.Endpoint)
	if !e.Time.IsZero() {
		e.Time = e.Time.UTC().Truncate(time.Microsecond)
	}
	return e
}

func plainBreaks(text string) string {
	if strings.IndexByte(text, '\r') < 0 {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// Validate returns an invalid failure that names the first field that can't be. Whether the provider is known is not
// checked here.
func (e Event) Validate() error {
	return cmp.Or(
		ValidateUser(e.UserID),
		ValidateID(e.ID),
		validateName("provider", e.Provider, true),
		validateName("model", e.Model, false),
		validateName("vendor", e.Vendor, false),
		validateName("method", e.Method, false),
		validateName("client_request_id", e.ClientRequestID, false),
		validateKeyword("vendor", e.Vendor),
		validateKeyword("service_tier", e.ServiceTier),
		validateText("endpoint", e.Endpoint, longestText),
		validateText("error_message", e.ErrorMessage, longestMessage),
		e.Measured.validate(),
		e.validateNumbers(),
	)
}

func (m Measured) validate() error {
	if m == UseReported { // nearly always, and an import asks for each row
		return nil
	}
	_, err := ParseMeasured(string(m))
	return err
}

func validateKeyword(field, name string) error {
	if name == "" {
		return nil
	}
	return pricing.ValidateName(field, name)
}

func (e Event) validateNumbers() error {
	switch {
	case !e.Time.IsZero() && !plan.ValidTime(e.Time):
		return failure.Invalidf("time is %s: it must lie between the years 1970 and 8999", e.Time.Format(time.RFC3339))
	case e.StatusCode < 100 || e.StatusCode > 599:
		return failure.Invalidf("status_code is %d: it must be an HTTP status from 100 to 599", e.StatusCode)
	case e.ResponseTimeMS < 0 || e.ResponseTimeMS > pricing.MaxQuantity:
		return failure.Invalidf("response_time_ms is %d: it must be 0 or more milliseconds", e.ResponseTimeMS)
	case e.RetryCount < 0 || e.RetryCount > pricing.MaxQuantity:
		return failure.Invalidf("retry_count is %d: it must be 0 or more", e.RetryCount)
	}
	return cmp.Or(e.Quantities.Validate(), e.Reported.Validate())
}

// Call is what the event's cost is asked for.
func (e *Event) Call() pricing.Call {
	return pricing.Call{Provider: e.Provider, Model: e.Model, At: e.Time, Tier: e.ServiceTier, Used: e.Quantities,
		Reported: e.Reported}
}

// ValidateUser returns an invalid failure for a user id that can't be one.
func ValidateUser(id string) error { return validateName("user_id", id, true) }

// ValidateID returns an invalid failure for an event or reservation id that can't be one.
func ValidateID(id string) error { return validateName("id", id, true) }

// ValidateLabel returns an invalid failure for what people call something, unless it is empty or could be a name.
func ValidateLabel(field, text string) error { return validateName(field, text, false) }

// longestReason is how long what a person gives as a reason or a reference may be: it stands in tables, on credit notes
// and in the audit log.
const longestReason = 1_000

// ValidateReason returns an invalid failure for a reason or a reference, called field, that is too long or that no
// database stores.
func ValidateReason(field, text string) error { return validateText(field, text, longestReason) }

// RequireReason is ValidateReason for a reason that must be given, such as the example.
func RequireReason(text, example string) error {
	if strings.TrimSpace(text) == "" {
		return failure.Invalidf("the reason is empty: say why").WithHint("for example: --reason %q", example)
	}
	return ValidateReason("reason", text)
}

func validateName(field, value string, required bool) error {
	if value != "" && len(value) <= longestName && isPlain(value) {
		return nil
	}
	switch {
	case value == "" && required:
		return failure.Invalidf("%s is empty: it must be given", field)
	case len(value) > longestName:
		return failure.Invalidf("%s is %d bytes long: it must not be longer than %d", field, len(value), longestName)
	case !utf8.ValidString(value):
		return failure.Invalidf("%s is not valid UTF-8 text: %q", field, failure.Shorten(strings.ToValidUTF8(value, "?")))
	case strings.ContainsFunc(value, unicode.IsControl):
		return failure.Invalidf("%s is %q: it must not contain control characters", field, failure.Shorten(value))
	case strings.TrimSpace(value) != value:
		return failure.Invalidf("%s is %q: it must not begin or end with a space", field, failure.Shorten(value))
	}
	return nil
}

// isPlain tells whether a name is of ASCII that can be seen, with spaces at most between: as nearly all are, and
// nothing but the length is to be checked of those.
func isPlain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return name[0] != ' ' && name[len(name)-1] != ' '
}

// validateText allows line breaks and tabs, but nothing that no database stores.
func validateText(field, value string, longest int) error {
	if len(value) > longest {
		return failure.Invalidf("%s is %d bytes long: it must not be longer than %d", field, len(value), longest)
	}
	if !utf8.ValidString(value) {
		return failure.Invalidf("%s is not valid UTF-8 text", field)
	}
	if strings.ContainsRune(value, 0) {
		return failure.Invalidf("%s contains a NUL character, which no database stores", field)
	}
	return nil
}

// differences returns the names of the fields in which a reported event differs from what is recorded under its id.
// What the report leaves open (its time, its vendor) does not differ.
func (e *Entry) differences(report Event) []string {
	if report.Vendor == "" {
		report.Vendor = e.Vendor
	}
	if report.Time.IsZero() {
		report.Time = e.Time
	}
	report.TokenID = e.TokenID
	if report == e.Event {
		return nil
	}
	var names []string
	reported := &Entry{Event: report}
	for i := range entryFields {
		if f := &entryFields[i]; !f.Recorded && !f.same(e, reported) {
			names = append(names, f.Name)
		}
	}
	return names
}

// ValidateModel returns an invalid failure for a model name that can't be one.
func ValidateModel(name string) error { return validateName("model", name, true) }
