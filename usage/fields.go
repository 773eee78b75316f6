package usage

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Field is one field of a log row. Event files, archives, documents and the log's columns are all made from the one
// list that EntryFields returns.
type Field struct {
	Name     string // in event files, archives and documents
	Column   string // of api_usage_logs
	Recorded bool   // recording adds it; the others are an event's own
	quantity bool
	Rare     bool // few rows have it: the database keeps NULL for 0 or ""

	// In returns where an Entry has the field: a *string, *int64, *int, *bool, *time.Time,
	// *pricing.USD, *pricing.Thousandths, *pricing.ReportedCost or Reference.
	In func(*Entry) any
}

// Reference is where an Entry has the id of a row of another table; 0 for none.
type Reference struct{ ID *int64 }

// entryFields are the fields in the order in which exports and archives have them.
var entryFields = makeEntryFields() // read-only

// EntryFields returns the fields of a log row in their order. Nobody may change them.
func EntryFields() []Field { return entryFields }

func makeEntryFields() []Field {
	fields := []Field{
		{Name: "id", Column: "event_id", In: func(e *Entry) any { return &e.ID }},
		{Name: "user_id", In: func(e *Entry) any { return &e.UserID }},
		{Name: "provider", In: func(e *Entry) any { return &e.Provider }},
		{Name: "model", In: func(e *Entry) any { return &e.Model }},
		{Name: "vendor", In: func(e *Entry) any { return &e.Vendor }},
		{Name: "time", Column: "occurred_at", In: func(e *Entry) any { return &e.Time }},
	}
	for q := range pricing.QuantityCount {
		f := Field{Name: q.String(), Column: q.Column(), quantity: true, Rare: q.Rare(),
			In: func(e *Entry) any { return &e.Quantities[q] }}
		if q.PerUnit() > 1 {
			f.In = func(e *Entry) any { return (*pricing.Thousandths)(&e.Quantities[q]) }
		}
		fields = append(fields, f)
	}
	fields = append(fields, []Field{
		{Name: "endpoint", In: func(e *Entry) any { return &e.Endpoint }},
		{Name: "method", In: func(e *Entry) any { return &e.Method }},
		{Name: "status_code", In: func(e *Entry) any { return &e.StatusCode }},
		{Name: "response_time_ms", In: func(e *Entry) any { return &e.ResponseTimeMS }},
		{Name: "error_message", In: func(e *Entry) any { return &e.ErrorMessage }},
		{Name: "retry_count", In: func(e *Entry) any { return &e.RetryCount }},
		{Name: "billable", In: func(e *Entry) any { return &e.Billable }},
		{Name: "service_tier", Rare: true, In: func(e *Entry) any { return &e.ServiceTier }},
		{Name: "reported_cost", Column: "reported_cost_pico", Rare: true, In: func(e *Entry) any { return &e.Reported }},
		{Name: "measured", Rare: true, In: func(e *Entry) any { return (*string)(&e.Measured) }},
		{Name: "client_request_id", Rare: true, In: func(e *Entry) any { return &e.ClientRequestID }},
		{Name: "cost", Column: "cost_pico", Recorded: true, In: func(e *Entry) any { return &e.Cost }},
		{Name: "pricing", Recorded: true, In: func(e *Entry) any { return (*string)(&e.Basis) }},
		{Name: "price_id", Recorded: true, In: func(e *Entry) any { return Reference{&e.PriceID} }},
		{Name: "period_start", Recorded: true, In: func(e *Entry) any { return &e.PeriodStart }},
		{Name: "plan_id", Recorded: true, In: func(e *Entry) any { return Reference{&e.PlanID} }},
		{Name: "recorded_at", Recorded: true, In: func(e *Entry) any { return &e.RecordedAt }},
		{Name: "token_id", Recorded: true, Rare: true, In: func(e *Entry) any { return Reference{&e.TokenID} }},
	}...)
	for i := range fields {
		fields[i].Column = cmp.Or(fields[i].Column, fields[i].Name)
	}
	return fields
}

// rareFields are those that few rows have.
var rareFields = slices.DeleteFunc(makeEntryFields(), func(f Field) bool { return !f.Rare }) // read-only

// HasRare tells whether a log row has anything that few rows have.
func (e *Entry) HasRare() bool {
	for i := range rareFields {
		if !rareFields[i].IsEmpty(e) {
			return true
		}
	}
	return false
}

// Value returns what a log row has in the field.
func (f *Field) Value(e *Entry) any {
	switch in := f.In(e).(type) {
	case *string:
		return *in
	case *int64:
		return *in
	case *int:
		return *in
	case *bool:
		return *in
	case *time.Time:
		return *in
	case *pricing.USD:
		return *in
	case *pricing.Thousandths:
		return *in
	case *pricing.ReportedCost:
		return *in
	case Reference:
		return *in.ID
	}
	return nil
}

// parse sets the field to what a text says, of which nothing is kept. Texts come from texts.
func (f *Field) parse(e *Entry, text []byte, texts *sharedTexts) (err error) {
	switch to := f.In(e).(type) {
	case *string:
		*to = texts.text(text)
	case *int64:
		*to, err = parseCount(f.Name, text)
	case *int:
		var n int64
		n, err = parseCount(f.Name, text)
		*to = int(n)
	case *bool:
		*to, err = parseBool(f.Name, text)
	case *time.Time:
		*to, err = parseTimeBytes(text)
	case *pricing.USD:
		*to, err = pricing.ParseUSD(string(text))
	case *pricing.Thousandths:
		var n int64
		n, err = pricing.Seconds.Parse(f.Name, string(text))
		*to = pricing.Thousandths(n)
	case *pricing.ReportedCost:
		*to, err = pricing.ParseReportedCost(string(text))
	case Reference:
		*to.ID, err = strconv.ParseInt(string(text), 10, 64)
	}
	return err
}

// Copy gives one log row what another one has in the field.
func (f *Field) Copy(to, from *Entry) {
	switch in := f.In(from).(type) {
	case *string:
		*f.In(to).(*string) = *in
	case *int64:
		*f.In(to).(*int64) = *in
	case *int:
		*f.In(to).(*int) = *in
	case *bool:
		*f.In(to).(*bool) = *in
	case *time.Time:
		*f.In(to).(*time.Time) = *in
	case *pricing.USD:
		*f.In(to).(*pricing.USD) = *in
	case *pricing.Thousandths:
		*f.In(to).(*pricing.Thousandths) = *in
	case *pricing.ReportedCost:
		*f.In(to).(*pricing.ReportedCost) = *in
	case Reference:
		*f.In(to).(Reference).ID = *in.ID
	}
}

// negates tells whether a counter-entry has the field with the sign turned round: all that is summed up.
func (f *Field) negates() bool {
	switch f.In(&Entry{}).(type) {
	case *pricing.USD, *pricing.ReportedCost:
		return true
	}
	return f.quantity
}

// negate turns the sign of such a field round.
func (f *Field) negate(e *Entry) {
	switch in := f.In(e).(type) {
	case *int64:
		*in = -*in
	case *pricing.USD:
		*in = -*in
	case *pricing.Thousandths:
		*in = -*in
	case *pricing.ReportedCost:
		in.USD = -in.USD
	}
}

// same tells whether two log rows have the same in the field.
func (f *Field) same(a, b *Entry) bool {
	if at, isTime := f.In(a).(*time.Time); isTime {
		return at.Equal(*f.In(b).(*time.Time))
	}
	return f.Value(a) == f.Value(b)
}

// IsEmpty tells whether the field has nothing that an archive must keep.
func (f *Field) IsEmpty(e *Entry) bool {
	switch in := f.In(e).(type) {
	case *string:
		return *in == ""
	case *int64:
		return *in == 0 && f.Name != pricing.Requests.String() // an import takes none given for one
	case *bool:
		return !*in
	case *pricing.Thousandths:
		return *in == 0
	case *pricing.ReportedCost:
		return !in.Given
	case Reference:
		return *in.ID == 0
	}
	return false
}

// appendJSON appends the field's value as JSON, or returns an error for a text that is not valid UTF-8.
func (f *Field) appendJSON(text []byte, e *Entry) ([]byte, error) {
	switch in := f.In(e).(type) {
	case *string:
		return jsontext.AppendQuote(text, *in)
	case *int64:
		return strconv.AppendInt(text, *in, 10), nil
	case *int:
		return strconv.AppendInt(text, int64(*in), 10), nil
	case *bool:
		return strconv.AppendBool(text, *in), nil
	case *time.Time:
		return append(in.UTC().AppendFormat(append(text, '"'), "2006-01-02T15:04:05.999999Z"), '"'), nil
	case *pricing.USD:
		return append(append(append(text, '"'), in.String()...), '"'), nil
	case *pricing.Thousandths:
		return append(text, in.String()...), nil
	case *pricing.ReportedCost:
		return append(append(append(text, '"'), in.USD.String()...), '"'), nil
	case Reference:
		return strconv.AppendInt(text, *in.ID, 10), nil
	}
	return text, nil
}

// parseCount is pricing.ParseQuantity, which allocates, with a short cut for what nearly all numbers are: a few digits.
func parseCount(name string, text []byte) (int64, error) {
	if len(text) == 0 || len(text) > 15 { // 15 digits are below pricing.MaxQuantity
		return pricing.ParseQuantity(name, string(text))
	}
	n := int64(0)
	for _, c := range text {
		if c < '0' || c > '9' {
			return pricing.ParseQuantity(name, string(text))
		}
		n = 10*n + int64(c-'0')
	}
	return n, nil
}

func parseBool(name string, text []byte) (bool, error) {
	value, err := strconv.ParseBool(strings.ToLower(string(text)))
	if err != nil {
		return false, failure.Invalidf("%s is %q: it must be true or false", name, failure.Shorten(string(text)))
	}
	return value, nil
}
