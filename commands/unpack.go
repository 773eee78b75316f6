package commands

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
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
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &corrupt) {
		return damagedError{err}
	}
	return err
}
