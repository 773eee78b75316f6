package pricing

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/alwrity/alwrity-sub/failure"
)

// ReadYAML reads the text of a file into a value. Text that is no YAML, or has fields that the value has not, is an
// invalid failure that says where.
func ReadYAML(name string, text []byte, into any) (err error) {
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
	if errors.Is(err, io.EOF) {
		return nil // an empty file
	}
	var known *failure.Error
	var located yaml.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return failure.Within(err, "%s", name)
	case errors.As(err, &located) && located.GetToken() != nil:
		at := located.GetToken().Position
		return failure.Invalidf("%s, line %d, column %d: %s", name, at.Line, at.Column, failure.Shorten(located.GetMessage()))
	}
	reason := strings.TrimSpace(yaml.FormatError(err, false, false))
	return failure.Invalidf("%s can't be read: %s", name, failure.Shorten(reason))
}
