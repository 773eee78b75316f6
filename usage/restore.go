package usage

import (
	"compress/gzip"
	"errors"
	"io"
	"iter"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/failure"
)

// ReadArchived reads the log rows of the file of an archived month: open begins at its
// start again. A file that is none is an invalid failure, and the last there is.
func ReadArchived(open func() (io.ReadCloser, error)) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		file, err := open()
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer file.Close()
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			yield(Entry{}, notArchived(0, err))
			return
		}
		in := &jsonlReader{lines: newLineReader(unpacked, io.Discard), events: newArchiveReader()}
		for n := 1; ; n++ {
			e, err := in.nextArchived()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Entry{}, notArchived(n, err))
				return
			}
			if !yield(e, nil) {
				return
			}
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

func notArchived(line int, err error) error {
	var known *failure.Error
	if errors.As(err, &known) && known.Code == failure.Conflict {
		return err
	}
	return failure.Invalidf("the file is no archived month, or is damaged: line %d: %s", line, err).Because(err)
}
