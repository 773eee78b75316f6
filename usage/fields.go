package usage

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// eventFields returns how each field of an event file is set from its text.
func eventFields() map[string]func(e *Event, text string) error {
	fields := map[string]func(e *Event, text string) error{
		"id":               setText(func(e *Event) *string { return &e.ID }),
		"user_id":          setText(func(e *Event) *string { return &e.UserID }),
		"provider":         setText(func(e *Event) *string { return &e.Provider }),
		"model":            setText(func(e *Event) *string { return &e.Model }),
		"vendor":           setText(func(e *Event) *string { return &e.Vendor }),
		"endpoint":         setText(func(e *Event) *string { return &e.Endpoint }),
		"method":           setText(func(e *Event) *string { return &e.Method }),
		"error_message":    setText(func(e *Event) *string { return &e.ErrorMessage }),
		"response_time_ms": setCount("response_time_ms", func(e *Event) *int64 { return &e.ResponseTimeMS }),
		"retry_count":      setCount("retry_count", func(e *Event) *int64 { return &e.RetryCount }),
		"time": func(e *Event, text string) (err error) {
			e.Time, err = ParseTime("time", text)
			return err
		},
		"status_code": func(e *Event, text string) error {
			code, err := pricing.ParseQuantity("status_code", text)
			e.StatusCode = int(code)
			return err
		},
		"billable": func(e *Event, text string) (err error) {
			if e.Billable, err = strconv.ParseBool(strings.ToLower(text)); err != nil {
				return failure.Invalidf("billable is %q: it must be true or false", pricing.Shorten(text))
			}
			return nil
		},
	}
	for _, q := range pricing.AllQuantities() {
		fields[q.String()] = setCount(q.String(), func(e *Event) *int64 { return &e.Quantities[q] })
	}
	return fields
}

// fieldAliases are other names under which fields are read, as the log of the
// Python system has them.
func fieldAliases() map[string]string {
	return map[string]string{
		"tokens_input": "input_tokens", "tokens_output": "output_tokens", "model_used": "model", "timestamp": "time",
		"response_time": "response_time_ms", "search_count": "searches", "image_count": "images", "page_count": "pages",
	}
}

// derivedFields are what the log's own export has beside the fields of an event.
// They follow from the event, so that reading them is neither needed nor missed.
func derivedFields() []string {
	return []string{"cost", "pricing", "plan", "period_start", "recorded_at"}
}

func setText(place func(*Event) *string) func(*Event, string) error {
	return func(e *Event, text string) error {
		*place(e) = text
		return nil
	}
}

func setCount(name string, place func(*Event) *int64) func(*Event, string) error {
	return func(e *Event, text string) (err error) {
		*place(e), err = pricing.ParseQuantity(name, text)
		return err
	}
}

// eventReader turns named texts into events.
type eventReader struct {
	fields  map[string]func(*Event, string) error
	aliases map[string]string
	derived []string
	unread  map[string]int64
}

func newEventReader() *eventReader {
	return &eventReader{fields: eventFields(), aliases: fieldAliases(), derived: derivedFields(), unread: map[string]int64{}}
}

// event makes an event of the given fields; each calls yield with every name and
// text. A text of "" counts as not given. What is not given has its default: one
// request, status 200.
func (r *eventReader) event(each func(yield func(name, text string) error) error) (Event, error) {
	e := Event{StatusCode: 200}
	given := map[string]string{}
	err := each(func(name, text string) error {
		if text == "" {
			return nil
		}
		name = strings.ToLower(name)
		canonical, alias := r.aliases[name]
		if !alias {
			canonical = name
		}
		set, known := r.fields[canonical]
		if !known {
			if !slices.Contains(r.derived, name) {
				r.unread[name]++
			}
			return nil
		}
		if name == "response_time" {
			milliseconds, err := secondsToMS(text)
			if err != nil {
				return err
			}
			text = milliseconds
		}
		if before, twice := given[canonical]; twice && before != text {
			return failure.Invalidf("%s is given twice, as %q and as %q", canonical, pricing.Shorten(before), pricing.Shorten(text))
		}
		given[canonical] = text
		return set(&e, text)
	})
	if _, ok := given[pricing.Requests.String()]; !ok {
		e.Quantities[pricing.Requests] = 1
	}
	return e.Normalise(), err
}

// secondsToMS turns seconds, as a decimal number, into whole milliseconds,
// rounded half up: it is a measurement and nothing that is billed.
func secondsToMS(text string) (string, error) {
	s := strings.TrimSpace(text)
	seconds := new(big.Rat)
	ok := len(s) <= 40 && strings.Trim(s, "+.0123456789") == "" // before it is read: an exponent may be huge
	if ok {
		_, ok = seconds.SetString(s)
	}
	if !ok {
		return "", failure.Invalidf("response_time is %q: it must be a number of seconds", pricing.Shorten(text))
	}
	doubled := seconds.Mul(seconds, big.NewRat(2000, 1))
	n := new(big.Int).Quo(doubled.Num(), doubled.Denom())
	return n.Add(n, big.NewInt(1)).Rsh(n, 1).String(), nil
}

// ParseTime reads a moment: RFC 3339, a date (its midnight), or a date and time
// without a zone, which then is UTC. The result is in UTC, whole microseconds.
// The name is used in the invalid failure.
func ParseTime(name, text string) (time.Time, error) {
	s := strings.TrimSpace(text)
	for _, layout := range []string{
		time.RFC3339Nano, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07",
		"2006-01-02T15:04:05Z07", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02T15:04Z07:00",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			if _, offset := t.Zone(); offset > 15*3600 || offset < -15*3600 { // the farthest are +14:00 and -12:00
				break
			}
			t = t.UTC().Truncate(time.Microsecond)
			if !validTime(t) {
				return time.Time{}, failure.Invalidf("%s is %s: it must lie between the years 1970 and 8999", name, s)
			}
			return t, nil
		}
	}
	return time.Time{}, failure.Invalidf("%s is %q: there is no such time; write it as 2026-11-23T10:00:00Z or 2026-11-23", name, pricing.Shorten(text))
}
