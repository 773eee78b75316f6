package commands

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/alwrity/alwrity-sub/failure"
)

// rejectsFile gets the rows that an import did not record. It is written beside
// its place and put there at the end, so that the file of an earlier run stays
// until then; where nothing was rejected, none is left.
type rejectsFile struct {
	path    string // empty: what is written is dropped
	file    *os.File
	buffer  *bufio.Writer
	written bool
	direct  bool // the path is a device or pipe, which can't be replaced
}

// openRejects prepares the file before any row is recorded. A path that can't be
// written, or that names the file being imported or a database, is an invalid
// failure.
func openRejects(path string, in io.Reader) (*rejectsFile, error) {
	f := &rejectsFile{path: path}
	if path == "" {
		return f, nil
	}
	if err := mayBeReplaced(path, in); err != nil {
		return nil, err
	}
	target := path + ".part"
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		target, f.direct = path, true
	}
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // it holds what users did
	if err != nil {
		return nil, failure.Invalidf("the rejects file %s can't be written: %s", path, reason(err)).Because(err)
	}
	f.file, f.buffer = file, bufio.NewWriter(file)
	return f, nil
}

func mayBeReplaced(path string, in io.Reader) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil // it is made, or fails when it is opened
	}
	if source, ok := in.(*os.File); ok {
		if read, err := source.Stat(); err == nil && os.SameFile(info, read) {
			return failure.Invalidf("the rejects file %s is the file that is imported: it would be lost", path).
				WithHint("name another file with --rejects")
		}
	}
	if is, err := isDatabase(path); err != nil || is {
		if is {
			err = failure.Invalidf("the rejects file %s is a database: it would be lost", path).
				WithHint("name another file with --rejects")
		}
		return err
	}
	return nil
}

// isDatabase tells whether a SQLite database is at a path. A file that can't be read is
// an invalid failure, one that is not there is none.
func isDatabase(path string) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, failure.Invalidf("the file %s can't be written: %s", path, reason(err)).Because(err)
	}
	defer file.Close()                 //nolint:errcheck // it was only read
	const mark = "SQLite format 3\x00" // https://www.sqlite.org/fileformat.html#magic_header_string
	begin := make([]byte, len(mark))
	n, _ := io.ReadFull(file, begin)
	return bytes.Equal(begin[:n], []byte(mark)), nil
}

// Write implements io.Writer.
func (f *rejectsFile) Write(p []byte) (int, error) {
	if f.file == nil {
		return len(p), nil
	}
	f.written = true
	return f.buffer.Write(p)
}

func (f *rejectsFile) close() error {
	if f.file == nil {
		return nil
	}
	err := errors.Join(f.buffer.Flush(), f.file.Close())
	switch {
	case err != nil || f.direct:
	case f.written:
		err = os.Rename(f.file.Name(), f.path)
	default:
		err = os.Remove(f.file.Name())
	}
	if err != nil {
		return failure.Unavailablef("the rejects file %s can't be written: %s", f.path, reason(err)).
			WithHint("free some space or name another file, and run the import again: nothing is recorded twice").Because(err)
	}
	return nil
}
