package usage

import (
	"compress/gzip"
	"errors"
	"io"
	"iter"
	"os"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/failure"
)

// ReadArchived reads the log rows of the file of an archived month, each time from its start. A file that is none is an
// invalid failure, and the last there is.
func ReadArchived(path string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(Entry{}, unreadable(path, err))
			return
		}
		defer file.Close() //nolint:errcheck // it was only read
		readArchived(file, yield)
	}
}

func readArchived(packed io.Reader, yield func(Entry, error) bool) {
	refuse := func(line int, err error) {
		err = failure.Invalidf("the file is no archived month, or is damaged: line %d: %s", line, err).Because(err)
		yield(Entry{}, err)
	}
	text, err := gzip.NewReader(packed)
	if err != nil {
		refuse(0, err)
		return
	}
	in := &jsonlReader{lines: newLineReader(text, io.Discard), events: newArchiveReader()}
	for n := 1; ; n++ {
		switch e, err := in.nextArchived(); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			refuse(n, err)
			return
		case !yield(e, nil):
			return
		}
	}
}

// nextArchived reads a log row, io.EOF after the last.
func (r *jsonlReader) nextArchived() (Entry, error) {
	l, err := r.lines.next()
	if err != nil {
		return Entry{}, err
	}
	if l.tooLong || !utf8.Valid(l.text) {
		return Entry{}, errors.New("it is too long, or not valid UTF-8 text")
	}
	if err := r.readObject(l.text); err != nil {
		return Entry{}, err
	}
	err = r.events.read(r.cells)
	return r.events.row, err
}
