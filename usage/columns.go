package usage

import (
	"slices"
	"strings"
	"unicode"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// column is what a name in an event file stands for. Columns are a tree: what stands in an object is below its name.
type column struct {
	name string // as the file writes it, with the names of the objects around it
	Name
	field    *Field       // that it gives, nil for none
	number   int          // of the field
	texts    *sharedTexts // that the field's texts come from
	place    int          // of the objects of tokens: those of one object belong together
	rank     int          // of names that yield, the lowest counts
	fate     fate
	taken    string // why a row that has it is no event to be recorded
	marks    marks
	opaque   bool // nothing below it is looked at, but for what is known
	aside    bool // it matters where the row says nothing of its own
	asides   bool // what is below it is aside
	under    bool // an object around it has a name that looks like money, a time or a quantity
	children map[string]*column
	next     member // that follows it in an object
}

// member is a member of an object: its name as it stands in JSON, and the column of that.
type member struct {
	in     *column
	quoted string
	column *column
}

// fate is what becomes of a column's texts.
type fate uint8

const (
	unread       fate = iota // it is noted
	read                     // as the column's Name says
	left                     // known, or ignored on purpose
	suspect                  // it looks like money, a time or a quantity
	suspectCount             // the same where the text is a number
)

// marks say which formats have a name, where another name means different things in different formats.
type marks uint8

const (
	ofLog marks = 1 << iota // an export of our log, or an archive
	ofHelicone
	ofActivity // of OpenRouter
	ofUse      // it says what was used, or what that cost
)

// lacks tells whether a name needs one beside it to mean anything, and there is none.
func (c *column) lacks(beside marks) bool {
	switch {
	case c.fate == suspect, c.fate == suspectCount:
		return c.aside && beside&ofUse == 0
	case c.fate != read:
	case c.How == asCost:
		return beside&(ofLog|ofHelicone) == 0
	case c.How == asDay:
		return beside&ofActivity == 0
	}
	return false
}

// saysUse tells whether a name says what was used, or what that cost.
func (n Name) saysUse() bool {
	return n.How >= asTotal || n.Field == "reported_cost" || n.Field != "requests" && isQuantity(n.Field)
}

func isQuantity(field string) bool {
	for q := range pricing.QuantityCount {
		if q.String() == field {
			return true
		}
	}
	return false
}

// Mapping gives the names of a file a meaning that they do not have by themselves.
type Mapping struct {
	Map    []Renamed
	Ignore []string // names that don't matter, with all that is below them
}

// Renamed says that the file's name Theirs means what Ours means.
type Renamed struct {
	Theirs, Ours string
	MayMiss      bool // a file without Theirs is good
}

// columnTree has the columns of a file.
type columnTree struct {
	root  *column
	count int // of names that are remembered
	ranks int
	marks map[string]marks
	last  *column // that ofMember has found
}

// newColumnTree returns the columns by all the names under which they are read. What recording adds to an event is read
// of archived rows alone; those have no other names than ours.
func newColumnTree(archived bool) *columnTree {
	root := &column{}
	t := &columnTree{root: root, last: root, marks: map[string]marks{"pricing": ofLog, "recorded_at": ofLog,
		"request_created_at": ofHelicone, "response_created_at": ofHelicone, "helicone_user": ofHelicone,
		"byok_usage_inference": ofActivity}}
	shared, users := newSharedTexts(mostSharedTexts), newSharedTexts(mostSharedUsers)
	fields := map[string]column{}
	for i := range entryFields {
		f := &entryFields[i]
		c := t.at(f.Name)
		*c = column{name: f.Name, Name: Name{Path: f.Name, Field: f.Name}, field: f, number: i, texts: shared, fate: read}
		if c.saysUse() {
			c.marks = ofUse
		}
		switch {
		case f.Recorded && !archived:
			c.fate, c.field = left, nil
		case f.Name == "id":
			c.texts = nil // no two are the same
		case f.Name == "user_id":
			c.texts = users
		}
		fields[f.Name] = *c
	}
	for _, f := range LinkFields() {
		t.at(f.Name).fate = left
	}
	if !archived {
		t.at("voids").taken = "the row is a counter-entry, which takes the event %s back: neither of them is recorded"
		t.at("voided_by").taken = "the event was voided where it comes from (by %s): it is not recorded"
		t.addGroups(fields)
	}
	for name, m := range t.marks {
		t.at(name).marks |= m
	}
	return t
}

func (t *columnTree) addGroups(fields map[string]column) {
	places := []string{}
	for _, group := range nameGroups {
		for _, place := range group.Places {
			number := slices.Index(places, place)
			if number < 0 {
				number, places = len(places), append(places, place)
			}
			for _, n := range group.Names {
				t.add(n, place, number, fields)
			}
		}
	}
}

// add adds a name at a place. A name that yields does not take the place of another.
func (t *columnTree) add(n Name, place string, number int, fields map[string]column) {
	path := place + n.Path
	if all, ok := strings.CutSuffix(path, ".*"); ok {
		c := t.at(all)
		c.fate, c.opaque = left, true
		return
	}
	c := t.at(path)
	if n.Yields && c.fate == read {
		return
	}
	t.ranks++
	*c = column{name: path, Name: n, place: number, rank: t.ranks, fate: read, children: c.children}
	c.Path = path
	if n.saysUse() {
		c.marks = ofUse
	}
	of, isField := fields[n.Field]
	switch {
	case isField:
		c.field, c.number, c.texts = &entryFields[of.number], of.number, of.texts
	case n.How < asCost && (n.Field != "" || n.How == asIs && n.Provider == ""):
		c.fate = left
	}
}

// at returns the column of a path of words, and adds it where it is not there.
func (t *columnTree) at(path string) *column {
	c := t.root
	for segment := range strings.SplitSeq(path, ".") {
		next := c.children[segment]
		if next == nil {
			next = &column{name: segment}
			next.standsIn(c, segment)
			if slices.Contains(scalarCounts, segment) {
				next.fate = suspectCount
			}
			if c != t.root {
				next.name = c.name + "." + segment
			}
			c.keep(segment, next)
		}
		c = next
	}
	return c
}

func (c *column) keep(name string, child *column) {
	if c.children == nil {
		c.children = map[string]*column{}
	}
	c.children[name] = child
}

// apply gives names the meaning that a mapping says, or returns an invalid failure for one that can't be.
func (t *columnTree) apply(m Mapping) error {
	seen := map[string]string{}
	for _, r := range m.Map {
		theirs, ours := wordsOf(r.Theirs), wordsOf(r.Ours)
		if theirs == "" || ours == "" {
			return failure.Invalidf("the mapping %s=%s names nothing on one side", r.Theirs, r.Ours)
		}
		if before, twice := seen[theirs]; twice && before != ours {
			return failure.Invalidf("the mapping gives %s two meanings: %s and %s", r.Theirs, before, ours)
		}
		seen[theirs] = ours
		to := t.root.children[ours]
		if to == nil || to.fate != read {
			return failure.Invalidf("the mapping %s=%s names no field of an event", r.Theirs, r.Ours).
				WithReason("unknown_field", "near", failure.Nearest(ours, MappableFields()))
		}
		c := t.at(theirs)
		children := c.children
		*c = *to
		c.name, c.children, c.Yields = r.Theirs, children, false
	}
	for _, name := range m.Ignore {
		path := wordsOf(name)
		if path == "" {
			return failure.Invalidf("the list of fields to ignore has an empty name")
		}
		if _, mapped := seen[path]; mapped {
			return failure.Invalidf("%s is to be ignored, and the mapping gives it a meaning", name)
		}
		*t.at(path) = column{name: name, fate: left, opaque: true}
	}
	return nil
}

// MappableFields returns the names of the fields that a name of a file can be mapped to.
func MappableFields() []string {
	var names []string
	for i := range entryFields {
		if !entryFields[i].Recorded {
			names = append(names, entryFields[i].Name)
		}
	}
	return names
}

// mostNames is how many names a tree remembers, known and unknown. Those beyond it are read as well, and more slowly.
const mostNames = 2_000

// ofMember returns the column of a quoted name in an object.
func (t *columnTree) ofMember(c *column, quoted []byte) *column {
	if known, _ := t.expected(c, quoted); known != nil {
		return known
	}
	last := t.last
	t.last = t.below(c, unquote(quoted))
	if last.next.in == nil {
		last.next = member{c, string(quoted), t.last}
	}
	return t.last
}

// expected returns the column of the name with which a text begins, and the name's length, where it is the one that
// came after the last one before: rows have mostly the same names in the same order, and to compare two takes less time
// than to look one up. Else it returns nil.
func (t *columnTree) expected(c *column, text []byte) (known *column, length int) {
	next := &t.last.next
	length = len(next.quoted)
	if next.in != c || len(text) < length || string(text[:length]) != next.quoted {
		return nil, 0
	}
	t.last = next.column
	return t.last, length
}

// below returns the column of a name in an object.
func (t *columnTree) below(c *column, name []byte) *column {
	if child, known := c.children[string(name)]; known {
		return child
	}
	written := string(name)
	child, known := c.children[strings.ToLower(written)]
	if !known {
		child = c
		words := wordsOf(written)
		for segment := range strings.SplitSeq(words, ".") {
			name := segment // of objects around one another; else as it is written
			if segment == words {
				name = written
			}
			child = t.segment(child, segment, name)
		}
	}
	if t.count < mostNames {
		t.count++
		c.keep(written, child)
	}
	return child
}

// segment returns the column below another by its words.
func (t *columnTree) segment(c *column, words, written string) *column {
	if child, known := c.children[words]; known {
		return child
	}
	child := &column{name: written}
	child.standsIn(c, words)
	child.under = c.under || c != t.root && child.looksImportant(lastWords(c))
	if c != t.root {
		child.name = c.name + "." + written
	}
	switch {
	case c.opaque:
		child.fate = left
	case slices.Contains(scalarCounts, words):
		child.fate = suspectCount
	case child.opaque:
		child.fate = unread
	case child.looksImportant(words):
		child.fate = suspect
	case child.under:
		child.fate = suspectCount
	}
	if t.count < mostNames {
		t.count++
		c.keep(words, child)
	}
	return child
}

// scalarCounts are names of texts and objects that may be counts as well.
var scalarCounts = []string{"input", "output", "prompt", "completion"} // read-only

// standsIn says what it means for a column to be below another one.
func (c *column) standsIn(outer *column, words string) {
	c.opaque = outer.opaque || slices.Contains(opaqueNames, words)
	c.aside = outer.asides
	c.asides = c.aside || slices.Contains(asideNames, words)
}

func lastWords(c *column) string {
	words := wordsOf(c.name)
	return words[strings.LastIndexByte(words, '.')+1:]
}

// looksImportant tells whether one of the words of a name is of money, a time, a quantity or an outcome, or of what
// matters aside.
func (c *column) looksImportant(words string) bool {
	important := suspectWords
	if c.aside {
		important = asideWords
	}
	for word := range strings.SplitSeq(words, "_") {
		if slices.Contains(important, word) {
			return true
		}
	}
	return false
}

// wordsOf returns a name by its words: in lower case, joined by _, with a dot where the name has one.
func wordsOf(name string) string {
	var b strings.Builder
	letters := []rune(strings.TrimSpace(name))
	pending := byte(0) // what separates the words before and after
	for i, c := range letters {
		switch {
		case c == '.':
			pending = '.'
			continue
		case c == '_' || c == '-' || c == '/' || unicode.IsSpace(c):
			if pending == 0 {
				pending = '_'
			}
			continue
		case unicode.IsUpper(c) && i > 0 && pending == 0 && beginsWord(letters, i):
			pending = '_'
		}
		if pending != 0 && b.Len() > 0 {
			b.WriteByte(pending)
		}
		pending = 0
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// beginsWord tells whether an upper-case letter begins a word: after a lower-case one or a digit, and as the last of
// some before a lower-case one, as in HTTPStatus.
func beginsWord(letters []rune, i int) bool {
	before := letters[i-1]
	if unicode.IsLower(before) || unicode.IsDigit(before) {
		return true
	}
	return unicode.IsUpper(before) && i+1 < len(letters) && unicode.IsLower(letters[i+1])
}
