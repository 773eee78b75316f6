package commands

import (
	"bufio"
	"errors"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"

	"github.com/alwrity/alwrity-sub/failure"
)

// countedFile is a file that is imported: a bar shows how much of it was read.
type countedFile struct {
	file io.Reader
	bar  *progressbar.ProgressBar
}

// Read implements io.Reader.
func (f countedFile) Read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	_ = f.bar.Add(n) // it only draws
	return n, err
}

// rereadFile is a countedFile that can be read again from its start.
type rereadFile struct {
	countedFile
	again io.Seeker
}

// Seek implements io.Seeker.
func (f rereadFile) Seek(offset int64, whence int) (int64, error) {
	at, err := f.again.Seek(offset, whence)
	if err == nil {
		_ = f.bar.Set64(at) // it only draws
	}
	return at, err
}

// rejectsFile gets the rows that an import did not record. It is written beside its place and put there at the end, so
// that the file of an earlier run stays until then; where nothing was rejected, none is left.
type rejectsFile struct {
	path    string // empty: what is written is dropped
	file    *os.File
	buffer  *bufio.Writer
	written bool
	direct  bool // the path is a device or pipe, which can't be replaced
}

// openRejects prepares the file before any row is recorded. A path that can't be written, or that names the file being
// imported or a database, is an invalid failure.
func openRejects(path string, in io.Reader) (*rejectsFile, error) {
	f := &rejectsFile{path: path}
	if path == "" {
		return f, nil
	}
	if err := checkReplaceable(path, in); err != nil {
		return nil, err
	}
	target := path + ".part"
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		target, f.direct = path, true
	}
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // it holds what users did
	if err != nil {
		return nil, failure.Invalidf("the rejects file %s can't be written: %s", path, failure.WithoutPath(err)).Because(err)
	}
	f.file, f.buffer = file, bufio.NewWriter(file)
	return f, nil
}

func checkReplaceable(path string, in io.Reader) error {
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
	if is, err := IsDatabase(path); err != nil {
		return err
	} else if is {
		return failure.Invalidf("the rejects file %s is a database: it would be lost", path).
			WithHint("name another file with --rejects")
	}
	return nil
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
		return failure.Unavailablef("the rejects file %s can't be written: %s", f.path, failure.WithoutPath(err)).
			WithHint("free some space or name another file, and run the import again: nothing is recorded twice").Because(err)
	}
	return nil
}
