package wire

// events reads server-sent events that come in pieces of any size
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream): lines end in CRLF, LF or
// CR, data of several lines are one, and a byte order mark at the beginning is none of them. It keeps nothing of the
// data.
type events struct {
	data func(p []byte) // a piece of the data of an event
	end  func()         // the event with that data is over

	place   linePlace
	name    [8]byte // the field's, as far as it matters
	length  int     // of the whole name
	isData  bool
	hasData bool // the event has data
	begun   bool // a byte of the event has been read
	afterCR bool // a line feed would belong to the line end that was read
	crlf    bool // it did
	bom     int  // bytes of a byte order mark that were read; -1 after the beginning
}

// linePlace is where in a line a byte is.
type linePlace uint8

const (
	inName linePlace = iota
	atValue
	inValue
)

// read reads until an event is over, or all of p, and returns how many bytes that were.
func (e *events) read(p []byte) (n int, over bool) {
	if e.afterCR {
		e.afterCR = false
		if p[0] == '\n' {
			e.crlf = true
			return 1, false
		}
	}
	for n < len(p) {
		if e.bom >= 0 && e.skipMark(p[n]) {
			n++
			continue
		}
		size := lineSize(p[n:])
		e.piece(p[n : n+size])
		if n += size; n == len(p) {
			return n, false
		}
		isCR := p[n] == '\r'
		over = e.lineEnds()
		n++
		if isCR && n < len(p) && p[n] == '\n' {
			e.crlf = true
			n++
		} else if isCR && n == len(p) {
			e.afterCR = true
		}
		if over {
			return n, true
		}
	}
	return n, false
}

// lineSize returns how many bytes come before the end of the line, or of p.
func lineSize(p []byte) int {
	for i, c := range p {
		if c == '\n' || c == '\r' {
			return i
		}
	}
	return len(p)
}

// skipMark tells whether a byte at the very beginning belongs to a byte order mark.
func (e *events) skipMark(c byte) bool {
	const mark = "\xEF\xBB\xBF"
	if c != mark[e.bom] {
		e.bom = -1
		return false
	}
	if e.bom++; e.bom == len(mark) {
		e.bom = -1
	}
	return true
}

// piece reads a part of a line.
func (e *events) piece(p []byte) {
	for i, c := range p {
		e.begun = true
		switch e.place {
		case inName:
			if c == ':' {
				e.place, e.isData = atValue, string(e.name[:min(e.length, len(e.name))]) == "data"
				continue
			}
			if e.length < len(e.name) {
				e.name[e.length] = c
			}
			e.length++
		case atValue:
			e.beginValue()
			if c == ' ' {
				continue
			}
			fallthrough
		case inValue:
			if e.isData {
				e.data(p[i:])
			}
			return
		}
	}
}

func (e *events) beginValue() {
	e.place = inValue
	if e.isData && e.hasData {
		e.data([]byte{'\n'})
	}
	e.hasData = e.hasData || e.isData
}

// lineEnds tells whether an event ends with the line, which is empty then.
func (e *events) lineEnds() (over bool) {
	switch {
	case e.place == atValue:
		e.beginValue()
	case e.place == inName && e.length == 0:
		e.finish()
		over = true
	case e.place == inName && string(e.name[:min(e.length, len(e.name))]) == "data":
		e.isData = true
		e.beginValue()
	}
	e.place, e.length, e.isData = inName, 0, false
	return over
}

// finish ends the event that is read.
func (e *events) finish() {
	if e.hasData {
		e.end()
	}
	e.hasData, e.begun = false, false
}

// between tells whether a whole line would stand between two events if it were written now.
func (e *events) between() bool {
	return !e.begun && e.place == inName && e.length == 0 && e.bom <= 0 && !(e.afterCR && e.crlf)
}
