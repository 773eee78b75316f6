package alwrity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// badInput is a failure that names each field at fault.
type badInput struct{ fields []badField }

type badField struct {
	Type  string `json:"type"`
	Loc   []any  `json:"loc"` // where it is: "query", "limit"
	Msg   string `json:"msg"`
	Input any    `json:"input"`
}

func (b *badInput) Error() string { return fmt.Sprintf("%v: %s", b.fields[0].Loc, b.fields[0].Msg) }

// input reads what a request gives, and collects what is wrong with it. A parameter that nobody knows is passed over,
// as the client expects.
type input struct {
	query url.Values
	bad   []badField
}

func inputOf(c *web.Call) *input { return &input{query: c.URL.Query()} }

func (in *input) wrong(kind, msg string, value any, loc ...any) {
	if text, ok := value.(string); ok {
		value = failure.Shorten(strings.ToValidUTF8(text, "?"))
	}
	in.bad = append(in.bad, badField{kind, loc, msg, value})
}

func (in *input) err() error {
	if len(in.bad) == 0 {
		return nil
	}
	return &badInput{in.bad}
}

// number reads a whole number between two others.
func (in *input) number(name string, fallback, least, most int) int {
	if !in.query.Has(name) {
		return fallback
	}
	text := in.query.Get(name)
	n, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case err != nil:
		in.wrong("int_parsing", "It must be a whole number", text, "query", name)
	case n < least:
		in.wrong("greater_than_equal", fmt.Sprintf("It must be %d or more", least), text, "query", name)
	case n > most:
		in.wrong("less_than_equal", fmt.Sprintf("It must be %d or less", most), text, "query", name)
	}
	return n
}

// yes reads true or false.
func (in *input) yes(name string) bool {
	switch text := strings.ToLower(in.query.Get(name)); text {
	case "true", "1", "yes", "on", "t", "y":
		return true
	case "false", "0", "no", "off", "f", "n":
	default:
		if in.query.Has(name) {
			in.wrong("bool_parsing", "It must be true or false", text, "query", name)
		}
	}
	return false
}

// allTime is the billing_period that means all of them.
const allTime = "all"

// month reads a billing_period: 2026-11. It is 0 where there is none; all tells whether all time is meant.
func (in *input) month() (month plan.Month, all bool) {
	text := in.query.Get("billing_period")
	if text == "" || text == allTime {
		return 0, text == allTime
	}
	month, err := plan.ParseMonth(text)
	if err != nil {
		in.wrong("string_pattern_mismatch", "It must be a month, as 2026-11, or all", text, "query", "billing_period")
	}
	return month, false
}

// user reads the user of a path.
func (in *input) user(c *web.Call) string {
	user := c.PathValue("user")
	if err := usage.ValidateUser(user); err != nil {
		in.wrong("value_error", err.Error(), user, "path", "user_id")
	}
	return user
}

// caller reads whose data is meant where the path does not say: the caller's own, or that of a user whom the caller may
// act for.
func (in *input) caller(c *web.Call) (string, error) {
	user := c.Who.User
	if in.query.Has("user_id") {
		user = in.query.Get("user_id")
	}
	if user == "" {
		in.wrong("missing", "The token is of no user: say which", nil, "query", "user_id")
		return "", nil
	}
	if err := usage.ValidateUser(user); err != nil {
		in.wrong("value_error", err.Error(), user, "query", "user_id")
		return "", nil
	}
	return user, c.MustActFor(user)
}

// object is a JSON object whose fields are looked at one by one.
type object struct {
	in     *input
	loc    []any
	fields map[string]json.RawMessage
}

// body reads a body that is a JSON object.
func (in *input) body(c *web.Call) (object, error) {
	text, err := c.JSON()
	if err != nil {
		return object{}, err
	}
	o := object{in: in, loc: []any{"body"}}
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		in.wrong("missing", "A body is missing", nil, "body")
	case !json.Valid(text):
		in.wrong("json_invalid", "The body is no JSON", nil, "body")
	case json.Unmarshal(text, &o.fields) != nil || o.fields == nil:
		in.wrong("dict_type", "The body must be an object", nil, "body")
	}
	return o, in.err()
}

func (o object) wrong(kind, msg string, value json.RawMessage, name string) {
	var given any
	if len(value) < 256 { // more of it helps nobody
		_ = json.Unmarshal(value, &given)
	}
	o.in.wrong(kind, msg, given, append(append([]any{}, o.loc...), name)...)
}

// given returns a field, and whether it is there and not null.
func (o object) given(name string) (json.RawMessage, bool) {
	value, ok := o.fields[name]
	return value, ok && string(value) != "null"
}

// text reads a text. A field that must be there and is not is at fault.
func (o object) text(name string, must bool) (text string) {
	value, ok := o.given(name)
	switch {
	case !ok && must:
		o.wrong("missing", "It must be given", nil, name)
	case ok && json.Unmarshal(value, &text) != nil:
		o.wrong("string_type", "It must be a text", value, name)
	}
	return text
}

// number reads a whole number from 0 to a most, 0 where it is not given. One that is written as a text counts too.
func (o object) number(name string, most int64) int64 {
	value, ok := o.given(name)
	if !ok {
		return 0
	}
	f, err := strconv.ParseFloat(strings.Trim(string(value), `"`), 64)
	switch n := int64(f); {
	case err != nil || f != math.Trunc(f):
		o.wrong("int_parsing", "It must be a whole number", value, name)
	case f < 0:
		o.wrong("greater_than_equal", "It must be 0 or more", value, name)
	case f > float64(most):
		o.wrong("less_than_equal", fmt.Sprintf("It must be %d or less", most), value, name)
	default:
		return n
	}
	return 0
}
