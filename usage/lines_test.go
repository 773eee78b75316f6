package usage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func readLines(t *testing.T, in io.Reader) (lines []line, overflow string) {
	t.Helper()
	var rest bytes.Buffer
	reader := newLineReader(in, &rest)
	for {
		l, err := reader.next()
		if errors.Is(err, io.EOF) {
			return lines, rest.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line{l.number, slices.Clone(l.text), l.tooLong})
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string][]string{
		"": nil, "\n": {""}, "a": {"a"}, "a\n": {"a"}, "a\nb": {"a", "b"}, "a\r\nb\r\n": {"a", "b"},
		"a\n\nb\n": {"a", "", "b"}, "a\rb\n": {"a\rb"},
		"\xef\xbb\xbfa\n": {"a"}, "\xef\xbb": {"\xef\xbb"}, "a\xef\xbb\xbf\n": {"a\xef\xbb\xbf"},
	} {
		for name, in := range map[string]io.Reader{"at once": strings.NewReader(text),
			"byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
			lines, overflow := readLines(t, in)
			var got []string
			for i, l := range lines {
				got = append(got, string(l.text))
				if l.number != int64(i+1) || l.tooLong {
					t.Errorf("%q %s: line %d is %+v", text, name, i+1, l)
				}
			}
			if !slices.Equal(got, want) || overflow != "" {
				t.Errorf("%q %s: %q, overflow %q", text, name, got, overflow)
			}
		}
	}
}

// However long a line is, all of it goes to the rejects.
func TestLongLinesAreKeptWhole(t *testing.T) {
	for _, length := range []int{longestLine - 1, longestLine, longestLine + 1, longestLine + 70_000, 2*longestLine + 5,
		3*longestLine + 100} {
		for _, end := range []string{"\n", ""} {
			long := strings.Repeat("0123456789", length/10+1)[:length]
			lines, overflow := readLines(t, strings.NewReader("before\n"+long+end))
			if len(lines) != 2 || string(lines[0].text) != "before" {
				t.Fatalf("%d bytes: %d lines", length, len(lines))
			}
			switch last := lines[1]; {
			case length <= longestLine && (last.tooLong || string(last.text) != long || overflow != ""):
				t.Errorf("%d bytes: read as %d, too long: %t", length, len(last.text), last.tooLong)
			case length > longestLine+1 && (!last.tooLong || overflow != long+"\n"):
				t.Errorf("%d bytes: %d bytes went to the rejects, too long: %t", length, len(overflow), last.tooLong)
			}
		}
	}
}

func TestLinesAreReadAgain(t *testing.T) {
	reader := newLineReader(strings.NewReader("a\nb\nc\nd\n"), io.Discard)
	var taken []line
	for range 3 {
		l, err := reader.next()
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, l)
	}
	reader.unread(taken[1:])
	var texts []string
	for {
		l, err := reader.next()
		if err != nil {
			break
		}
		texts = append(texts, fmt.Sprint(l.number, string(l.text)))
	}
	if want := []string{"2b", "3c", "4d"}; !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
}

func TestLinesOfAFileThatFails(t *testing.T) {
	boom := errors.New("boom")
	reader := newLineReader(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(boom)), io.Discard)
	if l, err := reader.next(); err != nil || string(l.text) != "a" {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := reader.next(); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}
