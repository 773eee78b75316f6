package usage

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"os"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/failure"
)

// ReadArchived reads the log rows of the file of an archived month, each time from its start. A file that
// is none is an invalid failure, one that has not the SHA-256 that is wanted a conflict failure, and the
// last there is. Any will do where none is wanted.
func ReadArchived(path, want string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(Entry{}, unreadable(path, err))
			return
		}
		defer file.Close() //nolint:errcheck // it was only read
		sum := sha256.New()
		in := io.TeeReader(file, sum)
		for e, err := range unpackRows(in) {
			if !yield(e, err) || err != nil {
				return
			}
		}
		if _, err := io.Copy(io.Discard, in); err != nil {
			yield(Entry{}, unreadable(path, err))
		} else if want != "" && hex.EncodeToString(sum.Sum(nil)) != want {
			yield(Entry{}, failure.Conflictf("the file %s has changed while it was read", path))
		}
	}
}

// unpackRows reads the log rows of an archived month, an invalid failure of what is none.
func unpackRows(packed io.Reader) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		text, err := gzip.NewReader(packed)
		if err != nil {
			yield(Entry{}, notArchived(0, err))
			return
		}
		in := &jsonlReader{lines: newLineReader(text, io.Discard), events: newArchiveReader()}
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
	return failure.Invalidf("the file is no archived month, or is damaged: line %d: %s", line, err).Because(err)
}
