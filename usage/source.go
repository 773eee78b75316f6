package usage

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/alwrity/alwrity-sub/failure"
)

// source is the text of an event file, unpacked and in UTF-8.
type source struct {
	text   *bufio.Reader
	format FileFormat
	close  func()
}

// sniffed is how much of a file tells what it is.
const sniffed = 1024

// mostWindow bounds the memory for what is packed with zstd.
const mostWindow = 64 << 20

// openSource tells by its first bytes what a file is, and returns its text. What is no event file is an invalid failure
// that says what it is instead. The format is the file's own where none is given.
func openSource(file io.Reader, name string, format FileFormat) (*source, error) {
	s := &source{close: func() {}}
	in := bufio.NewReaderSize(file, 64<<10)
	head, err := peek(in)
	if err != nil {
		return nil, err
	}
	if in, err = s.unpacked(in, head); err != nil {
		return nil, err
	}
	if head, err = peek(in); err != nil {
		return nil, err
	}
	if isPacked(head) {
		return nil, failure.Invalidf("the file %s is packed twice: unpack it once", name)
	}
	if order := utf16Order(head); order != nil {
		in = bufio.NewReaderSize(&utf16Reader{in: in, order: order}, 64<<10)
		if head, err = peek(in); err != nil {
			return nil, err
		}
	}
	s.text = in
	s.format, err = formatOf(bytes.TrimPrefix(head, []byte(utf8Mark)), name, format)
	return s, err
}

// CheckStart returns an invalid failure for what begins as no event file does.
func CheckStart(start []byte, name string, format FileFormat) error {
	s, err := openSource(bytes.NewReader(start), name, format)
	if err == nil {
		s.close()
	}
	if failure.Is(err, failure.Invalid) {
		return err
	}
	return nil // what can't be unpacked may be so because the rest is missing
}

// peek returns the first bytes, as many as there are.
func peek(in *bufio.Reader) ([]byte, error) {
	head, err := in.Peek(sniffed)
	if len(head) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head, nil // an error further on comes again where it belongs
}

const (
	gzipMark = "\x1f\x8b" // RFC 1952, section 2.3.1
	zstdMark = "\x28\xb5\x2f\xfd"
	utf8Mark = "\xef\xbb\xbf"
)

func isPacked(head []byte) bool {
	return bytes.HasPrefix(head, []byte(gzipMark)) || bytes.HasPrefix(head, []byte(zstdMark))
}

func (s *source) unpacked(in *bufio.Reader, head []byte) (*bufio.Reader, error) {
	under := &errorKeeper{in: in}
	switch {
	case bytes.HasPrefix(head, []byte(gzipMark)):
		unpacking, err := gzip.NewReader(under)
		if err != nil {
			return nil, under.damaged(err)
		}
		return bufio.NewReaderSize(&unpackingReader{unpacking, under}, 64<<10), nil
	case bytes.HasPrefix(head, []byte(zstdMark)):
		unpacking, err := zstd.NewReader(under, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(mostWindow))
		if err != nil {
			return nil, under.damaged(err)
		}
		s.close = unpacking.Close
		return bufio.NewReaderSize(&unpackingReader{unpacking, under}, 64<<10), nil
	}
	return in, nil
}

// Unpack returns the text of a file that was packed with gzip or zstd, and of another one what it is. What is damaged,
// or larger than so many bytes, is an invalid failure.
func Unpack(packed []byte, name string, largest int64) ([]byte, error) {
	s := &source{close: func() {}}
	in, err := s.unpacked(bufio.NewReader(bytes.NewReader(packed)), packed)
	if err != nil {
		return nil, describeDamage(err, name, 0)
	}
	defer s.close()
	text, err := io.ReadAll(io.LimitReader(in, largest+1))
	switch {
	case err != nil:
		return nil, failure.Invalidf("the file %s is damaged: %s", name, err).Because(err)
	case int64(len(text)) > largest:
		return nil, failure.Invalidf("the file %s is larger than %d bytes", name, largest)
	}
	return text, nil
}

// errorKeeper keeps the error of what it reads, to tell it from one of the data.
type errorKeeper struct {
	in  io.Reader
	err error
}

func (k *errorKeeper) Read(p []byte) (int, error) {
	n, err := k.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		k.err = err
	}
	return n, err
}

// damagedError says why packed data can't be read.
type damagedError struct{ error }

// damaged returns the error of the file, or that of its data.
func (k *errorKeeper) damaged(err error) error {
	if k.err != nil {
		return k.err
	}
	return damagedError{err}
}

type unpackingReader struct {
	in    io.Reader
	under *errorKeeper
}

func (r *unpackingReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.under.damaged(err)
	}
	return n, err
}

// utf16Order returns how two bytes make a number in a text that begins with the byte order mark of UTF-16, else nil.
func utf16Order(head []byte) func([]byte) uint16 {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")): // UTF-32
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return func(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return func(b []byte) uint16 { return uint16(b[0])<<8 | uint16(b[1]) }
	}
	return nil
}

// utf16Reader turns UTF-16 into UTF-8. Half a surrogate pair becomes bytes that are none, so that the row is refused:
// in place of it no other character may stand, or two different ids could become one.
type utf16Reader struct {
	in    *bufio.Reader
	order func([]byte) uint16
	text  []byte // that was turned and not read yet
}

func (r *utf16Reader) Read(p []byte) (int, error) {
	for len(r.text) == 0 {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

func (r *utf16Reader) fill() error {
	r.text = r.text[:0]
	for len(r.text) < 4096 {
		unit, err := r.unit()
		if err != nil {
			if len(r.text) > 0 && errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if !utf16.IsSurrogate(unit) {
			r.text = utf8.AppendRune(r.text, unit)
			continue
		}
		pair := utf8.RuneError
		if next, err := r.in.Peek(2); err == nil {
			pair = utf16.DecodeRune(unit, rune(r.order(next)))
		}
		if pair == utf8.RuneError {
			r.text = append(r.text, 0xff)
			continue
		}
		_, _ = r.in.Discard(2) // which were just read
		r.text = utf8.AppendRune(r.text, pair)
	}
	return nil
}

func (r *utf16Reader) unit() (rune, error) {
	var two [2]byte
	switch _, err := io.ReadFull(r.in, two[:]); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, damagedError{errors.New("the UTF-16 text ends within a character")}
	case err != nil:
		return 0, err
	}
	return rune(r.order(two[:])), nil
}

// formatOf tells the format of a text by how it begins, and where that leaves it open by the file's name.
func formatOf(head []byte, name string, format FileFormat) (FileFormat, error) {
	if what := foreign(head); what != "" {
		return "", failure.Invalidf("%s: this is %s, and no file of events", name, what).WithReason("no_event_file")
	}
	text := bytes.TrimLeft(head, " \t\r\n")
	named := formatByName(name)
	switch {
	case len(text) > 0 && text[0] == '[' && format != CSV:
		return JSONArray, nil
	case len(text) > 0 && text[0] == '{' && format != CSV && isDocument(text):
		return JSONArray, nil
	case format != "":
		return format, nil
	case len(text) > 0 && text[0] == '{':
		return JSONLines, nil
	case named != "":
		return named, nil
	case len(text) == 0:
		return JSONLines, nil
	}
	if header, _, _ := bytes.Cut(text, []byte("\n")); bytes.ContainsAny(header, ",;\t") {
		return CSV, nil
	}
	return "", failure.Invalidf("%s is neither JSON nor CSV: it begins with %q", name,
		failure.Shorten(strings.ToValidUTF8(string(firstLine(text)), "?"))).WithReason("no_event_file")
}

func firstLine(text []byte) []byte {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return bytes.TrimRight(line, "\r")
}

// isDocument tells whether an object is the first of several lines, or begins with a list of rows.
func isDocument(text []byte) bool {
	return len(bytes.TrimSpace(firstLine(text)[1:])) == 0 || documentStart.Match(text)
}

var documentStart = regexp.MustCompile(`^\{\s*"data"\s*:\s*\[`) // read-only

func formatByName(name string) FileFormat {
	name = strings.ToLower(name)
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch filepath.Ext(name) {
	case ".csv", ".tsv":
		return CSV
	case ".jsonl", ".ndjson", ".json":
		return JSONLines
	}
	return ""
}

// beginnings are how files begin that are no event files.
var beginnings = []struct{ start, what string }{ // read-only
	{"SQLite format 3\x00", "a SQLite database"}, {"%PDF-", "a PDF document"},
	{"PK\x03\x04", "a ZIP archive, as .xlsx workbooks are"}, {"PK\x05\x06", "an empty ZIP archive"},
	{"\x89PNG\r\n\x1a\n", "a PNG image"}, {"\xff\xd8\xff", "a JPEG image"}, {"GIF8", "a GIF image"},
	{"RIFF", "a RIFF file"},
	{"PAR1", "a Parquet file"}, {"Obj\x01", "an Avro file"}, {"ORC", "an ORC file"}, {"ARROW1", "an Arrow file"},
	{"BZh", "packed with bzip2"}, {"\xfd7zXZ\x00", "packed with xz"}, {"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"},
	{"\x04\x22\x4d\x18", "packed with LZ4"}, {"Rar!", "a RAR archive"}, {"\x7fELF", "a program"}, {"MZ", "a program"},
	{"\xd0\xcf\x11\xe0", "an old Excel or Word file"}, {"{\\rtf", "an RTF document"},
	{"\xff\xfe\x00\x00", "text in UTF-32"}, {"\x00\x00\xfe\xff", "text in UTF-32"},
	{"PGDMP", "a dump of a PostgreSQL database"}, {"-- MySQL dump", "a dump of a MySQL database"},
	{"--\n-- PostgreSQL database", "a dump of a PostgreSQL database"},
	{"--\r\n-- PostgreSQL database", "a dump of a PostgreSQL database"},
	{"PRAGMA foreign_keys", "a dump of a SQLite database"}, {"#!", "a script"}, {"-----BEGIN ", "a key or certificate"},
}

// textBeginnings are those of texts, after spaces and in lower or upper case.
var textBeginnings = []struct{ start, what string }{ // read-only
	{"<!doctype html", "an HTML page"}, {"<html", "an HTML page"}, {"<?xml", "an XML document"}, {"<", "an XML document"},
	{"create table", "SQL"}, {"insert into", "SQL"}, {"begin transaction", "SQL"}, {"-- ", "SQL"},
}

var yamlLine = regexp.MustCompile(`^(---|(- )?["']?[A-Za-z_][A-Za-z0-9_. -]*["']?:)(\s|$)`) // read-only

// foreign says what a file is that is no event file, "" where its first bytes do not tell.
func foreign(head []byte) string {
	for _, b := range beginnings {
		if bytes.HasPrefix(head, []byte(b.start)) {
			return b.what
		}
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "a tar archive"
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return "binary data, or UTF-16 without its byte order mark"
	}
	text := strings.ToLower(strings.TrimLeft(string(head), " \t\r\n"))
	for _, b := range textBeginnings {
		if strings.HasPrefix(text, b.start) {
			return b.what
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		if yamlLine.MatchString(line) {
			return "YAML"
		}
		break
	}
	return ""
}

// describeDamage returns the failure of a file whose data can't be unpacked, or the error as it is.
func describeDamage(err error, name string, rows int) error {
	if damaged, ok := errors.AsType[damagedError](err); ok {
		return failure.Invalidf("the file %s is damaged: %s after %d rows", name, damaged, rows).Because(err)
	}
	return err
}
