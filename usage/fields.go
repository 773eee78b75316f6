package usage

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// field is what a name in an event file stands for.
type field struct {
	name    string                            // of the event's field; of one that is not read the file's own name, in lower case
	number  int                               // tells the event's fields apart: a field and its alias have the same
	set     func(e *Event, text []byte) error // keeps nothing of text; nil where the field is not read
	seconds bool                              // the text is in seconds, and the event's field in milliseconds
	derived bool                              // not read, and not missed
}

// eventFields returns the fields of an event file by all the names under which
// they are read. Texts that many rows have in common come from shared ones.
func eventFields(shared, users *sharedTexts) map[string]*field {
	fields := map[string]*field{}
	add := func(name string, set func(e *Event, text []byte) error) {
		fields[name] = &field{name: name, number: len(fields), set: set}
	}
	add("id", func(e *Event, text []byte) error { e.ID = string(text); return nil })
	add("user_id", func(e *Event, text []byte) error { e.UserID = users.text(text); return nil })
	add("provider", func(e *Event, text []byte) error { e.Provider = shared.text(text); return nil })
	add("model", func(e *Event, text []byte) error { e.Model = shared.text(text); return nil })
	add("vendor", func(e *Event, text []byte) error { e.Vendor = shared.text(text); return nil })
	add("endpoint", func(e *Event, text []byte) error { e.Endpoint = shared.text(text); return nil })
	add("method", func(e *Event, text []byte) error { e.Method = shared.text(text); return nil })
	add("error_message", func(e *Event, text []byte) error { e.ErrorMessage = shared.text(text); return nil })
	add("time", func(e *Event, text []byte) (err error) {
		e.Time, err = parseTimeBytes(text)
		return err
	})
	add("status_code", func(e *Event, text []byte) error {
		code, err := parseCount("status_code", text)
		e.StatusCode = int(code)
		return err
	})
	add("response_time_ms", func(e *Event, text []byte) (err error) {
		e.ResponseTimeMS, err = parseCount("response_time_ms", text)
		return err
	})
	add("retry_count", func(e *Event, text []byte) (err error) {
		e.RetryCount, err = parseCount("retry_count", text)
		return err
	})
	add("billable", func(e *Event, text []byte) (err error) {
		if e.Billable, err = strconv.ParseBool(strings.ToLower(string(text))); err != nil {
			return failure.Invalidf("billable is %q: it must be true or false", pricing.Shorten(string(text)))
		}
		return nil
	})
	for _, q := range pricing.AllQuantities() {
		name := q.String()
		add(name, func(e *Event, text []byte) (err error) {
			e.Quantities[q], err = parseCount(name, text)
			return err
		})
	}
	addOtherNames(fields)
	return fields
}

// addOtherNames adds the aliases, which are the names that the log of the Python
// system has, and what the log's own export has beside the fields of an event:
// that follows from the event, so that reading it is neither needed nor missed.
func addOtherNames(fields map[string]*field) {
	for alias, name := range map[string]string{
		"tokens_input": "input_tokens", "tokens_output": "output_tokens", "model_used": "model", "timestamp": "time",
		"response_time": "response_time_ms", "search_count": "searches", "image_count": "images", "page_count": "pages",
	} {
		f := *fields[name]
		f.seconds = alias == "response_time"
		fields[alias] = &f
	}
	for _, name := range []string{"cost", "pricing", "price_id", "plan", "plan_id", "period_start", "recorded_at"} {
		fields[name] = &field{name: name, derived: true}
	}
}

// parseCount is pricing.ParseQuantity, which allocates, with a short cut for what
// nearly all numbers are: a few digits.
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

// cell is one field of a row, and its text. A text of "" counts as not given.
type cell struct {
	field *field
	text  []byte // may be part of the row; only for as long as the row is read
	err   error  // why there is no text
}

// eventReader turns the cells of rows into events.
type eventReader struct {
	fields map[string]*field
	unread map[string]int64 // how many rows gave a field that is not read

	// Of the row that is read, used again for the next.
	row   Event
	given [][]byte // the texts of its fields, by number
}

func newEventReader() *eventReader {
	fields := eventFields(newSharedTexts(mostSharedTexts), newSharedTexts(mostSharedUsers))
	return &eventReader{fields: fields, unread: map[string]int64{}, given: make([][]byte, len(fields))}
}

// mostNames is how many names an eventReader remembers, known and unknown. Those
// beyond it are read as well, and more slowly.
const mostNames = 1_000

// field returns what a name stands for, in upper or lower case.
func (r *eventReader) field(name []byte) *field {
	if f, known := r.fields[string(name)]; known {
		return f
	}
	lower := strings.ToLower(string(name))
	if f, known := r.fields[lower]; known {
		return f
	}
	f := &field{name: lower}
	if len(r.fields) < mostNames {
		r.fields[lower] = f
	}
	return f
}

// event makes an event of the cells of a row, in their order. What is not given
// has its default: one request, status 200. The event keeps nothing of the cells.
func (r *eventReader) event(cells []cell) (Event, error) {
	r.row = Event{StatusCode: 200}
	r.row.Quantities[pricing.Requests] = 1
	clear(r.given)
	for i := range cells {
		if err := r.set(&cells[i]); err != nil {
			return Event{}, err
		}
	}
	return r.row.Normalise(), nil
}

// set sets the field that a cell is for.
func (r *eventReader) set(c *cell) error {
	f, text := c.field, c.text
	if c.err != nil {
		return c.err
	}
	if len(text) == 0 {
		return nil
	}
	if f.set == nil {
		if !f.derived {
			r.unread[f.name]++
		}
		return nil
	}
	if f.seconds {
		milliseconds, err := secondsToMS(string(text))
		if err != nil {
			return err
		}
		text = []byte(milliseconds)
	}
	if before := r.given[f.number]; before != nil && !bytes.Equal(before, text) {
		return failure.Invalidf("%s is given twice, as %q and as %q", f.name, pricing.Shorten(string(before)), pricing.Shorten(string(text)))
	}
	r.given[f.number] = text
	return f.set(&r.row, text)
}
