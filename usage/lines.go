package usage

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// longestLine is how long a line of an event file may be, in bytes.
const longestLine = 1 << 20

// line is one line of a file, without its line break.
type line struct {
	number  int64
	text    []byte
	tooLong bool // text is only its beginning; the rest went to overflow
}

// lineReader reads lines of any length in bounded memory, and takes lines back
// that were read too far.
type lineReader struct {
	in       *bufio.Reader
	overflow io.Writer // gets what follows the first longestLine bytes of a line
	number   int64
	back     []line // lines to be read again, first one first
}

func newLineReader(r io.Reader, overflow io.Writer) *lineReader {
	in := bufio.NewReaderSize(r, 64<<10)
	if mark, err := in.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3) // a byte order mark, which was just read, says nothing in UTF-8
	}
	return &lineReader{in: in, overflow: overflow}
}

// next returns the next line, or io.EOF after the last.
func (r *lineReader) next() (line, error) {
	if len(r.back) > 0 {
		l := r.back[0]
		r.back = r.back[1:]
		return l, nil
	}
	r.number++
	l := line{number: r.number}
	for {
		part, err := r.in.ReadSlice('\n')
		if !l.tooLong && len(l.text)+len(part) <= longestLine+1 {
			l.text = append(l.text, part...)
		} else if err := r.spill(&l, part); err != nil {
			return l, err
		}
		switch {
		case err == nil:
			l.text = bytes.TrimSuffix(bytes.TrimSuffix(l.text, []byte("\n")), []byte("\r"))
			return l, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && l.tooLong:
			_, err := r.overflow.Write([]byte("\n")) // what is rejected next begins on a line of its own
			return l, err
		case errors.Is(err, io.EOF) && len(l.text) > 0:
			return l, nil
		}
		return l, err
	}
}

// spill writes a line that is too long to the overflow as it comes.
func (r *lineReader) spill(l *line, part []byte) error {
	if !l.tooLong {
		l.tooLong = true
		if _, err := r.overflow.Write(l.text); err != nil {
			return err
		}
		l.text = l.text[:200]
	}
	_, err := r.overflow.Write(part)
	return err
}

// unread gives lines back, to be read again in this order.
func (r *lineReader) unread(lines []line) {
	r.back = append(append([]line(nil), lines...), r.back...)
}
