package usage

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// openArchiveDir opens a directory and locks it until it is closed: one process works in it at a time, so that none
// replaces what another has just archived. A directory that is not there or cannot be written is an invalid failure,
// one in which another process archives an unavailable one.
func openArchiveDir(path string) (*os.File, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, failure.Invalidf("the directory %s does not exist", path).
			WithHint("make it first: mkdir -p %s", path).Because(err)
	case err == nil && !info.IsDir():
		return nil, failure.Invalidf("%s is a file and no directory", path).WithHint("name a directory with --to")
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, failure.Invalidf("the directory %s can't be used: %s", path, failure.WithoutPath(err)).Because(err)
	}
	if locked := lockDirectory(dir); locked != nil {
		err = failure.Unavailablef("another process is archiving into %s", path).
			WithHint("try again once it is done").Because(locked)
	} else if bad := cleanArchiveDir(path); bad != nil {
		err = failure.Invalidf("the directory %s can't be written: %s", path, failure.WithoutPath(bad)).Because(bad)
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

// cleanArchiveDir removes what a process that was killed has left half written. Before, it adds such a file itself: so
// a directory that cannot be written is known before a month is read.
func cleanArchiveDir(path string) error {
	trial, err := os.CreateTemp(path, "usage-0.*.part")
	if err != nil {
		return err
	}
	left, err := filepath.Glob(filepath.Join(path, "usage-[0-9]*.part"))
	err = errors.Join(err, trial.Close())
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// monthFile is the file of a month that is being archived.
type monthFile struct {
	path        string
	archive     Archive // what is written into it
	first, last time.Time
}

// manifest describes an archived month to whoever finds it.
type manifest struct {
	Month         string        `json:"month"`
	File          string        `json:"file"`
	Rows          int64         `json:"rows"`
	Cost          pricing.Total `json:"cost"`
	SHA256        string        `json:"sha256"`
	Bytes         int64         `json:"bytes"`
	First         time.Time     `json:"first"`
	Last          time.Time     `json:"last"`
	SchemaVersion int           `json:"schema_version"`
	WrittenAt     time.Time     `json:"written_at"`
}

// rowsSchema is the version of the lines of archived months.
const rowsSchema = 1

// write writes the file and its manifest. Both are on the disk under their names when it returns nil. mayReplace is
// asked before the new file, which has a SHA-256, takes the place of one that is there.
func (f *monthFile) write(rows MonthRows, progress func(), mayReplace func(sum string) error) error {
	if err := writeFile(f.path, func(w io.Writer) error {
		sum := sha256.New()
		if err := f.pack(io.MultiWriter(w, sum), rows, progress); err != nil {
			return err
		}
		if f.archive.Rows == 0 { // and a file may be there that has them
			return failure.Conflictf("the rows of the month %s are gone: another process has archived it", f.archive.Month)
		}
		f.archive.SHA256 = hex.EncodeToString(sum.Sum(nil))
		return mayReplace(f.archive.SHA256)
	}); err != nil {
		return err
	}
	return f.writeManifest()
}

// pack writes the rows, a line each, and sums them up.
func (f *monthFile) pack(w io.Writer, rows MonthRows, progress func()) error {
	packed := gzip.NewWriter(w)
	var line []byte
	var cost batchCost
	err := rows(func(e *Entry) (err error) {
		if line, err = appendArchived(line[:0], e); err != nil {
			return err
		}
		if f.archive.Rows++; f.archive.Rows == 1 {
			f.first = e.Time
		}
		f.last = e.Time
		cost.add(e.Cost)
		progress()
		_, err = packed.Write(line)
		return err
	})
	if err != nil {
		return err
	}
	f.archive.Cost = cost.total()
	return packed.Close()
}

// appendArchived appends the line of a row: its fields as an import reads them, without those that are empty.
func appendArchived(line []byte, e *Entry) ([]byte, error) {
	line, err := appendFields(append(line, '{'), e, true)
	if err != nil {
		return nil, err
	}
	return append(appendLinks(line, e.Links), "}\n"...), nil
}

// EventLine returns an event as a line of an event file, without a line break. Its token stands in it as token_id,
// which no import reads: TokenOfLine does.
func EventLine(event *Event) ([]byte, error) {
	line, err := appendFields([]byte{'{'}, &Entry{Event: *event}, false)
	if event.TokenID != 0 {
		line = strconv.AppendInt(append(line, `,"token_id":`...), event.TokenID, 10)
	}
	return append(line, '}'), err
}

// TokenOfLine returns the token of a line that EventLine has made.
func TokenOfLine(line []byte) (int64, error) {
	var of struct {
		TokenID int64 `json:"token_id"`
	}
	err := json.Unmarshal(line, &of)
	return of.TokenID, err
}

// appendFields appends the fields of a row that are not empty, with those that recording adds or without them.
func appendFields(line []byte, e *Entry, recorded bool) ([]byte, error) {
	first := len(line)
	for i := range entryFields {
		f := &entryFields[i]
		if f.Recorded && !recorded || f.IsEmpty(e) {
			continue
		}
		if len(line) > first {
			line = append(line, ',')
		}
		line = append(append(append(line, '"'), f.Name...), `":`...)
		var err error
		if line, err = f.appendJSON(line, e); err != nil {
			return nil, failure.New(failure.Internal, "the event %q can't be written: %s", e.ID, err).Because(err)
		}
	}
	return line, nil
}

// appendLinks appends what the links of a row say. The database keeps them, too: they are for whoever reads the file.
func appendLinks(line []byte, l *Links) []byte {
	if l == nil {
		return line
	}
	for _, f := range LinkFields() {
		if text := f.Text(l); text != "" {
			line = append(append(append(line, `,"`...), f.Name...), `":`...)
			line, _ = jsontext.AppendQuote(line, text) // it fails for what no database stores
		}
	}
	return line
}

func (f *monthFile) writeManifest() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return unwritten(f.path, err)
	}
	a := f.archive
	text, err := json.MarshalIndent(manifest{
		Month: a.Month.String(), File: a.File, Rows: a.Rows, Cost: a.Cost, SHA256: a.SHA256, Bytes: info.Size(),
		First: f.first, Last: f.last, SchemaVersion: rowsSchema, WrittenAt: a.At,
	}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(filepath.Dir(f.path), "usage-"+a.Month.String()+".manifest.json")
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// writeFile writes a file for its owner alone, all of it or nothing: beside its place first, and renamed when it is on
// the disk. After that a crash of the machine leaves it there.
func writeFile(path string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return unwritten(path, err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()           // it goes anyway
			_ = os.Remove(file.Name()) // the next run finds it otherwise
		}
	}()
	buffer := bufio.NewWriterSize(file, 1<<20)
	failed := write(buffer)
	if err := buffer.Flush(); err != nil { // it returns what has made write fail, too
		return unwritten(path, err)
	}
	if failed != nil {
		return failed
	}
	if err = errors.Join(file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return unwritten(path, err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close()) // which brings the file's name to the disk
	}
	if err != nil {
		return unwritten(filepath.Dir(path), err)
	}
	return nil
}

func unwritten(path string, err error) error {
	return failure.Unavailablef("%s can't be written: %s", filepath.Base(path), failure.WithoutPath(err)).
		WithHint("free some space or name another directory, and run it again: what is archived stays so").
		Because(err)
}

func unreadable(path string, err error) error {
	return failure.Invalidf("the file %s can't be read: %s", path, failure.WithoutPath(err)).Because(err)
}

// mustBeReplaceable returns a conflict failure if there is a file of the month already, unless it is of a run that did
// not come to its end: then it has nothing but events that are still in the log.
func (a *Archiver) mustBeReplaceable(ctx context.Context, path, sum string) error {
	there, err := sumOfFile(ctx, path)
	if errors.Is(err, os.ErrNotExist) || err == nil && there == sum {
		return nil
	}
	if err == nil {
		err = a.mustBeInLog(ctx, path)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	return failure.Conflictf("the file %s is there already, and has something else than this log: %s", path, err).
		WithHint("if it is the archive of another database, name another directory with --to; it is never overwritten").
		Because(err)
}

// mustBeInLog returns an error unless every event of a file is in the log.
func (a *Archiver) mustBeInLog(ctx context.Context, path string) error {
	const batch = 5_000
	var ids []string
	check := func() error {
		return a.Store.View(ctx, func(r Reader) error {
			found, err := r.Entries(ctx, ids)
			for _, id := range ids {
				if _, ok := found[id]; err == nil && !ok {
					return fmt.Errorf("the event %q is not in the log", failure.Shorten(id))
				}
			}
			return err
		})
	}
	for e, err := range ReadArchived(path) {
		if err != nil {
			return err
		}
		if ids = append(ids, e.ID); len(ids) == batch {
			if err := check(); err != nil {
				return err
			}
			ids = ids[:0]
		}
	}
	return check()
}

// sumOfFile returns the SHA-256 of a file.
func sumOfFile(ctx context.Context, path string) (string, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return "", errors.New("it is no regular file") // and a pipe would wait for whoever writes into it
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it was only read
	sum := sha256.New()
	if _, err := io.Copy(sum, whileAsked{ctx, file}); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// whileAsked reads until its context ends, which is its error then.
type whileAsked struct {
	ctx  context.Context
	from io.Reader
}

// Read implements io.Reader.
func (r whileAsked) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}

// until returns rows as long as a context lasts, and then its error.
func until(ctx context.Context, rows iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range rows {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// ReadArchived reads the log rows of the file of an archived month, each time from its start. A file that is none is an
// invalid failure, and the last there is.
func ReadArchived(path string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(Entry{}, unreadable(path, err))
			return
		}
		defer file.Close() //nolint:errcheck // it was only read
		readArchived(file, yield)
	}
}

func readArchived(packed io.Reader, yield func(Entry, error) bool) {
	refuse := func(line int, err error) {
		err = failure.Invalidf("the file is no archived month, or is damaged: line %d: %s", line, err).Because(err)
		yield(Entry{}, err)
	}
	text, err := gzip.NewReader(packed)
	if err != nil {
		refuse(0, err)
		return
	}
	in := newJSONLReader(newLineReader(text, io.Discard), newArchiveReader())
	for n := 1; ; n++ {
		switch e, err := in.nextArchived(); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			refuse(n, err)
			return
		case !yield(e, nil):
			return
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
	err = r.events.read(r.objects.cells)
	return r.events.row, err
}
