package commands

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// gzipMark is what every gzip file begins with (RFC 1952, section 2.3.1).
const gzipMark = "\x1f\x8b"

// unpackedReader reads what may be packed with gzip, by its first bytes, as it was
// before.
type unpackedReader struct {
	in   *bufio.Reader
	rows io.Reader // nil until the first bytes are read
}

// damagedError says why packed data can't be read.
type damagedError struct{ error }

func unpacked(r io.Reader) *unpackedReader {
	return &unpackedReader{in: bufio.NewReaderSize(r, 64<<10)}
}

// Read implements io.Reader.
func (u *unpackedReader) Read(p []byte) (int, error) {
	if u.rows == nil {
		u.rows = u.in
		if mark, err := u.in.Peek(len(gzipMark)); err == nil && string(mark) == gzipMark {
			rows, err := gzip.NewReader(u.in)
			if err != nil {
				return 0, ofDamage(err)
			}
			u.rows = rows
		}
	}
	n, err := u.rows.Read(p)
	return n, ofDamage(err)
}

// ofDamage tells an error that comes of the packed data from others.
func ofDamage(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt) {
		return damagedError{err}
	}
	return err
}

// mustNotBeArchived refuses the file of a month that is archived in this database: each
// of its rows would be refused.
func (opts *usageImportOptions) mustNotBeArchived(ctx context.Context, s *Services, in io.Reader) error {
	file, ok := in.(*os.File)
	if !ok || !isPacked(file) {
		return nil
	}
	archives, err := s.Archives.Archives(ctx)
	if err != nil || len(archives) == 0 {
		return err
	}
	sum, err := sumOfFile(opts.file)
	if err != nil {
		return failure.Invalidf("the file %s can't be read: %s", opts.file, reason(err)).Because(err)
	}
	for _, a := range archives {
		if a.SHA256 == sum {
			return refusedArchive(opts.file, a)
		}
	}
	return nil
}

// isPacked tells whether a file can be read twice and is packed with gzip.
func isPacked(file *os.File) bool {
	info, err := file.Stat()
	mark := make([]byte, len(gzipMark))
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	_, err = file.ReadAt(mark, 0)
	return err == nil && string(mark) == gzipMark
}

func refusedArchive(file string, a usage.Archive) error {
	return failure.Conflictf("%s has the month %s, which is archived here: nothing was recorded", file, a.Month).
		WithReason("archived").WithHint("bring the month back: alwrity-sub usage restore %s", file)
}
