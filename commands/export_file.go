package commands

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/alwrity/alwrity-sub/failure"
)

// writeWhole writes a file for its owner alone, all of it or nothing: beside its place
// first, and then put there. What is no file but a device or a pipe is written
// directly. A path that can't be written, or at which a database is, is an invalid
// failure before fn is called.
func writeWhole(path string, fn func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeDevice(path, info, fn)
	}
	if err := mustBeNoDatabase(path); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return failure.Invalidf("the file %s can't be written: %s", path, reason(err)).Because(err)
	}
	placed := false
	defer func() {
		if !placed {
			_ = file.Close() // it goes anyway
			_ = os.Remove(file.Name())
		}
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
	placed = true
	return nil
}

func writeDevice(path string, info os.FileInfo, fn func(io.Writer) error) error {
	if info.IsDir() {
		return failure.Invalidf("%s is a directory and no file", path).WithHint("name a file in it")
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return failure.Invalidf("the file %s can't be written: %s", path, reason(err)).Because(err)
	}
	err = fn(file)
	if closed := file.Close(); err == nil && closed != nil {
		err = unwritten(path, closed)
	}
	return err
}

func unwritten(path string, err error) error {
	return failure.Unavailablef("the file %s can't be written: %s", path, reason(err)).
		WithHint("free some space or name another file, and run it again").Because(err)
}

// mustBeNoDatabase returns an invalid failure for the path of a SQLite database: a slip
// of the pen must not replace it.
func mustBeNoDatabase(path string) error {
	is, err := isDatabase(path)
	if err == nil && is {
		err = failure.Invalidf("the file %s is a database: it would be lost", path).WithHint("name another file")
	}
	return err
}
