package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// LargestBody is how large a body may be that is read whole, in bytes. A list of 10,000 events is below it.
const LargestBody = 16 << 20

// deepest is how deep JSON may be nested: what is meant has two or three levels.
const deepest = 64

// Body returns the whole body, with what gzip has made smaller unpacked (see Middleware). One that is too large is a
// failure of its own.
func (c *Call) Body() ([]byte, error) {
	text, err := io.ReadAll(c.Request.Body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, failure.Invalidf("the body is larger than %d bytes", LargestBody).Because(err)
	}
	if err != nil {
		return nil, failure.Invalidf("the body can't be read: %s", err).Because(err)
	}
	return text, nil
}

// JSON returns a body that may be JSON, and is not nested too deeply.
func (c *Call) JSON() ([]byte, error) {
	text, err := c.Body()
	if err == nil && tooDeep(text) {
		err = failure.Invalidf("the body is no JSON that is meant: it is nested more than %d levels", deepest)
	}
	return text, err
}

// ReadJSON reads a body that is one JSON object into a struct. A field that the struct does not have is a failure: it
// would be lost in silence.
func (c *Call) ReadJSON(to any) error {
	text, err := c.JSON()
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return failure.Invalidf("the body is not the JSON that is expected: %s", err).Because(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return failure.Invalidf("the body has something behind its JSON")
	}
	return nil
}

// ReadOptionalJSON is ReadJSON for a body that may be missing.
func (c *Call) ReadOptionalJSON(to any) error {
	body, err := c.Body()
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return err
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	return c.ReadJSON(to)
}

// tooDeep tells whether JSON is nested too deeply. It reads brackets alone, so it costs little whatever the text is.
func tooDeep(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > deepest {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// Query reads the parameters of a request and keeps the first failure.
type Query struct {
	values map[string][]string
	known  map[string]bool
	err    error
}

// Query returns the parameters of the call.
func (c *Call) Query() *Query { return &Query{c.URL.Query(), map[string]bool{}, nil} }

// Text returns a parameter, "" where it is not given.
func (q *Query) Text(name string) string {
	q.known[name] = true
	values := q.values[name]
	if len(values) == 0 {
		return ""
	}
	if len(values) > 1 {
		q.fail(failure.Invalidf("%s is given %d times", name, len(values)))
	}
	return values[0]
}

// Int returns a whole number between two others.
func (q *Query) Int(name string, fallback, least, most int) int {
	text := q.Text(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		q.fail(failure.Invalidf("%s is %q: it must be a whole number from %d to %d", name, failure.Shorten(text),
			least, most))
	}
	return n
}

// Page returns how many rows a page has.
func (q *Query) Page() int { return q.Int("limit", 100, 1, usage.PageSize) }

// Key returns the number of the last row of the page before, 0 for none.
func (q *Query) Key(name string) int64 { return int64(q.Int(name, 0, 0, math.MaxInt)) }

// Name returns a keyword, in lower case.
func (q *Query) Name(name string) string { return strings.ToLower(q.Text(name)) }

// Bool returns true or false; a parameter without a value is true.
func (q *Query) Bool(name string) bool {
	text := q.Text(name)
	if _, given := q.values[name]; given && text == "" {
		return true
	}
	if text == "" {
		return false
	}
	is, err := strconv.ParseBool(text)
	if err != nil {
		q.fail(failure.Invalidf("%s is %q: it must be true or false", name, failure.Shorten(text)))
	}
	return is
}

// Time returns a moment or day as the commands read it, zero where it is not given.
func (q *Query) Time(name string) time.Time {
	text := q.Text(name)
	if text == "" {
		return time.Time{}
	}
	moment, err := usage.ParseTime(name, text)
	q.fail(err)
	return moment
}

// Quantities returns what is given of a call's quantities; requests are 1 where they are not.
func (q *Query) Quantities() (all pricing.Quantities) {
	all[pricing.Requests] = 1
	for quantity := range pricing.QuantityCount {
		text := q.Text(quantity.String())
		if text == "" {
			continue
		}
		amount, err := quantity.Parse(quantity.String(), text)
		q.fail(err)
		all[quantity] = amount
	}
	return all
}

// Fail keeps a failure, unless there is one already.
func (q *Query) Fail(err error) { q.fail(err) }

func (q *Query) fail(err error) {
	if q.err == nil {
		q.err = err
	}
}

// Err returns the first failure, which may be a parameter that nobody has read: it would be lost in silence.
func (q *Query) Err() error {
	if q.err != nil {
		return q.err
	}
	for name := range q.values {
		if !q.known[name] {
			return failure.Invalidf("there is no parameter %q here", failure.Shorten(name))
		}
	}
	return nil
}
