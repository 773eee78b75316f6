package usage

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/alwrity/alwrity-sub/failure"
)

// elements reads the elements of a JSON list, or of a list named data in an object, each as one line: the line breaks
// within are spaces then, which they are to JSON. Objects that follow one another count as elements, too. It takes no
// more memory than lineReader does.
type elements struct {
	in       *bufio.Reader
	overflow io.Writer
	number   int64 // the line that is read
	count    int64 // of elements
	inList   bool
	started  bool
	wrapped  bool // the list stands in an object
}

func newElements(in *bufio.Reader, overflow io.Writer) *elements {
	if mark, err := in.Peek(len(utf8Mark)); err == nil && string(mark) == utf8Mark {
		_, _ = in.Discard(len(utf8Mark)) // it was just read
	}
	return &elements{in: in, overflow: overflow, number: 1}
}

// next returns the next element, or io.EOF after the last. A list that is none is an invalid failure.
func (e *elements) next() (line, error) {
	c, err := e.skipSpace()
	if !e.started && err == nil {
		e.started = true
		if c, err = e.open(c); err == nil && e.inList && c == ']' {
			return e.end()
		}
	} else if e.inList && err == nil {
		switch {
		case c == ']':
			return e.end()
		case c != ',':
			return line{}, e.broken("a comma or the closing bracket is missing")
		}
		if c, err = e.skipSpace(); err == nil && c == ']' {
			return line{}, e.broken("nothing follows a comma")
		}
	}
	if errors.Is(err, io.EOF) {
		if e.inList || e.wrapped {
			return line{}, e.broken("it ends before its closing bracket")
		}
		return line{}, io.EOF
	}
	if err != nil {
		return line{}, err
	}
	e.count++
	return e.element(c)
}

// open goes into the list, if the file is one, and returns what follows.
func (e *elements) open(c byte) (byte, error) {
	if c == '{' {
		head, err := e.in.Peek(sniffed)
		if err != nil && !errors.Is(err, io.EOF) {
			return c, err
		}
		start := documentStart.Find(append([]byte{'{'}, head...))
		if start == nil {
			return c, nil
		}
		e.number += int64(bytes.Count(start, []byte("\n")))
		_, _ = e.in.Discard(len(start) - 1) // they were just read
		e.wrapped, c = true, '['
	}
	if c != '[' {
		return c, nil
	}
	e.inList = true
	return e.skipSpace()
}

// end checks that nothing but what closes the object around the list follows it.
func (e *elements) end() (line, error) {
	e.inList = false
	if e.wrapped {
		e.wrapped = false
		_, err := io.Copy(io.Discard, e.in) // pages and totals
		if err != nil {
			return line{}, err
		}
		return line{}, io.EOF
	}
	if _, err := e.skipSpace(); err == nil {
		return line{}, e.broken("something follows its closing bracket")
	} else if !errors.Is(err, io.EOF) {
		return line{}, err
	}
	return line{}, io.EOF
}

func (e *elements) broken(why string) error {
	return failure.Invalidf("the JSON list is broken at line %d, after %s: %s", e.number,
		failure.Counted(e.count, "element"), why)
}

// skipSpace returns the next byte that is no space.
func (e *elements) skipSpace() (byte, error) {
	for {
		c, err := e.in.ReadByte()
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, err
		}
		if c == '\n' {
			e.number++
		}
	}
}

// element returns the element that begins with a byte.
func (e *elements) element(first byte) (line, error) {
	l := line{number: e.number, text: make([]byte, 0, 512)}
	s := elementScanner{}
	for c := first; ; {
		done, belongs := s.take(c)
		if !belongs && !s.plain {
			return l, e.broken("a value is missing")
		}
		if !belongs { // what follows a number or word
			return l, e.in.UnreadByte()
		}
		if c == '\n' {
			e.number++
			c = ' '
			if s.quoted {
				c = 1 // no text has a line break: it must not become a good one
			}
		}
		if err := e.keep(&l, c); err != nil || done {
			return l, errors.Join(err, e.finish(&l))
		}
		var err error
		switch c, err = e.in.ReadByte(); {
		case errors.Is(err, io.EOF) && s.plain:
			return l, e.finish(&l)
		case errors.Is(err, io.EOF) && e.inList:
			return l, e.broken("it ends within an element")
		case errors.Is(err, io.EOF):
			return l, e.finish(&l)
		case err != nil:
			return l, err
		}
	}
}

// keep adds a byte to an element, or to the overflow once it is too long.
func (e *elements) keep(l *line, c byte) error {
	if !l.tooLong && len(l.text) < longestLine {
		l.text = append(l.text, c)
		return nil
	}
	if !l.tooLong {
		l.tooLong = true
		if _, err := e.overflow.Write(l.text); err != nil {
			return err
		}
		l.text = l.text[:200]
	}
	_, err := e.overflow.Write([]byte{c})
	return err
}

func (e *elements) finish(l *line) error {
	if !l.tooLong {
		return nil
	}
	_, err := e.overflow.Write([]byte("\n")) // what is rejected next begins on a line of its own
	return err
}

// elementScanner finds the end of a JSON value.
type elementScanner struct {
	depth   int
	quoted  bool
	escaped bool
	plain   bool // a number or a word: what follows it ends it
}

// take tells whether a byte is the last of the value, and whether it belongs to it at all.
func (s *elementScanner) take(c byte) (done, belongs bool) {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quoted:
		s.escaped = c == '\\'
		s.quoted = c != '"'
		return !s.quoted && s.depth == 0, true
	case c == '"':
		s.quoted = true
	case c == '{' || c == '[':
		s.depth++
	case c == '}' || c == ']':
		if s.depth == 0 {
			return false, false
		}
		s.depth--
		return s.depth == 0, true
	case s.depth == 0:
		if c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			return false, false
		}
		s.plain = true
	}
	return false, true
}
