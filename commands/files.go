package commands

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
)

// readOptionalFile reads a plan or price file; nil where none is named.
func readOptionalFile(name string) (*catalogue.File, error) {
	if name == "" {
		return nil, nil
	}
	return readFile(name)
}

// readFile reads a plan or price file.
func readFile(name string) (*catalogue.File, error) {
	text, err := failure.ReadFile(name)
	if err != nil {
		return nil, unreadable(name, err)
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

// unwritable is the failure of a file that can't be opened to be written.
func unwritable(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return unwritten(path, err)
	}
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
	if is, err := IsDatabase(path); err != nil {
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
	disk := &disk{to: file}
	buffer := bufio.NewWriter(disk)
	if err := fn(buffer); err != nil {
		return cmp.Or(disk.unwritten(path), err)
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
	disk := &disk{to: file}
	err = fn(disk)
	if closed := file.Close(); err == nil && closed != nil {
		err = unwritten(path, closed)
	}
	return cmp.Or(disk.unwritten(path), err)
}

// disk remembers the error of what it is written to: what writes a result may hide it in one of its own.
type disk struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (d *disk) Write(p []byte) (int, error) {
	n, err := d.to.Write(p)
	d.err = cmp.Or(d.err, err)
	return n, err
}

// unwritten returns the failure of a file that could not be written, nil where it could.
func (d *disk) unwritten(path string) error {
	if d.err == nil {
		return nil
	}
	return unwritten(path, d.err)
}

// IsDatabase tells whether a path is that of a SQLite database or of one of the files beside it, whatever links lead
// there. A file that can't be read is an invalid failure, one that is not there is none.
func IsDatabase(path string) (bool, error) {
	path = whereLinksLead(path)
	for _, ending := range []string{"-wal", "-shm", "-journal"} {
		if of, is := strings.CutSuffix(path, ending); is {
			if begin, err := beginning(of); err == nil && strings.HasPrefix(begin, databaseMark) {
				return true, nil
			}
		}
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return false, nil // and a pipe would wait for whoever writes into it
	}
	begin, err := beginning(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, unwritable(path, err)
	}
	return slices.ContainsFunc([]string{databaseMark, walMark, walMarkBigEndian, shmMark}, func(mark string) bool {
		return strings.HasPrefix(begin, mark)
	}), nil
}

// whereLinksLead returns the path that a file is written at, also where it is not there yet: SQLite takes its -wal away
// when nobody has the database open.
func whereLinksLead(path string) string {
	const most = 40 // as in Linux
	for range most {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real
		}
		next, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// What SQLite's files begin with: https://www.sqlite.org/fileformat2.html#the_database_header and #walformat, and
// https://www.sqlite.org/walformat.html#the_wal_index_file_format on machines whose numbers begin with their low byte.
const (
	databaseMark     = "SQLite format 3\x00"
	walMark          = "\x37\x7f\x06\x82"
	walMarkBigEndian = "\x37\x7f\x06\x83"
	shmMark          = "\x18\xe2\x2d\x00"
)

// beginning returns the first bytes of a file, as many as a mark has.
func beginning(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	begin := make([]byte, len(databaseMark))
	n, _ := io.ReadFull(file, begin)
	return string(begin[:n]), nil
}
