package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// Spool is a directory of files that keep what calls have used while the database can't: a line for an event, in the
// form that `usage import` reads. Several processes may share it, each with a file of its own.
type Spool struct {
	dir string

	mutex   sync.Mutex
	file    *os.File // that this process adds to, locked; nil: none is needed yet
	lines   int64    // of all files that were seen, as far as they are not recorded
	added   int64    // those of them that were added since files are replayed
	broken  error    // the last line could not be written
	readers usage.ObjectReaders
}

// OpenSpool returns the spool of a directory, which is made when it is needed.
func OpenSpool(dir string) *Spool { return &Spool{dir: dir} }

// rejected is the file for lines that can't be recorded: for people to look at.
const rejected = "rejected.txt"

// Add writes an event down. It returns once the disk has it.
func (s *Spool) Add(event *usage.Event) error {
	line, err := usage.EventLine(event)
	if err != nil {
		return err
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.broken = s.write(append(line, '\n')); s.broken == nil {
		s.lines, s.added = s.lines+1, s.added+1
	}
	return s.broken
}

func (s *Spool) write(line []byte) error {
	if s.file == nil {
		file, err := s.begin()
		if err != nil {
			return err
		}
		s.file = file
	}
	if _, err := s.file.Write(line); err != nil {
		_ = s.file.Close() // a part of the line may be there: the next one begins another file
		s.file = nil
		return failure.Unavailablef("the spool %s can't be written: %s", s.dir, failure.WithoutPath(err)).Because(err)
	}
	return s.file.Sync()
}

// begin makes a file of this process.
func (s *Spool) begin() (*os.File, error) {
	name, err := usage.NewID()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, failure.Unavailablef("the spool %s can't be made: %s", s.dir, failure.WithoutPath(err)).Because(err)
	}
	file, err := os.OpenFile(filepath.Join(s.dir, name+".jsonl"), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, failure.Unavailablef("the spool %s can't be written: %s", s.dir, failure.WithoutPath(err)).Because(err)
	}
	if err := errors.Join(lockFile(file), syncDir(s.dir)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Check returns an unavailable failure if what a call uses could not be written down now. It tries that, where it
// failed before.
func (s *Spool) Check() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.broken == nil {
		return nil
	}
	if s.file == nil {
		if file, err := s.begin(); err == nil {
			s.file, s.broken = file, nil
			return nil
		}
	} else if s.broken = s.file.Sync(); s.broken == nil {
		return nil
	}
	return failure.Unavailablef("what calls use can't be written down, so none is carried").
		WithReason(ReasonNotAccountable).Because(s.broken)
}

// Lines returns how many events wait to be recorded.
func (s *Spool) Lines() int64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.lines
}

// SpoolState is what the files of a spool have, whichever process has written them.
type SpoolState struct {
	Dir      string
	Waiting  int64 // events that wait to be recorded
	Rejected int64 // events that can't be recorded, and are kept for people to look at
}

// State reads what waits. It locks nothing and changes nothing.
func (s *Spool) State() (SpoolState, error) {
	state := SpoolState{Dir: s.dir}
	files, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	for _, file := range files {
		to := &state.Waiting
		if file.Name() == rejected {
			to = &state.Rejected
		} else if filepath.Ext(file.Name()) != ".jsonl" {
			continue
		}
		text, readErr := os.ReadFile(filepath.Join(s.dir, file.Name()))
		if err == nil && !errors.Is(readErr, fs.ErrNotExist) { // else it is recorded by now
			err = readErr
		}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
				*to++
			}
		}
	}
	if err != nil {
		return state, failure.Unavailablef("the spool %s can't be read: %s", s.dir, failure.WithoutPath(err)).Because(err)
	}
	return state, nil
}

// files are those that nobody adds to any more, this process's own among them: its next line begins another one.
func (s *Spool) files() ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.file != nil {
		_ = s.file.Close() // each line was synced
		s.file = nil
	}
	s.added = 0
	return filepath.Glob(filepath.Join(s.dir, "*.jsonl"))
}

// Replay gives each event that waits to record, and removes what is recorded. It stops at the first failure of the
// storage. What record refuses for good is kept in a file for people, and returned as a count.
func (s *Spool) Replay(record func(usage.Event) error) (done, refused int, err error) {
	names, err := s.files()
	if err != nil {
		return 0, 0, err
	}
	left := int64(0)
	for _, name := range names {
		n, bad, lines, fileErr := s.replayFile(name, record)
		done, refused, left = done+n, refused+bad, left+int64(lines)
		err = errors.Join(err, fileErr)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lines = left + s.added
	return done, refused, err
}

// replayFile replays one file and removes it once nothing of it waits any more; left says how many lines do.
func (s *Spool) replayFile(name string, record func(usage.Event) error) (done, refused, left int, err error) {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, 0, nil // another process was faster
	}
	if err != nil {
		return 0, 0, 1, err
	}
	defer func() { _ = file.Close() }() // it was read
	if lockFile(file) != nil {
		return 0, 0, 0, nil // its process runs, and sees to it
	}
	var bad bytes.Buffer
	lines := bufio.NewReader(file)
	for {
		line, readErr := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			switch lineErr := s.replayLine(line, record); {
			case err != nil: // the storage is away
				left++
			case lineErr == nil:
				done++
			case failure.OfStorage(lineErr):
				err, left = lineErr, left+1
			default:
				refused++
				fmt.Fprintf(&bad, "# %s\n%s\n", strings.ReplaceAll(lineErr.Error(), "\n", " "), bytes.TrimSpace(line))
			}
		}
		if readErr != nil {
			break
		}
	}
	if err != nil {
		return done, 0, left, err
	}
	if bad.Len() > 0 {
		if err := s.keep(bad.Bytes()); err != nil {
			return done, refused, refused, err
		}
	}
	return done, refused, 0, os.Remove(name)
}

func (s *Spool) replayLine(line []byte, record func(usage.Event) error) error {
	var event usage.Event
	err := s.readers.Use(func(r *usage.ObjectReader) (err error) {
		event, err = r.Event(line)
		return err
	})
	if err == nil {
		event.TokenID, err = usage.TokenOfLine(line)
	}
	if err != nil {
		return err
	}
	return record(event)
}

// keep keeps lines that can't be recorded.
func (s *Spool) keep(text []byte) error {
	file, err := os.OpenFile(filepath.Join(s.dir, rejected), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Sync(), file.Close())
}
