package cmd

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/subosito/gotenv"

	"github.com/alwrity/alwrity-sub/failure"
)

const defaultEnvFile = ".env"

// loadEnvFile reads the env file: the one of --env-file, else .env if there is
// one. Its variables stay in the program: no child and no library sees them.
func loadEnvFile(p Process, flags *pflag.FlagSet) (layer, map[string]string, error) {
	name, wanted := defaultEnvFile, flags.Changed("env-file")
	if wanted {
		name = flags.Lookup("env-file").Value.String()
	}
	path := resolvePath(p.Dir, name)
	if !wanted && isDirectory(path) {
		return layer{}, nil, nil // .env is a usual name for a virtual environment of Python too
	}
	text, err := failure.ReadFile(path)
	if !wanted && errors.Is(err, fs.ErrNotExist) {
		return layer{}, nil, nil
	}
	if err != nil {
		return layer{}, nil, unreadable("--env-file", name, err)
	}
	variables, err := parseEnvFile(name, text)
	if err != nil {
		return layer{}, nil, err
	}
	l := variableLayer("env file "+name, " in "+name, func(v string) string { return variables[v] })
	l.path = path
	return l, variables, nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// unreadable is the failure for a file of the configuration that can't be read.
func unreadable(flag, name string, err error) error {
	return failure.Invalidf("%s can't be read: %s", name, failure.WithoutPath(err)).
		WithHint("make it a file that you may read, or name another with %s", flag).Because(err)
}

// parseEnvFile reads NAME=value lines. A message never shows a line: it may hold a secret.
func parseEnvFile(name string, text []byte) (map[string]string, error) {
	lines := &lineReader{rest: text}
	variables, err := gotenv.StrictParse(lines)
	if err != nil {
		return nil, failure.Invalidf("%s, line %d: this is no NAME=value line, or a quote is not closed", name, lines.number).
			WithHint("write one NAME=value on a line, and a value with spaces, quotes or # in 'single quotes'")
	}
	if number, variable := ambiguousLine(string(text)); number > 0 {
		return nil, failure.Invalidf("%s, line %d: %s has a # or $ in it, and it is not clear where the value ends", name,
			number, variable).
			WithHint("put the value in 'single quotes'")
	}
	return variables, nil
}

// lineReader gives its text away line by line, so that number is the line in which a parser finds an error.
type lineReader struct {
	rest   []byte
	number int
	inLine bool
}

// Read implements io.Reader.
func (l *lineReader) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		return 0, io.EOF
	}
	if !l.inLine {
		l.number, l.inLine = l.number+1, true
	}
	end := bytes.IndexByte(l.rest, '\n') + 1
	if end == 0 {
		end = len(l.rest)
	}
	n := copy(p, l.rest[:end])
	l.inLine, l.rest = n < end, l.rest[n:]
	return n, nil
}

// ambiguousLine finds a setting of ours whose value gotenv reads in another way
// than Python's dotenv. Without it a password would be cut in silence.
func ambiguousLine(text string) (number int, variable string) {
	known := keys()
	for line := range strings.Lines(text) {
		number++
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		name = strings.TrimSpace(name)
		ours := isSecret(name) || slices.ContainsFunc(known, func(k key) bool { return k.variable() == name })
		if ours && ambiguous(strings.TrimSpace(value)) {
			return number, name
		}
	}
	return 0, ""
}

// ambiguous tells whether a value has a # right behind a letter, which ends it
// for gotenv alone, or a $NAME, which gotenv alone replaces.
func ambiguous(value string) bool {
	switch {
	case strings.HasPrefix(value, "'"):
		return false
	case !strings.HasPrefix(value, `"`):
		before, _, comment := strings.Cut(value, "#")
		if comment && before != "" && !strings.HasSuffix(before, " ") && !strings.HasSuffix(before, "\t") {
			return true
		}
		value = before
	}
	for i := range len(value) - 1 {
		if value[i] == '$' && (i == 0 || value[i-1] != '\\') && (value[i+1] == '{' || isVariableByte(value[i+1])) {
			return true
		}
	}
	return false
}

func isVariableByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'A' <= b && b <= 'Z'
}
