package usage

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// column is what a name in an event file stands for.
type column struct {
	name    string       // of the field; if it is not read, the file's own name in lower case
	field   *Field       // nil: it is not read
	number  int          // tells the fields apart: a field and its alias have the same
	texts   *sharedTexts // that the field's texts come from
	seconds bool         // the text is in seconds, and the event's field in milliseconds
	derived bool         // not read, and not missed
	taken   string       // why a row that has it is no event to be recorded
	mustBe  string       // not read either, but the only text that may stand there
}

// eventColumns returns the columns of an event file by all the names under which they are read. What recording adds to
// an event is read of archived rows alone.
func eventColumns(archived bool) map[string]*column {
	columns := map[string]*column{}
	shared, users := newSharedTexts(mostSharedTexts), newSharedTexts(mostSharedUsers)
	for i := range entryFields {
		f := &entryFields[i]
		c := &column{name: f.Name, field: f, number: i, texts: shared}
		switch {
		case f.Recorded && !archived:
			c.field, c.derived = nil, true
		case f.Name == "id":
			c.texts = nil // no two are the same
		case f.Name == "user_id":
			c.texts = users
		}
		columns[f.Name] = c
	}
	columns["plan"] = &column{name: "plan", derived: true} // in exports, beside period_start
	for _, f := range LinkFields() {
		columns[f.Name] = &column{name: f.Name, derived: true}
	}
	if !archived {
		columns["voids"].taken = "the row is a counter-entry, which takes the event %s back: neither of them is recorded"
		columns["voided_by"].taken = "the event was voided where it comes from (by %s): it is not recorded"
	}
	columns["currency"] = &column{name: "currency", derived: true, mustBe: "USD"}
	for alias, name := range map[string]string{ // the log of the Python system has these names
		"tokens_input": "input_tokens", "tokens_output": "output_tokens", "model_used": "model", "timestamp": "time",
		"response_time": "response_time_ms", "search_count": "searches", "image_count": "images", "page_count": "pages",
	} {
		c := *columns[name]
		c.seconds = alias == "response_time"
		columns[alias] = &c
	}
	return columns
}

// cell is one field of a row, and its text. A text of "" counts as not given.
type cell struct {
	column *column
	text   []byte // may be part of the row; only for as long as the row is read
	err    error  // why there is no text
}

// eventReader turns the cells of rows into events.
type eventReader struct {
	columns map[string]*column // by name
	unread  map[string]int64   // how many rows gave a field that is not read
	// archived: rows are the log's own, of which counter-entries have amounts below 0.
	archived bool

	// Of the row that is read, used again for the next.
	row   Entry
	given [][]byte // the texts of its fields, by number
}

func newEventReader() *eventReader { return makeEventReader(eventColumns(false)) }

// newArchiveReader returns a reader for archived rows, which have what recording has added, too.
func newArchiveReader() *eventReader {
	r := makeEventReader(eventColumns(true))
	r.archived = true
	return r
}

func makeEventReader(columns map[string]*column) *eventReader {
	return &eventReader{columns: columns, unread: map[string]int64{}, given: make([][]byte, len(entryFields))}
}

// mostNames is how many names an eventReader remembers, known and unknown. Those beyond it are read as well, and more
// slowly.
const mostNames = 1_000

// column returns what a name stands for, in upper or lower case.
func (r *eventReader) column(name []byte) *column {
	if c, known := r.columns[string(name)]; known {
		return c
	}
	lower := strings.ToLower(string(name))
	if c, known := r.columns[lower]; known {
		return c
	}
	c := &column{name: lower}
	if len(r.columns) < mostNames {
		r.columns[lower] = c
	}
	return c
}

// event makes an event of the cells of a row, in their order. What is not given has its default: one request, status
// 200. The event keeps nothing of the cells.
func (r *eventReader) event(cells []cell) (Event, error) {
	if err := r.read(cells); err != nil {
		return Event{}, err
	}
	return r.row.Event.Normalise(), nil
}

// read reads the cells of a row into r.row.
func (r *eventReader) read(cells []cell) error {
	r.row = Entry{Event: Event{StatusCode: 200}}
	r.row.Quantities[pricing.Requests] = 1
	clear(r.given)
	for i := range cells {
		if err := r.set(&cells[i]); err != nil {
			return cmp.Or(takenBack(cells), err)
		}
	}
	return nil
}

// takenBack returns why a row of an exported log is not recorded, if it was taken back or takes another one back.
func takenBack(cells []cell) error {
	for i := range cells {
		if c := &cells[i]; c.column.taken != "" && len(c.text) > 0 {
			return failure.Invalidf(c.column.taken, failure.Shorten(string(c.text)))
		}
	}
	return nil
}

// set sets the field that a cell is for.
func (r *eventReader) set(cell *cell) error {
	c, text := cell.column, cell.text
	if cell.err != nil {
		return cell.err
	}
	if len(text) == 0 {
		return nil
	}
	if c.field == nil {
		if c.mustBe != "" && !strings.EqualFold(string(text), c.mustBe) {
			return failure.Invalidf("%s is %q: only %s is read", c.name, failure.Shorten(string(text)), c.mustBe)
		}
		if !c.derived {
			r.unread[c.name]++
		} else if c.taken != "" {
			return failure.Invalidf(c.taken, failure.Shorten(string(text)))
		}
		return nil
	}
	if c.seconds {
		milliseconds, err := secondsToMS(string(text))
		if err != nil {
			return err
		}
		text = []byte(milliseconds)
	}
	if before := r.given[c.number]; before != nil && !bytes.Equal(before, text) {
		return failure.Invalidf("%s is given twice, as %q and as %q",
			c.name, failure.Shorten(string(before)), failure.Shorten(string(text)))
	}
	r.given[c.number] = text
	if r.archived && text[0] == '-' && c.field.negates() { // of a counter-entry
		err := c.field.parse(&r.row, text[1:], c.texts)
		c.field.negate(&r.row)
		return err
	}
	return c.field.parse(&r.row, text, c.texts)
}

// sharedTexts makes one string of all equal texts: the same few providers, models and endpoints are in every row of a
// file.
type sharedTexts struct {
	known map[string]string
	most  int // so that a file of ever new texts takes no memory for them
}

const (
	mostSharedTexts   = 4_096
	mostSharedUsers   = 65_536
	longestSharedText = 128
)

func newSharedTexts(most int) *sharedTexts {
	return &sharedTexts{known: map[string]string{}, most: most}
}

// text returns the text as a string that keeps nothing of it. Without shared texts it is always a new one.
func (s *sharedTexts) text(text []byte) string {
	if s == nil {
		return string(text)
	}
	if known, ok := s.known[string(text)]; ok {
		return known
	}
	made := string(text)
	if len(made) <= longestSharedText && len(s.known) < s.most {
		s.known[made] = made
	}
	return made
}
