package wire

import (
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/failure"
)

// node is what is done with the value at one place of a JSON text, and with what is in it. A nil node is of no
// interest.
type node struct {
	members  map[string]*node
	rest     *node // for members that are not named
	elements *node // of a list
	counts   bool  // texts and numbers here are counted as tokens
	names    bool  // … and so are names of members
	tree     *node // that it was made for, as no other has it

	piece func(r *reading, p []byte) // gets texts as they pass
	take  func(r *reading, v value)  // gets a text, a number, true or false
	begin func(r *reading)           // a value begins that is not null
	list  func(r *reading)           // a list begins
	end   func(r *reading)           // an object or list is over
}

// value is a scalar.
type value struct {
	kind byte   // 's' a text, '0' a number, 't' true, 'f' false
	text []byte // for as long as the call lasts
	cut  bool   // it was longer than what is kept
}

const (
	deepest     = 64   // objects within one another that are looked into
	longestKept = 4096 // of a text that is looked at, in bytes; others are counted as they pass
	longestBare = 64   // of a number
)

// scanner reads JSON that comes in pieces of any size, and does what its nodes say. It keeps one scalar at most, needs
// no memory for what is of no interest, and reads on past what is no JSON.
type scanner struct {
	root   *node
	to     *reading
	frames [deepest]frame
	depth  int  // how many frames are in use
	skip   int  // objects and lists of no interest within the last frame
	values int  // whole values that were read
	strict bool // a name that matters is refused the second time, and at the top where it differs in case alone

	state  scanState
	isName bool  // the text is a member's name
	at     *node // of the scalar that is read
	member *node // of the value that follows a name
	buf    []byte
	cut    bool
	hex    int // digits of \uXXXX that are still to come
	char   rune
	high   rune // first half of a pair of \uXXXX
}

type frame struct {
	node *node
	list bool
	name bool     // a member's name comes next
	seen []string // names that matter and were read, if the scanner is strict
}

type scanState uint8

const (
	between scanState = iota
	inText
	inEscape
	inBare
)

// reset makes the scanner read a new text.
func (s *scanner) reset() {
	s.depth, s.skip, s.state, s.isName, s.at, s.member = 0, 0, between, false, nil, nil
	s.buf, s.cut, s.hex, s.high = s.buf[:0], false, 0, 0
}

// write reads the next piece of the text.
func (s *scanner) write(p []byte) {
	for len(p) > 0 {
		switch s.state {
		case inText:
			p = s.readText(p)
		case inEscape:
			s.readEscape(p[0])
			p = p[1:]
		case inBare:
			p = s.readBare(p)
		default:
			s.readMark(p[0])
			p = p[1:]
		}
	}
}

// finish ends a number or word that nothing follows.
func (s *scanner) finish() {
	if s.state == inBare {
		s.endBare()
	}
}

// readMark reads a byte that is outside of texts, numbers and words.
func (s *scanner) readMark(c byte) {
	switch c {
	case ' ', '\t', '\r', '\n':
	case '{', '[':
		s.open(c == '[')
	case '}', ']':
		s.close()
	case ':':
		s.expectName(false)
	case ',':
		s.expectName(true)
	case '"':
		s.state, s.isName = inText, s.skip == 0 && s.depth > 0 && s.frames[s.depth-1].name
		s.at, s.buf, s.cut = nil, s.buf[:0], false
		if s.isName {
			return
		}
		if s.at = s.next(); s.at != nil && s.at.begin != nil {
			s.at.begin(s.to)
		}
	default:
		s.state, s.at, s.buf, s.cut = inBare, s.next(), append(s.buf[:0], c), false
	}
}

func (s *scanner) expectName(yes bool) {
	if s.skip == 0 && s.depth > 0 {
		top := &s.frames[s.depth-1]
		top.name = yes && !top.list
	}
}

// next returns the node of the value that begins.
func (s *scanner) next() *node {
	switch {
	case s.skip > 0:
		return nil
	case s.depth == 0:
		return s.root
	}
	if top := &s.frames[s.depth-1]; top.list {
		return top.node.elements
	}
	return s.member
}

func (s *scanner) open(list bool) {
	n := s.next()
	if n == nil || s.depth == deepest {
		s.skip++
		return
	}
	if n.begin != nil {
		n.begin(s.to)
	}
	if list && n.list != nil {
		n.list(s.to)
	}
	s.frames[s.depth] = frame{node: n, list: list, name: !list, seen: s.frames[s.depth].seen[:0]}
	s.depth++
}

func (s *scanner) close() {
	switch {
	case s.skip > 0:
		s.skip--
	case s.depth > 0:
		s.depth--
		if n := s.frames[s.depth].node; n.end != nil {
			n.end(s.to)
		}
	default:
		return // it closes nothing
	}
	s.valueEnds()
}

func (s *scanner) valueEnds() {
	if s.depth == 0 && s.skip == 0 {
		s.values++
	}
}

// readText reads on in a text, to its end or to an escape.
func (s *scanner) readText(p []byte) []byte {
	for i, c := range p {
		switch c {
		case '"':
			s.emit(p[:i])
			s.endText()
			return p[i+1:]
		case '\\':
			s.emit(p[:i])
			s.state = inEscape
			return p[i+1:]
		}
	}
	s.emit(p)
	return nil
}

// emit takes a piece of a text, without escapes.
func (s *scanner) emit(p []byte) {
	if !s.isName && s.at == nil || len(p) == 0 {
		return
	}
	if s.high != 0 {
		s.high = 0
		s.emit([]byte(string(utf8.RuneError)))
	}
	if s.at != nil && s.at.counts {
		s.to.count(p)
	}
	if s.at != nil && s.at.piece != nil {
		s.at.piece(s.to, p)
	}
	if s.isName || s.at.take != nil {
		s.keep(p, longestKept)
	}
}

func (s *scanner) keep(p []byte, most int) {
	if len(s.buf)+len(p) > most {
		s.cut = true
		p = p[:most-len(s.buf)]
	}
	s.buf = append(s.buf, p...)
}

// readEscape reads a byte after a backslash.
func (s *scanner) readEscape(c byte) {
	if s.hex > 0 {
		s.char = s.char<<4 | rune(hexDigit(c))
		if s.hex--; s.hex == 0 {
			s.state = inText
			s.emitChar(s.char)
		}
		return
	}
	if c == 'u' {
		s.hex, s.char = 4, 0
		return
	}
	s.state = inText
	switch c {
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	}
	s.emit([]byte{c})
}

func hexDigit(c byte) byte {
	switch {
	case c >= 'a':
		return (c - 'a' + 10) & 15
	case c >= 'A':
		return (c - 'A' + 10) & 15
	}
	return (c - '0') & 15
}

// emitChar takes a character that was written as \uXXXX, or half of one.
func (s *scanner) emitChar(c rune) {
	switch {
	case c >= 0xD800 && c < 0xDC00:
		if s.high != 0 {
			s.high = 0
			s.emit([]byte(string(utf8.RuneError)))
		}
		s.high = c
		return
	case s.high != 0 && utf16.IsSurrogate(c):
		c, s.high = utf16.DecodeRune(s.high, c), 0
	}
	var text [utf8.UTFMax]byte
	s.emit(text[:utf8.EncodeRune(text[:], c)])
}

func (s *scanner) endText() {
	s.state, s.high = between, 0
	if s.isName {
		s.isName = false
		in := s.frames[s.depth-1].node
		s.member = in.of(s.buf, s.cut)
		if s.strict {
			s.checkName(in)
		}
		if in.names {
			s.to.count(s.buf)
			s.to.countBreak()
		}
		return
	}
	s.scalar(value{kind: 's', text: s.buf, cut: s.cut})
}

// checkName refuses a name that vendors could take for another.
func (s *scanner) checkName(in *node) {
	top := &s.frames[s.depth-1]
	if _, matters := in.members[string(s.buf)]; !matters || s.cut {
		if s.depth == 1 {
			s.to.refuseCase(in, s.buf)
		}
		return
	}
	if name := string(s.buf); slices.Contains(top.seen, name) {
		s.to.refuse(failure.Invalidf("the body names %q twice", name))
	} else {
		top.seen = append(top.seen, name)
	}
}

// of returns the node of a member.
func (n *node) of(name []byte, cut bool) *node {
	if member, ok := n.members[string(name)]; ok && !cut {
		return member
	}
	return n.rest
}

// readBare reads on in a number or word.
func (s *scanner) readBare(p []byte) []byte {
	for i, c := range p {
		switch c {
		case ',', ':', '{', '}', '[', ']', '"', ' ', '\t', '\r', '\n':
			s.keep(p[:i], longestBare)
			s.endBare()
			return p[i:]
		}
	}
	s.keep(p, longestBare)
	return nil
}

func (s *scanner) endBare() {
	s.state = between
	v := value{text: s.buf, cut: s.cut}
	switch c := s.buf[0]; {
	case c == '-' || c >= '0' && c <= '9':
		v.kind = '0'
	case string(s.buf) == "true" || string(s.buf) == "false":
		v.kind = c
	default: // null, or no JSON
		s.valueEnds()
		return
	}
	if s.at != nil && s.at.counts && s.at.take == nil {
		s.to.count(s.buf)
	}
	s.scalar(v)
}

func (s *scanner) scalar(v value) {
	if n := s.at; n != nil {
		if n.begin != nil && v.kind != 's' { // a text began before
			n.begin(s.to)
		}
		if n.take != nil {
			n.take(s.to, v)
		}
		if n.counts {
			s.to.countBreak()
		}
	}
	s.valueEnds()
}
