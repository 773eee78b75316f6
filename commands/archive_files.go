package commands

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// archiveDir is the directory that months are archived in. One process works in it at
// a time, so that none replaces what another has just archived.
type archiveDir struct {
	path string
	dir  *os.File
}

// openArchiveDir opens a directory and locks it. One that is not there or can't be
// written is an invalid failure, one in which another process archives an unavailable
// one. What a process that was killed has left half written is removed.
func openArchiveDir(path string) (*archiveDir, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, failure.Invalidf("the directory %s does not exist", path).WithHint("make it first: mkdir -p %s", path).Because(err)
	case err != nil:
		return nil, failure.Invalidf("the directory %s can't be used: %s", path, reason(err)).Because(err)
	case !info.IsDir():
		return nil, failure.Invalidf("%s is a file and no directory", path).WithHint("name a directory with --to")
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, failure.Invalidf("the directory %s can't be used: %s", path, reason(err)).Because(err)
	}
	d := &archiveDir{path, dir}
	if err := lockDirectory(dir); err != nil {
		err = failure.Unavailablef("another process is archiving into %s", path).WithHint("try again once it is done").Because(err)
		return nil, errors.Join(err, d.close())
	}
	if err := d.clean(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// clean removes what was left half written, and tells whether the directory can be
// written before a month is read.
func (d *archiveDir) clean() error {
	left, err := filepath.Glob(filepath.Join(d.path, "usage-[0-9]*.part"))
	if err != nil {
		return err
	}
	trial, err := os.CreateTemp(d.path, "usage-0.*.part")
	if err == nil {
		left = append(left, trial.Name())
		err = trial.Close()
	}
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		return failure.Invalidf("the directory %s can't be written: %s", d.path, reason(err)).Because(err)
	}
	return nil
}

// close gives the directory back.
func (d *archiveDir) close() error { return d.dir.Close() }

// file returns the path of the file of a month.
func (d *archiveDir) file(month usage.Month) string { return filepath.Join(d.path, month.FileName()) }

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

// write writes the file of a month and its manifest, so that a crash of the machine
// leaves both or nothing that counts. mayReplace is asked before a file is replaced by
// one with a SHA-256.
func (d *archiveDir) write(month usage.Month, rows usage.MonthRows, now time.Time, mayReplace func(sum string) error) (usage.Archive, error) {
	part, err := newPart(d.path, month.FileName())
	if err != nil {
		return usage.Archive{}, err
	}
	defer part.discard()
	content := usage.NewMonthContent()
	err = rows(func(e *usage.Entry) error {
		line, err := content.Line(e)
		if err != nil {
			return err
		}
		_, err = part.packed.Write(line)
		return part.failure(err)
	})
	if err != nil {
		return usage.Archive{}, err
	}
	sum, size, err := part.finish()
	if err != nil {
		return usage.Archive{}, err
	}
	if content.Rows == 0 { // and a file may be there that has them
		return usage.Archive{}, failure.Conflictf("the rows of the month %s are gone: another process has archived it", month)
	}
	if err := mayReplace(sum); err != nil {
		return usage.Archive{}, err
	}
	a := usage.Archive{LogMonth: usage.LogMonth{Month: month, Rows: content.Rows, Cost: content.Cost()},
		File: month.FileName(), SHA256: sum, Content: content.Sum(), At: now}
	if err := part.place(d.file(month)); err != nil {
		return usage.Archive{}, err
	}
	return a, d.writeManifest(manifest{Month: month.String(), File: a.File, Rows: a.Rows, Cost: a.Cost, SHA256: sum, Bytes: size,
		First: content.First, Last: content.Last, SchemaVersion: rowsSchema, WrittenAt: now}, month)
}

// writeManifest writes the manifest of a month, and sees to it that the directory has
// both files after a crash.
func (d *archiveDir) writeManifest(m manifest, month usage.Month) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	part, err := newPart(d.path, month.ManifestName())
	if err != nil {
		return err
	}
	defer part.discard()
	if _, err := part.buffer.Write(append(text, '\n')); err != nil {
		return part.failure(err)
	}
	if err := part.sync(); err != nil {
		return err
	}
	if err := part.place(filepath.Join(d.path, month.ManifestName())); err != nil {
		return err
	}
	return part.failure(d.dir.Sync())
}

// mustBeReplaceable returns a conflict failure where the directory has a file of the
// month already, unless it is of a run that did not come to its end: it has nothing
// then but events that are still in the log.
func (d *archiveDir) mustBeReplaceable(ctx context.Context, s *Services, month usage.Month, sum string) error {
	path := d.file(month)
	there, err := sumOfFile(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && there == sum {
		return nil
	}
	if err == nil {
		err = mustBeInLog(ctx, s, path)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	return failure.Conflictf("the file %s is there already, and has something else than this log: %s", path, err).
		WithHint("if it is the archive of another database, name another directory with --to; it is never overwritten").Because(err)
}

// mustBeInLog returns an error unless every event of a file is in the log.
func mustBeInLog(ctx context.Context, s *Services, path string) error {
	const batch = 5_000
	var ids []string
	check := func() error {
		return s.Usage.Store.View(ctx, func(r usage.Reader) error {
			found, err := r.Entries(ctx, ids)
			for _, id := range ids {
				if _, ok := found[id]; err == nil && !ok {
					return fmt.Errorf("the event %q is not in the log", pricing.Shorten(id))
				}
			}
			return err
		})
	}
	for e, err := range usage.ReadArchived(func() (io.ReadCloser, error) { return os.Open(path) }) {
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
func sumOfFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it was only read
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// partFile is a file that is being written beside its place.
type partFile struct {
	name   string // of the file that it becomes
	file   *os.File
	buffer *bufio.Writer
	sum    hash.Hash
	packed *gzip.Writer // writes to both
	placed bool
}

func newPart(dir, name string) (*partFile, error) {
	file, err := os.CreateTemp(dir, name+".*.part") // for its owner alone: it holds what users did
	if err != nil {
		return nil, (&partFile{name: name}).failure(err)
	}
	p := &partFile{name: name, file: file, buffer: bufio.NewWriterSize(file, 1<<20), sum: sha256.New()}
	p.packed = gzip.NewWriter(io.MultiWriter(p.buffer, p.sum))
	return p, nil
}

// finish ends the packed file, and returns its SHA-256 and size.
func (p *partFile) finish() (sum string, size int64, err error) {
	if err := p.packed.Close(); err != nil {
		return "", 0, p.failure(err)
	}
	if err := p.sync(); err != nil {
		return "", 0, err
	}
	info, err := p.file.Stat()
	if err != nil {
		return "", 0, p.failure(err)
	}
	return hex.EncodeToString(p.sum.Sum(nil)), info.Size(), nil
}

// sync brings what was written to the disk.
func (p *partFile) sync() error {
	err := p.buffer.Flush()
	if err == nil {
		err = p.file.Sync()
	}
	return p.failure(err)
}

// place gives the file its name.
func (p *partFile) place(path string) error {
	err := os.Rename(p.file.Name(), path)
	p.placed = err == nil
	return p.failure(err)
}

// discard closes the file, and removes it if it was not placed. That it has all that
// was written is known by then.
func (p *partFile) discard() {
	_ = p.file.Close()
	if !p.placed {
		_ = os.Remove(p.file.Name()) // the next run finds it otherwise
	}
}

// failure is nil where there is no error.
func (p *partFile) failure(err error) error {
	if err == nil {
		return nil
	}
	return failure.Unavailablef("%s can't be written: %s", p.name, reason(err)).
		WithHint("free some space or name another directory, and run it again: what is archived stays so").Because(err)
}
