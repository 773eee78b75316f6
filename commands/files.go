package commands

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

// maxYAMLSize is how large a plan or price file may be, in bytes: hundreds of times what a real one has, and small
// enough to be read in a moment.
const maxYAMLSize = 1 << 20

// readOptionalFile reads a plan or price file; nil where none is named.
func readOptionalFile(name string) (*catalogue.File, error) {
	if name == "" {
		return nil, nil
	}
	return readFile(name)
}

// readFile reads a plan or price file.
func readFile(name string) (*catalogue.File, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer func() { _ = in.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(in, maxYAMLSize+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	if len(text) > maxYAMLSize {
		return nil, failure.Invalidf("the file %s is larger than %d bytes: that is no plan or price file", name, maxYAMLSize)
	}
	return &catalogue.File{Name: name, Text: text}, nil
}

func readPrices(name string) (pricing.Catalogue, error) {
	file, err := readFile(name)
	if err != nil {
		return pricing.Catalogue{}, err
	}
	return pricing.ParseCatalogue(file.Name, file.Text)
}

func unreadable(path string, err error) error {
	return failure.Invalidf("the file %s can't be read: %s", path, failure.WithoutPath(err)).Because(err)
}

func unwritable(path string, err error) error {
	return failure.Invalidf("the file %s can't be written: %s", path, failure.WithoutPath(err)).Because(err)
}

// unwritten is the failure of a file that could be opened.
func unwritten(path string, err error) error {
	return failure.Unavailablef("the file %s can't be written: %s", path, failure.WithoutPath(err)).
		WithHint("free some space or name another file, and run it again").Because(err)
}

// writePage writes a page to a file, whole or not at all, and says so; - is the standard output, which gets the page
// and nothing else. A file that is there already is replaced, as one that is made every month should be.
func (env *Env) writePage(path string, page func(io.Writer) error) error {
	if path == "-" {
		var content bytes.Buffer // all of it or nothing
		if err := page(&content); err != nil {
			return err
		}
		_, err := env.Printer.Out.Write(content.Bytes())
		return err
	}
	if err := writeWhole(path, page); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return failure.Unavailablef("the file %s is not there: %s", path, failure.WithoutPath(err)).Because(err)
	}
	return env.print(report.Written(path, info.Size()))
}

// writeWhole writes a file for its owner alone, all of it or nothing: beside its place first, and then put there. What
// is no file but a device or a pipe is written directly. A path that can't be written, or at which a database is, is an
// invalid failure before fn is called.
func writeWhole(path string, fn func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeDevice(path, info, fn)
	}
	if is, err := isDatabase(path); err != nil {
		return err
	} else if is {
		return failure.Invalidf("the file %s is a database: it would be lost", path).WithHint("name another file")
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return unwritable(path, err)
	}
	defer func() {
		_ = file.Close()           // unless that is done
		_ = os.Remove(file.Name()) // unless it is in its place
	}()
	buffer := bufio.NewWriter(file)
	if err := fn(buffer); err != nil {
		return err
	}
	if err := errors.Join(buffer.Flush(), file.Sync(), file.Close()); err != nil {
		return unwritten(path, err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return unwritten(path, err)
	}
	return nil
}

func writeDevice(path string, info os.FileInfo, fn func(io.Writer) error) error {
	if info.IsDir() {
		return failure.Invalidf("%s is a directory and no file", path).WithHint("name a file in it")
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return unwritable(path, err)
	}
	err = fn(file)
	if closed := file.Close(); err == nil && closed != nil {
		err = unwritten(path, closed)
	}
	return err
}

// isDatabase tells whether a SQLite database is at a path. A file that can't be read is an invalid failure, one that is
// not there is none.
func isDatabase(path string) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, unwritable(path, err)
	}
	defer file.Close()                 //nolint:errcheck // it was only read
	const mark = "SQLite format 3\x00" // https://www.sqlite.org/fileformat.html#magic_header_string
	begin := make([]byte, len(mark))
	n, _ := io.ReadFull(file, begin)
	return string(begin[:n]) == mark, nil
}
