package usage

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// cell is one field of a row, and its text. A text of "" counts as not given.
type cell struct {
	column *column
	text   []byte // may be part of the row; only for as long as the row is read
	quoted bool   // it is text in JSON, and no number
	err    error  // why there is no text
}

// eventReader turns the cells of rows into events.
type eventReader struct {
	tree *columnTree
	// archived: rows are the log's own, of which counter-entries have amounts below 0.
	archived bool
	unread   map[string]int64 // how many rows gave a field that is not read

	// Of the row that is read, used again for the next.
	row      Entry
	given    [][]byte // the texts of its fields, by number
	tokens   []*cell
	beside   bool   // some stand beside a total
	parts    uint64 // the places with a part of the input that is within it
	yielding []*cell
	marks    marks
	needy    []*cell // which the marks give a meaning
	beyond   *cell   // a cost beside the reported one
	ownKey   string  // whether the call was made with a key of the caller's own, "" where that is not said
	credits  *cell
	sum      *cell  // of all tokens
	failed   string // the name that says so
	done     string // the name that says that the call did not fail
	provider string // of rows that name none
	fallback string // of rows that name none in any way
	said     bool   // something was read
}

// newArchiveReader returns a reader for archived rows, which have what recording has added, too.
func newArchiveReader() *eventReader {
	r := makeEventReader(newColumnTree(true))
	r.archived = true
	return r
}

func makeEventReader(tree *columnTree) *eventReader {
	return &eventReader{tree: tree, unread: map[string]int64{}, given: make([][]byte, len(entryFields))}
}

// column returns what a name stands for, in upper or lower case.
func (r *eventReader) column(name []byte) *column { return r.tree.below(r.tree.root, name) }

// event makes an event of the cells of a row, in their order. What is not given has its default: one request, status
// 200. The event keeps nothing of the cells.
func (r *eventReader) event(cells []cell) (Event, error) {
	if err := r.read(cells); err != nil {
		return Event{}, err
	}
	if !r.said {
		return Event{}, failure.Invalidf("none of its fields says anything about a call")
	}
	return r.row.Event.Normalise(), nil
}

// gives tells whether the row that was read says how much it used of a quantity, if only that it was nothing.
func (r *eventReader) gives(q pricing.Quantity) bool {
	return r.given[quantityColumns[q].number] != nil
}

// quantityColumns are for values that are worked out, and stand under no name of their own.
var quantityColumns = makeQuantityColumns() // read-only

func makeQuantityColumns() (columns [pricing.QuantityCount]*column) {
	for q := range pricing.QuantityCount {
		columns[q] = fieldColumn(q.String())
	}
	return columns
}

func fieldColumn(name string) *column {
	number := slices.IndexFunc(entryFields, func(f Field) bool { return f.Name == name })
	return &column{Name: Name{Field: name}, field: &entryFields[number], number: number}
}

// read reads the cells of a row into r.row.
func (r *eventReader) read(cells []cell) error {
	err := r.readCells(cells)
	if err != nil {
		return cmp.Or(takenBack(cells), err)
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

func (r *eventReader) readCells(cells []cell) error {
	r.reset()
	for i := range cells {
		if err := r.set(&cells[i]); err != nil {
			return err
		}
	}
	if err := r.setTokens(); err != nil {
		return err
	}
	for _, cell := range r.needy {
		if err := r.setNeedy(cell); err != nil {
			return err
		}
	}
	if len(r.yielding) > 0 {
		if err := r.setYielding(); err != nil {
			return err
		}
	}
	if r.row.Provider == "" {
		r.row.Provider = r.provider
	}
	if err := cmp.Or(r.addBeyond(), r.setCredits()); err != nil {
		return err
	}
	if err := r.checkSum(); err != nil {
		return err
	}
	return r.setOutcome()
}

func (r *eventReader) reset() {
	r.row = Entry{Event: Event{StatusCode: 200}}
	r.row.Quantities[pricing.Requests] = 1
	clear(r.given)
	r.tokens, r.beside, r.parts, r.yielding = r.tokens[:0], false, 0, r.yielding[:0]
	r.marks, r.needy, r.sum, r.failed, r.done, r.provider = 0, r.needy[:0], nil, "", "", ""
	r.beyond, r.ownKey, r.credits, r.said = nil, "", nil, false
}

// set sets the field that a cell is for.
func (r *eventReader) set(cell *cell) error {
	c := cell.column
	if cell.err != nil {
		return cell.err
	}
	r.marks |= c.marks &^ ofUse
	if len(cell.text) == 0 {
		return nil
	}
	r.marks |= c.marks
	switch c.fate {
	case read:
	case left:
		if c.taken != "" {
			return failure.Invalidf(c.taken, failure.Shorten(string(cell.text)))
		}
		return nil
	default:
		return r.setUnread(cell)
	}
	r.said = true
	r.provider = cmp.Or(r.provider, c.Provider)
	if c.Yields {
		r.yielding = append(r.yielding, cell)
		return nil
	}
	return r.setRead(cell)
}

func (r *eventReader) setUnread(cell *cell) error {
	switch looks := cell.isSuspect(); {
	case looks && cell.column.aside:
		r.needy = append(r.needy, cell)
		return nil
	case looks:
		return suspectFields([]string{cell.column.name})
	}
	r.unread[cell.column.name]++
	return nil
}

// isSuspect tells whether a cell looks as if it mattered, and is not read.
func (c *cell) isSuspect() bool {
	if len(c.text) == 0 {
		return false
	}
	return c.column.fate == suspect || c.column.fate == suspectCount && !c.quoted && isNumber(c.text)
}

// suspectFields is the failure of a file with fields that look as if they mattered, and that are not read.
func suspectFields(names []string) error {
	if slices.ContainsFunc(names, isOfResults) {
		return failure.Invalidf("the rows hold sums of many calls, as pages of a vendor's usage API do (%s): "+
			"each of their results must be a row", failure.Shorten(names[slices.IndexFunc(names, isOfResults)])).
			WithReason("suspect_results")
	}
	list, look := strings.Join(names, ","), "the fields %s look"
	if len(names) == 1 {
		look = "the field %s looks"
	}
	return failure.Invalidf(look+" like money, a time, a quantity or an outcome, and nothing here reads it",
		failure.Shorten(list)).WithReason("suspect_fields", "first", names[0], "all", list)
}

// isOfResults tells whether a name is that of OpenAI's and Anthropic's pages of usage: buckets of time, each with a
// list of results.
func isOfResults(name string) bool {
	return strings.HasPrefix(name, "results.") || strings.HasPrefix(name, "data.results.")
}

// setRead sets the field of a name that is read.
func (r *eventReader) setRead(cell *cell) error {
	c, text := cell.column, cell.text
	switch c.How {
	case asIs:
		if isInputPart(c.Name) {
			r.parts |= 1 << c.place
		}
		return r.setField(c, text)
	case asTotal, uncached:
		r.tokens = append(r.tokens, cell)
		return nil
	case besideCached, besideInput, besideOutput, cacheWriteSum:
		r.tokens, r.beside = append(r.tokens, cell), true
		return nil
	case asCost, asDay:
		r.needy = append(r.needy, cell)
		return nil
	case asOwnKey:
		yes, err := parseBool(c.name, text)
		r.ownKey = strconv.FormatBool(yes)
		return err
	case ownKeyCost, besideCost:
		return r.noteBeyond(cell)
	case asCredits:
		r.credits = cell
		return nil
	case asStatus, asLevel, asSuccess, asFailure, asFailed:
		return r.noteOutcome(c, text)
	case asSum:
		r.sum = cell
		return nil
	}
	text, err := convert(c, text)
	if err != nil || len(text) == 0 || c.field == nil {
		return err
	}
	return r.setField(c, text)
}

// setField sets the field of a column to what a text says. Two names for the same field must agree.
func (r *eventReader) setField(c *column, text []byte) error {
	if r.given[c.number] == nil {
		r.given[c.number] = text
		if r.archived && text[0] == '-' && c.field.negates() { // of a counter-entry
			err := c.field.parse(&r.row, text[1:], c.texts)
			c.field.negate(&r.row)
			return err
		}
		return c.field.parse(&r.row, text, c.texts)
	}
	before := r.given[c.number]
	if bytes.Equal(before, text) {
		return nil
	}
	var other Entry
	if err := c.field.parse(&other, text, nil); err != nil {
		return err
	}
	if !c.field.same(&r.row, &other) {
		return failure.Invalidf("%s is given twice, as %q and as %q", c.Field, failure.Shorten(string(before)),
			failure.Shorten(string(text)))
	}
	return nil
}

// setNeedy gives a cost or a day the meaning that it has beside the other names of its row.
func (r *eventReader) setNeedy(cell *cell) error {
	switch {
	case cell.column.lacks(r.marks):
	case cell.column.aside:
		return nil // the row says it itself
	case cell.column.How == asDay:
		return r.setField(cell.column, cell.text)
	case r.marks&ofLog != 0:
		return nil // it follows from the event
	case r.marks&ofHelicone != 0:
		text, err := roundMoney(cell.column.name, cell.text)
		if err != nil || cell.column.field == nil {
			return err
		}
		return r.setField(cell.column, text)
	}
	return suspectFields([]string{cell.column.name})
}

// setYielding sets those fields that no other name gives. Of several names that yield the first in nameGroups counts.
func (r *eventReader) setYielding() error {
	slices.SortStableFunc(r.yielding, func(a, b *cell) int { return a.column.rank - b.column.rank })
	for _, cell := range r.yielding {
		c := cell.column
		if c.field != nil && r.given[c.number] != nil && c.How != asFailure { // which says that the call failed, too
			continue
		}
		if err := r.setRead(cell); err != nil {
			return err
		}
	}
	return nil
}

func isNumber(text []byte) bool {
	_, err := strconv.ParseFloat(string(text), 64)
	return err == nil
}
