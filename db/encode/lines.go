package encode

import "strings"

// Lines are rows as lines of COPY's text format
// (https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2).
type Lines struct {
	postgresText
	rows int // that are still to come
	next int
	put  func(to Sink, n int)
}

// NewLines returns so many rows as lines: put puts the values of one of them.
func NewLines(rows int, put func(to Sink, n int)) *Lines { return &Lines{rows: rows, put: put} }

// chunkSize is about how many bytes are made at a time.
const chunkSize = 60 << 10

// Chunk returns some lines without the last one's end, none after the last row.
func (c *Lines) Chunk() []byte {
	c.bytes = c.bytes[:0]
	for len(c.bytes) < chunkSize && c.rows > 0 {
		c.put(c, c.next)
		c.next++
		c.rows--
		c.bytes[len(c.bytes)-1] = '\n' // for the tab after the last column
	}
	return c.bytes[:max(0, len(c.bytes)-1)]
}

func (c *Lines) end() { c.bytes = append(c.bytes, '\t') }

// Text implements Sink.
func (c *Lines) Text(s string) {
	for {
		i := strings.IndexAny(s, "\\\n\r\t")
		if i < 0 {
			break
		}
		c.bytes = append(append(c.bytes, s[:i]...), '\\', escape(s[i]))
		s = s[i+1:]
	}
	c.bytes = append(c.bytes, s...)
	c.end()
}

// escape returns what stands after the backslash for a character that must not stand for itself.
func escape(c byte) byte {
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

// Integer implements Sink.
func (c *Lines) Integer(n int64) { c.postgresText.integer(n); c.end() }

// Small implements Sink.
func (c *Lines) Small(n int16) { c.Integer(int64(n)) }

// Moment implements Sink.
func (c *Lines) Moment(micros int64) { c.postgresText.moment(micros); c.end() }

// Boolean implements Sink.
func (c *Lines) Boolean(b bool) { c.postgresText.boolean(b); c.end() }

// NullInteger implements Sink.
func (c *Lines) NullInteger() { c.bytes = append(c.bytes, `\N`...); c.end() }

// NullMoment implements Sink.
func (c *Lines) NullMoment() { c.NullInteger() }

// NullText implements Sink.
func (c *Lines) NullText() { c.NullInteger() }
