package pricing

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"github.com/alwrity/alwrity-sub/failure"
)

// ReadYAML reads the text of a file into a value. Text that is no YAML, or has fields that the value has not, is an
// invalid failure that says where.
func ReadYAML(name string, text []byte, into any) (err error) {
	if err := checkYAML(name, text); err != nil {
		return err
	}
	// The library panics on some malformed text.
	defer func() {
		if recover() != nil {
			err = failure.Invalidf("%s can't be read: it is no YAML", name)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err = decoder.Decode(into); err == nil && !errors.Is(decoder.Decode(new(any)), io.EOF) {
		return failure.Invalidf("%s has more than one YAML document: only the first would count", name)
	}
	if err == nil || errors.Is(err, io.EOF) { // io.EOF: an empty file
		return nil
	}
	if _, known := errors.AsType[*failure.Error](err); known {
		return failure.Within(err, "%s", name)
	}
	if located, ok := errors.AsType[yaml.Error](err); ok && located.GetToken() != nil {
		at := located.GetToken().Position
		return failure.Invalidf("%s, line %d, column %d: %s", name, at.Line, at.Column, failure.Shorten(located.GetMessage()))
	}
	reason := strings.TrimSpace(yaml.FormatError(err, false, false))
	return failure.Invalidf("%s can't be read: %s", name, failure.Shorten(reason))
}

// deepestYAML is how deep a file may be nested: five levels are what plans and prices need.
const deepestYAML = 50

// checkYAML returns an invalid failure for a text that the library would take minutes and all memory for: one that is
// nested without end, or repeats parts of itself by aliases.
func checkYAML(name string, text []byte) error {
	open := 0
	number := 0
	for line := range bytes.Lines(text) {
		number++
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(open-1, 0)
			}
		}
		// A block is nested by spaces, or by marks of lists and keys one after another.
		begin := len(line) - len(bytes.TrimLeft(line, " -?"))
		if open > deepestYAML || begin > 4*deepestYAML {
			return failure.Invalidf("%s, line %d: this is nested deeper than %d levels", name, number, deepestYAML)
		}
	}
	for _, t := range lexer.Tokenize(string(text)) {
		if t.Type == token.AnchorType || t.Type == token.AliasType || t.Type == token.MergeKeyType {
			return failure.Invalidf("%s, line %d, column %d: anchors and aliases (&, *, <<) are not read", name,
				t.Position.Line, t.Position.Column).WithHint("write out what the alias stands for")
		}
	}
	return nil
}

// ScalarText is the exact text of a value, quoted or not, kept away from floating point. It is read where its meaning
// is known and a failure can name its place.
type ScalarText string

// UnmarshalYAML keeps the text.
func (s *ScalarText) UnmarshalYAML(text []byte) error {
	*s = ScalarText(strings.Trim(strings.TrimSpace(string(text)), `"'`))
	return nil
}
