package db

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
)

// postgresText writes values as PostgreSQL reads them in text. A sink has one for each list of rows, or for each
// column.
type postgresText struct {
	bytes []byte
	day   int64 // since 1970, of the moment that was written last
	date  []byte
}

func (w *postgresText) integer(n int64) { w.bytes = strconv.AppendInt(w.bytes, n, 10) }

func (w *postgresText) boolean(b bool) {
	if b {
		w.bytes = append(w.bytes, 't')
	} else {
		w.bytes = append(w.bytes, 'f')
	}
}

const (
	microsOfDay = int64(24 * time.Hour / time.Microsecond)
	// firstDay and finalDay are those that are written with a year of four digits.
	firstDay = -719_162  // 0001-01-01
	finalDay = 2_932_896 // 9999-12-31
)

// moment writes a time, of which most are on the day of the one before.
func (w *postgresText) moment(micros int64) {
	day := micros / microsOfDay
	if micros%microsOfDay < 0 {
		day--
	}
	if day < firstDay || day > finalDay {
		w.bytes = append(w.bytes, pq.FormatTimestamp(time.UnixMicro(micros).UTC())...)
		return
	}
	if day != w.day || w.date == nil {
		w.day, w.date = day, time.Unix(day*24*60*60, 0).UTC().AppendFormat(w.date[:0], time.DateOnly)
	}
	w.bytes = append(append(w.bytes, w.date...), ' ')
	rest := micros - day*microsOfDay
	seconds := rest / 1_000_000
	w.digits(seconds/3600, 2)
	w.bytes = append(w.bytes, ':')
	w.digits(seconds/60%60, 2)
	w.bytes = append(w.bytes, ':')
	w.digits(seconds%60, 2)
	if fraction := rest % 1_000_000; fraction != 0 {
		w.bytes = append(w.bytes, '.')
		w.digits(fraction, 6)
	}
	w.bytes = append(w.bytes, "+00"...)
}

// digits writes a number with so many digits.
func (w *postgresText) digits(n int64, count int) {
	for range count {
		w.bytes = append(w.bytes, '0')
	}
	for i := len(w.bytes) - 1; n > 0; i-- {
		w.bytes[i] = byte('0' + n%10)
		n /= 10
	}
}

// copyLines are rows as lines of COPY's text format
// (https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2).
type copyLines struct {
	postgresText
	rows int // that are still to come
	next int
	put  func(to sink, n int)
}

// copyChunk is about how many bytes are made at a time.
const copyChunk = 60 << 10

// chunk returns some lines without the last one's end, none after the last row.
func (c *copyLines) chunk() []byte {
	c.bytes = c.bytes[:0]
	for len(c.bytes) < copyChunk && c.rows > 0 {
		c.put(c, c.next)
		c.next++
		c.rows--
		c.bytes[len(c.bytes)-1] = '\n' // for the tab after the last column
	}
	return c.bytes[:max(0, len(c.bytes)-1)]
}

func (c *copyLines) end() { c.bytes = append(c.bytes, '\t') }

func (c *copyLines) text(s string) {
	for {
		i := strings.IndexAny(s, "\\\n\r\t")
		if i < 0 {
			break
		}
		c.bytes = append(append(c.bytes, s[:i]...), '\\', copyEscape(s[i]))
		s = s[i+1:]
	}
	c.bytes = append(c.bytes, s...)
	c.end()
}

// copyEscape returns what stands after the backslash for a character that must not stand for itself.
func copyEscape(c byte) byte {
	switch c {
	case '\n':
		return 'n'
	case '\r':
		return 'r'
	case '\t':
		return 't'
	}
	return c
}

func (c *copyLines) integer(n int64)     { c.postgresText.integer(n); c.end() }
func (c *copyLines) small(n int16)       { c.integer(int64(n)) }
func (c *copyLines) moment(micros int64) { c.postgresText.moment(micros); c.end() }
func (c *copyLines) boolean(b bool)      { c.postgresText.boolean(b); c.end() }
func (c *copyLines) nullInteger()        { c.bytes = append(c.bytes, `\N`...); c.end() }
func (c *copyLines) nullMoment()         { c.nullInteger() }

// copyInto adds so many rows to a table, as psql's \copy does.
func (t *tx) copyInto(ctx context.Context, table, columns string, rows int, put func(to sink, n int)) error {
	if rows == 0 {
		return nil
	}
	lines := copyLines{rows: rows, put: put}
	return t.onDriver(func(driverConn any) error {
		return driverConn.(*postgresConn).copyIn(ctx, "COPY "+table+" ("+columns+") FROM STDIN", lines.chunk)
	})
}
