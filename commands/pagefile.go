package commands

import (
	"bytes"
	"io"
	"os"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

// writePage writes a page to a file, whole or not at all, and says so; - is the standard
// output, which gets the page and nothing else. A file that is there already is replaced,
// as one that is made every month should be.
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
		return failure.Unavailablef("the file %s is not there: %s", path, reason(err)).Because(err)
	}
	return env.print(report.Written(path, info.Size()))
}
