package commands

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

// pageFile is a file that holds a page: its name, and the bytes that a file of its kind
// begins with.
type pageFile struct {
	path  string // "-" is the standard output
	kind  string // how people call it
	begin string
}

func htmlFile(path string) pageFile { return pageFile{path, "HTML page", "<!DOCTYPE html>"} }
func pdfFile(path string) pageFile  { return pageFile{path, "PDF", "%PDF-"} }

// writePage writes a page to its file, whole or not at all, and says so; the standard
// output gets the page and nothing else. An earlier page is replaced, as a report that is
// made every month is; a file of another kind is a conflict failure, and stays.
func (env *Env) writePage(to pageFile, page report.Page) error {
	var content bytes.Buffer
	if err := page(&content); err != nil {
		return err
	}
	if to.path == "-" {
		_, err := env.Printer.Out.Write(content.Bytes())
		return err
	}
	if err := to.mayBeReplaced(); err != nil {
		return err
	}
	if err := to.write(content.Bytes()); err != nil {
		return failure.Invalidf("the file %s can't be written: %s", to.path, reason(err)).Because(err)
	}
	return env.print(report.Written(to.path, int64(content.Len())))
}

// mayBeReplaced returns a conflict failure where something else than a page is there.
func (to pageFile) mayBeReplaced() error {
	info, err := os.Stat(to.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return failure.Invalidf("the file %s can't be written: %s", to.path, reason(err)).Because(err)
	case info.IsDir():
		return failure.Invalidf("%s is a directory: name a file in it", to.path)
	case !info.Mode().IsRegular() || info.Size() == 0:
		return nil
	}
	file, err := os.Open(to.path)
	if err != nil {
		return failure.Invalidf("the file %s can't be written: %s", to.path, reason(err)).Because(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	begin := make([]byte, len(to.begin))
	if _, err := io.ReadFull(file, begin); err == nil && string(begin) == to.begin {
		return nil
	}
	return failure.Conflictf("the file %s is there already and is no %s: it would be lost", to.path, to.kind).WithHint("name another file, or remove that one")
}

// write puts the content into a file beside its place, and then there. Where the path is
// no file, such as /dev/null, it is written to as it is.
func (to pageFile) write(content []byte) error {
	if info, err := os.Stat(to.path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(to.path, content, 0o600)
	}
	path := to.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the link stays one
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part") // for its owner alone: it says who pays what
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
