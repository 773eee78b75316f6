package commands

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// importedFile is a file that is imported.
type importedFile interface {
	io.ReadSeeker
	io.Closer
}

// closeRead closes a file that was only read: nothing is lost where that fails.
func closeRead(file importedFile) { _ = file.Close() }

// pipe is one that can't be read again.
type pipe struct{ io.Reader }

func (pipe) Seek(int64, int) (int64, error) { return 0, errors.ErrUnsupported }
func (pipe) Close() error                   { return nil }

const (
	mostInMemory = 1 << 20 // bytes of a pipe
	mostFromPipe = 4 << 30 // bytes: what has no end must not fill the disk
)

// readPipe reads a pipe to its end, so that all of it is looked at before the first row is recorded. What is longer
// than mostInMemory is kept in a temporary file, which is gone with the process.
func readPipe(in io.Reader, opts *usage.ImportOptions) (importedFile, int64, error) {
	start := make([]byte, mostInMemory)
	n, err := io.ReadFull(in, start)
	start = start[:n]
	if err := usage.CheckStart(start, opts.Name, opts.Format); err != nil {
		return nil, 0, err
	}
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return memoryFile{bytes.NewReader(start)}, int64(n), nil
	case err != nil:
		return nil, 0, brokenPipe(opts.Name, err)
	}
	file, err := os.CreateTemp("", "alwrity-sub-import-*")
	if err != nil {
		return nil, 0, noRoomForPipe(err)
	}
	_ = os.Remove(file.Name()) // where that can't be while it is open, Close does it
	spool := temporaryFile{file}
	if err := fillFromPipe(file, start, in, opts.Name); err != nil {
		return nil, 0, errors.Join(err, spool.Close())
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return spool, size, err
}

// fillFromPipe copies what was read of a pipe, and all that comes.
func fillFromPipe(file *os.File, start []byte, in io.Reader, name string) error {
	from := &noteErrors{in: io.MultiReader(bytes.NewReader(start), io.LimitReader(in, mostFromPipe-mostInMemory+1))}
	n, err := io.Copy(file, from)
	switch {
	case from.err != nil:
		return brokenPipe(name, from.err)
	case err != nil:
		return noRoomForPipe(err)
	case n > mostFromPipe:
		return failure.Invalidf("more than %d bytes came through the pipe: nothing was recorded", int64(mostFromPipe)).
			WithHint("write them to a file and import that")
	}
	return nil
}

// noteErrors keeps the error of what it reads.
type noteErrors struct {
	in  io.Reader
	err error
}

// Read implements io.Reader.
func (r *noteErrors) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

func brokenPipe(name string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, os.ErrClosed) {
		return err // the command was interrupted
	}
	return failure.Unavailablef("%s can't be read to its end: %s; nothing was recorded", name, failure.WithoutPath(err)).
		Because(err)
}

func noRoomForPipe(err error) error {
	return failure.Unavailablef("what comes through the pipe can't be kept: %s; nothing was recorded",
		failure.WithoutPath(err)).
		WithHint("free some space in %s, name another directory in TMPDIR, or import a file", os.TempDir()).Because(err)
}

// memoryFile is a short pipe that was read.
type memoryFile struct{ *bytes.Reader }

// Close implements io.Closer.
func (memoryFile) Close() error { return nil }

// temporaryFile is removed when it is closed, if it was not before.
type temporaryFile struct{ *os.File }

// Close implements io.Closer.
func (f temporaryFile) Close() error {
	err := f.File.Close()
	_ = os.Remove(f.Name()) // mostly it is gone
	return err
}

// countedFile is a file that is imported: a bar shows how much of it was read.
type countedFile struct {
	file io.ReadSeeker
	bar  *progressbar.ProgressBar
}

// Read implements io.Reader.
func (f countedFile) Read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	_ = f.bar.Add(n) // it only draws
	return n, err
}

// Seek implements io.Seeker.
func (f countedFile) Seek(offset int64, whence int) (int64, error) {
	at, err := f.file.Seek(offset, whence)
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
