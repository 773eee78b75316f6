package usage

import (
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
	Kind     FieldKind
	Recorded bool // recording adds it; the others are an event's own

	// One of these returns where an Entry has the field: the one for its kind.
	Text   func(*Entry) *string
	Number func(*Entry) *int64 // also of Reference and Money, there in pico-dollars
	Status func(*Entry) *int
	Time   func(*Entry) *time.Time
	Bool   func(*Entry) *bool
}

// FieldKind says what values a Field has.
type FieldKind int

// The kinds of fields.
const (
	TextField FieldKind = iota
	NumberField
	ReferenceField // the id of a row of another table; 0 for none
	MoneyField
	StatusField // an HTTP status: a number of three digits
	TimeField
	BoolField
)

// entryFields are the fields in the order in which exports and archives have them.
var entryFields = makeEntryFields() // read-only

// EntryFields returns the fields of a log row in their order. Nobody may change them.
func EntryFields() []Field { return entryFields }

func makeEntryFields() []Field {
	fields := []Field{
		{Name: "id", Column: "event_id", Kind: TextField, Text: func(e *Entry) *string { return &e.ID }},
		{Name: "user_id", Kind: TextField, Text: func(e *Entry) *string { return &e.UserID }},
		{Name: "provider", Kind: TextField, Text: func(e *Entry) *string { return &e.Provider }},
		{Name: "model", Kind: TextField, Text: func(e *Entry) *string { return &e.Model }},
		{Name: "vendor", Kind: TextField, Text: func(e *Entry) *string { return &e.Vendor }},
		{Name: "time", Column: "occurred_at", Kind: TimeField, Time: func(e *Entry) *time.Time { return &e.Time }},
	}
	for _, q := range pricing.AllQuantities() {
		of := func(e *Entry) *int64 { return &e.Quantities[q] }
		fields = append(fields, Field{Name: q.String(), Kind: NumberField, Number: of})
	}
	fields = append(fields, []Field{
		{Name: "endpoint", Kind: TextField, Text: func(e *Entry) *string { return &e.Endpoint }},
		{Name: "method", Kind: TextField, Text: func(e *Entry) *string { return &e.Method }},
		{Name: "status_code", Kind: StatusField, Status: func(e *Entry) *int { return &e.StatusCode }},
		{Name: "response_time_ms", Kind: NumberField, Number: func(e *Entry) *int64 { return &e.ResponseTimeMS }},
		{Name: "error_message", Kind: TextField, Text: func(e *Entry) *string { return &e.ErrorMessage }},
		{Name: "retry_count", Kind: NumberField, Number: func(e *Entry) *int64 { return &e.RetryCount }},
		{Name: "billable", Kind: BoolField, Bool: func(e *Entry) *bool { return &e.Billable }},
	}...)
	fields = append(fields, recordedFields()...)
	for i := range fields {
		if fields[i].Column == "" {
			fields[i].Column = fields[i].Name
		}
	}
	return fields
}

// recordedFields returns what recording adds to an event.
func recordedFields() []Field {
	fields := []Field{
		{Name: "cost", Column: "cost_pico", Kind: MoneyField, Number: func(e *Entry) *int64 { return (*int64)(&e.Cost) }},
		{Name: "pricing", Kind: TextField, Text: func(e *Entry) *string { return (*string)(&e.Basis) }},
		{Name: "price_id", Kind: ReferenceField, Number: func(e *Entry) *int64 { return &e.PriceID }},
		{Name: "period_start", Kind: TimeField, Time: func(e *Entry) *time.Time { return &e.PeriodStart }},
		{Name: "plan_id", Kind: ReferenceField, Number: func(e *Entry) *int64 { return &e.PlanID }},
		{Name: "recorded_at", Kind: TimeField, Time: func(e *Entry) *time.Time { return &e.RecordedAt }},
	}
	for i := range fields {
		fields[i].Recorded = true
	}
	return fields
}

// Value returns what a log row has in the field.
func (f *Field) Value(e *Entry) any {
	switch f.Kind {
	case TextField:
		return *f.Text(e)
	case StatusField:
		return *f.Status(e)
	case TimeField:
		return *f.Time(e)
	case BoolField:
		return *f.Bool(e)
	case MoneyField:
		return pricing.USD(*f.Number(e))
	}
	return *f.Number(e)
}

// parse sets the field to what a text says, of which nothing is kept. Texts come from texts.
func (f *Field) parse(e *Entry, text []byte, texts *sharedTexts) (err error) {
	switch f.Kind {
	case TextField:
		*f.Text(e) = texts.text(text)
	case NumberField:
		*f.Number(e), err = parseCount(f.Name, text)
	case StatusField:
		var code int64
		code, err = parseCount(f.Name, text)
		*f.Status(e) = int(code)
	case TimeField:
		*f.Time(e), err = parseTimeBytes(text)
	case BoolField:
		*f.Bool(e), err = parseBool(f.Name, text)
	case MoneyField:
		var amount pricing.USD
		amount, err = pricing.ParseUSD(string(text))
		*f.Number(e) = int64(amount)
	case ReferenceField:
		*f.Number(e), err = strconv.ParseInt(string(text), 10, 64)
	}
	return err
}

// same tells whether two log rows have the same in the field.
func (f *Field) same(a, b *Entry) bool {
	switch f.Kind {
	case TextField:
		return *f.Text(a) == *f.Text(b)
	case StatusField:
		return *f.Status(a) == *f.Status(b)
	case TimeField:
		return f.Time(a).Equal(*f.Time(b))
	case BoolField:
		return *f.Bool(a) == *f.Bool(b)
	}
	return *f.Number(a) == *f.Number(b)
}

// empty tells whether the field has nothing that an archive must keep.
func (f *Field) empty(e *Entry) bool {
	switch f.Kind {
	case TextField:
		return *f.Text(e) == ""
	case NumberField, ReferenceField:
		return *f.Number(e) == 0
	case BoolField:
		return !*f.Bool(e)
	}
	return false
}

// appendJSON appends the field's value as JSON, or returns an error for a text that is not valid UTF-8.
func (f *Field) appendJSON(text []byte, e *Entry) ([]byte, error) {
	switch f.Kind {
	case TextField:
		return jsontext.AppendQuote(text, *f.Text(e))
	case StatusField:
		return strconv.AppendInt(text, int64(*f.Status(e)), 10), nil
	case TimeField:
		return append(f.Time(e).UTC().AppendFormat(append(text, '"'), "2006-01-02T15:04:05.999999Z"), '"'), nil
	case BoolField:
		return strconv.AppendBool(text, *f.Bool(e)), nil
	case MoneyField:
		return append(append(append(text, '"'), pricing.USD(*f.Number(e)).String()...), '"'), nil
	}
	return strconv.AppendInt(text, *f.Number(e), 10), nil
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
