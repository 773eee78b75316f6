package wire

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/pricing"
)

var update = flag.Bool("update", false, "write what is, where it should be")

// golden is a request and its answer. In its file the comment has settings ("status: 400"), and the files are
// request.json or request.multipart, one answer, and what is made of both: want. An answer *.sse comes as events, any
// other one whole.
type golden struct {
	file     string
	archive  *txtar.Archive
	settings map[string]string
	format   *Format
	request  []byte
	answer   []byte
	kind     string // content type of the answer
	want     string
}

func goldens(t testing.TB) []golden {
	files, err := filepath.Glob("testdata/answers/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files: ", err)
	}
	all := make([]golden, len(files))
	for i, file := range files {
		all[i] = readGolden(t, file)
	}
	return all
}

func readGolden(t testing.TB, file string) golden {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(filepath.Dir(file))
	format, ok := Named(name)
	if !ok {
		format = counted(t, name)
	}
	g := golden{file: file, archive: archive, format: format, settings: map[string]string{}}
	for line := range strings.Lines(string(archive.Comment)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			g.settings[name] = value
		}
	}
	for _, f := range archive.Files {
		stem, ending, _ := strings.Cut(f.Name, ".")
		data := f.Data
		if g.settings["lines"] == "crlf" || ending == "multipart" {
			data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		}
		switch {
		case stem == "request":
			g.request = data
		case f.Name == "want":
			g.want = string(f.Data)
		case ending == "sse":
			g.answer, g.kind = data, "text/event-stream; charset=utf-8"
		case ending == "mp3":
			g.answer, g.kind = data, "audio/mpeg"
		case ending == "txt":
			g.answer, g.kind = data, "text/plain"
		default:
			g.answer, g.kind = data, "application/json"
		}
	}
	return g
}

// counted returns a format that is made of testdata/rules.yaml.
func counted(t testing.TB, name string) *Format {
	text, err := os.ReadFile("testdata/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]Rules
	if err := pricing.ReadYAML("rules.yaml", text, &all); err != nil {
		t.Fatal(err)
	}
	rules, ok := all[name]
	if !ok {
		t.Fatalf("no format is called %q", name)
	}
	format, err := New(name, rules)
	if err != nil {
		t.Fatal(err)
	}
	return format
}

// errPoll says that there is no request: the answer is that to a poll, of a job of which 50 pages are held.
var errPoll = errors.New("a poll")

// ask reads the request, and says what the gateway would send.
func (g *golden) ask() (Ask, []byte, error) {
	if g.request == nil {
		return Ask{}, nil, errPoll
	}
	h := http.Header{}
	if kind := g.settings["content-type"]; kind != "" {
		h.Set("Content-Type", kind)
	}
	ask, err := g.format.Read(g.settings["path"], h, bytes.NewReader(g.request))
	if err != nil {
		return ask, nil, err
	}
	return ask, g.format.AddUsage(&ask, g.request), nil
}

// result is what is made of a golden file.
func (g *golden) result(pieces func(m *Meter) []byte) string {
	var b strings.Builder
	ask, sent, err := g.ask()
	if errors.Is(err, errPoll) {
		ask, sent, err = Ask{Answers: 1, Quantities: pricing.Quantities{pricing.Requests: 1, pricing.Pages: 50}}, nil, nil
	}
	if err != nil {
		fmt.Fprintf(&b, "refused: %s\n", err)
		return b.String()
	}
	fmt.Fprintf(&b, "ask:%s%s%s%s%s%s\n", named("model", ask.Model), flagged("stream", ask.Stream),
		flagged("usage asked", ask.UsageAsked), flagged("bounded", ask.OutputBounded), named("tier", ask.ServiceTier),
		amounts(ask.Quantities))
	if !bytes.Equal(sent, g.request) {
		fmt.Fprintf(&b, "sent: %s\n", bytes.TrimSpace(sent))
	}
	status := 200
	if s := g.settings["status"]; s != "" {
		status, _ = strconv.Atoi(s)
	}
	m := g.format.Stream(ask, status, g.kind)
	passed := pieces(m)
	used := m.Used()
	fmt.Fprintf(&b, "used:%s%s%s%s%s\n", flagged("reported", used.Reported), flagged("complete", m.Complete()),
		flagged("produced", m.Produced()), named("model", used.Model)+named("tier", used.ServiceTier),
		amounts(used.Quantities))
	if used.Cost.Given {
		fmt.Fprintf(&b, "cost: %s\n", used.Cost.USD)
	}
	for _, e := range used.Extra {
		fmt.Fprintf(&b, "extra:%s%s\n", named("model", e.Model), amounts(e.Quantities))
	}
	if used.Failure != "" {
		fmt.Fprintf(&b, "failure: %s\n", used.Failure)
	}
	if used.JobID != "" || used.JobState != "" {
		fmt.Fprintf(&b, "job: %s %s\n", used.JobID, used.JobState)
	}
	if !bytes.Equal(passed, g.answer) {
		fmt.Fprintf(&b, "passed:\n%s", bytes.ReplaceAll(passed, []byte("\r"), nil))
	}
	return b.String()
}

func named(name, value string) string {
	if value == "" {
		return ""
	}
	return " " + name + "=" + value
}

func flagged(name string, yes bool) string {
	if yes {
		return " " + name
	}
	return ""
}

func amounts(q pricing.Quantities) string {
	var b strings.Builder
	for i, n := range q {
		if n != 0 {
			fmt.Fprintf(&b, " %s=%s", pricing.Quantity(i), pricing.Quantity(i).AmountText(n))
		}
	}
	return b.String()
}

// inPieces passes an answer in pieces of a size.
func inPieces(answer []byte, size int) func(m *Meter) []byte {
	return func(m *Meter) (out []byte) {
		for len(answer) > 0 {
			n := min(size, len(answer))
			out = append(out, m.Pass(answer[:n])...)
			answer = answer[n:]
		}
		return append(out, m.Close()...)
	}
}

func TestGolden(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(g.file, "testdata/answers/"), ".txtar"), func(t *testing.T) {
			got := g.result(inPieces(g.answer, max(len(g.answer), 1)))
			if *update {
				g.write(t, got)
			} else if got != g.want {
				t.Errorf("got\n%s\nwant\n%s", got, g.want)
			}
			for _, size := range []int{1, 2, 3, 7, 64} {
				if inSmall := g.result(inPieces(g.answer, size)); inSmall != got {
					t.Errorf("in pieces of %d bytes got\n%s\nwhole\n%s", size, inSmall, got)
				}
			}
		})
	}
}

// TestAnySplit: however an answer is cut into pieces, it has used the same, and the same bytes go on.
func TestAnySplit(t *testing.T) {
	files := goldens(t)
	rapid.Check(t, func(t *rapid.T) {
		g := rapid.SampledFrom(files).Draw(t, "file")
		sizes := rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "sizes")
		if got := g.result(func(m *Meter) []byte { return inSizes(m, g.answer, sizes) }); got != g.want {
			t.Fatalf("%s: got\n%s\nwant\n%s", g.file, got, g.want)
		}
	})
}

func (g *golden) write(t *testing.T, want string) {
	for i := range g.archive.Files {
		if f := &g.archive.Files[i]; f.Name == "want" {
			f.Data = []byte(want)
			if err := os.WriteFile(g.file, txtar.Format(g.archive), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%s has no file called want", g.file)
}
