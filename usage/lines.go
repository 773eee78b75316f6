package usage

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/alwrity/alwrity-sub/failure"
)

// longestLine is how long a line of an event file may be, in bytes.
const longestLine = 1 << 20

// line is one line of a file, without its line break.
type line struct {
	number  int64
	text    []byte
	tooLong bool // text is only its beginning; the rest went to overflow
}

// lineReader reads lines of any length in bounded memory, and takes lines back that were read too far.
type lineReader struct {
	in       *bufio.Reader
	chunk    []byte    // that the lines are kept in, one after another
	overflow io.Writer // gets what follows the first longestLine bytes of a line
	number   int64
	back     []line // lines to be read again, the first one last
	passing  bool   // a line is good only until the next one is read
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
	if last := len(r.back) - 1; last >= 0 {
		l := r.back[last]
		r.back = r.back[:last]
		return l, nil
	}
	r.number++
	l := line{number: r.number}
	for {
		part, err := r.in.ReadSlice('\n')
		if err == nil && len(l.text) == 0 && !l.tooLong { // nearly all lines are read at once
			l.text = trimBreak(r.keep(part))
			return l, nil
		}
		if !l.tooLong && len(l.text)+len(part) <= longestLine+1 {
			l.text = append(l.text, part...)
		} else if err := r.spill(&l, part); err != nil {
			return l, err
		}
		switch {
		case err == nil:
			l.text = trimBreak(l.text)
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

// linesChunk is how much memory is taken for lines at a time: one allocation for many.
const linesChunk = 256 << 10

// keep returns a copy of part of a file, which nobody writes to.
func (r *lineReader) keep(part []byte) []byte {
	if r.passing {
		return part
	}
	if cap(r.chunk)-len(r.chunk) < len(part) {
		r.chunk = make([]byte, 0, max(linesChunk, len(part)))
	}
	start := len(r.chunk)
	r.chunk = append(r.chunk, part...)
	return r.chunk[start:len(r.chunk):len(r.chunk)]
}

func trimBreak(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
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
	for _, l := range slices.Backward(lines) {
		r.back = append(r.back, l)
	}
}

// row is one record of an event file.
//
// A row stays as it is for as long as it is kept, whatever is read after it: raw is a copy of the file's bytes, which
// nobody writes to. No text of the event points into it, so an event that is kept longer than its row does not keep the
// row's bytes. A row of a usual line of 300 bytes holds some 700.
type row struct {
	line  int64  // where it begins
	raw   []byte // as it stands in the file
	event Event
	err   error // why it is no event
	// spilled says that raw was written to the rejects already.
	spilled bool
}

// rowReader reads the records of an event file one by one, io.EOF after the last. A bad record has its reason in the
// row; an error is one of the file.
type rowReader interface {
	next() (row, error)
}

func tooLongRow(l line) row {
	return row{line: l.number, spilled: true, err: failure.Invalidf("the line is longer than %d bytes", longestLine)}
}
