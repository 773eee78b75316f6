package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// maxima is how many calls each plan has of each provider, as its owner reads
// the catalogue: the smallest of the limits that block. -1 is unlimited.
const maxima = `
provider    Free Basic  Pro Enterprise
gemini        50   500 3000         -1
openai         0   500 3000         -1
anthropic      0   500 3000         -1
mistral        0   500 3000         -1
huggingface    0   500 3000         -1
wavespeed     50   200  500         -1
tavily        10   200 1000         -1
serper        10   200 1000         -1
metaphor       0   100  500         -1
exa           10   100  500         -1
firecrawl      0   100  500         -1
stability     10    25  100         -1
image_edit     5    25  100         -1
video          2    10   30         -1
audio         10   100  100         -1
`

// allowance is how many calls one plan has of one provider.
type allowance struct {
	plan, provider string
	most           int
}

func allowances(t *testing.T) []allowance {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(maxima), "\n")
	plans := strings.Fields(lines[0])[1:]
	var all []allowance
	for _, line := range lines[1:] {
		columns := strings.Fields(line)
		for i, plan := range plans {
			most, err := strconv.Atoi(columns[i+1])
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, allowance{plan, columns[0], most})
		}
	}
	return all
}

func (a allowance) user() string { return a.plan + "-" + a.provider }

// before is how many calls the test records before the one that it looks at:
// all but the last one, and of what is unlimited more than any plan has.
func (a allowance) before() int {
	switch {
	case a.most > 0:
		return a.most - 1
	case a.most == 0:
		return 0
	case a.provider == "video":
		return 1999 // at $0.25 each, the next one comes to Enterprise's $500
	}
	return 100_000
}

// TestLastCallOfEveryLimit shows for each plan and provider that the last call
// is allowed and the next refused: by the check, by the reservation and by the
// enforced record alike.
func TestLastCallOfEveryLimit(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, cli commandLine) {
		cli.must(t, "init", "-q")
		all := allowances(t)
		var events strings.Builder
		for _, a := range all {
			if a.plan != "Free" {
				cli.must(t, "users", "subscribe", a.user(), "--plan", a.plan, "-q")
			}
			if n := a.before(); n > 0 {
				fmt.Fprintf(&events, `{"user_id":%q,"provider":%q,"requests":%d,"input_tokens":0,"characters":0,"seconds":0}`+
					"\n", a.user(), a.provider, n)
			}
		}
		write(t, cli.dir, "before.jsonl", events.String())
		cli.must(t, "usage", "import", filepath.Join(cli.dir, "before.jsonl"), "--time", "2026-11-10T12:00:00Z", "-q")
		for _, a := range all {
			testLastCall(t, cli, a)
		}
		calls := cli.calls(t)
		for _, a := range all {
			want := a.most
			if a.most < 0 {
				want = a.before()
			}
			if got := calls[a.user()]; got != want {
				t.Errorf("%s: %d calls are recorded, want %d", a.user(), got, want)
			}
		}
		cli.must(t, "reconcile", "-q")
	})
}

func testLastCall(t *testing.T, cli commandLine, a allowance) {
	t.Helper()
	call := []string{"--user", a.user(), "--provider", a.provider, "-o", "json"}
	check := append([]string{"limits", "check"}, call...)
	enforce := append([]string{"usage", "record", "--enforce"}, call...)
	if a.most != 0 {
		cli.verdict(t, 0, "", check...)
	}
	reason := "limit_exceeded"
	switch {
	case a.most < 0:
		return
	case a.most == 0:
		reason = "not_in_plan"
	default:
		cli.must(t, enforce...)
	}
	cli.verdict(t, 4, reason, check...)
	cli.verdict(t, 4, reason, append([]string{"limits", "reserve"}, call...)...)
	cli.verdict(t, 4, reason, enforce...)
}

// TestEnterpriseCostLimit shows that an unlimited plan ends at its cost: at
// exactly $500, and not a call later.
func TestEnterpriseCostLimit(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, cli commandLine) {
		cli.must(t, "init", "-q")
		cli.must(t, "users", "subscribe", "big", "--plan", "enterprise", "-q")
		call := []string{"usage", "record", "--user", "big", "--provider", "video", "--model", "wan-2.5", "-o", "json"}
		cli.must(t, append(call, "--requests", "1999")...)
		cli.must(t, append(call, "--enforce")...)
		cli.verdict(t, 4, "limit_exceeded", append(call, "--enforce")...)
		if got := cli.calls(t)["big"]; got != 2000 {
			t.Errorf("%d calls are recorded, want 2000", got)
		}
	})
}

// TestFreeUserHasFiftyTextCalls tries 500 text calls of a Free user, one after
// the other and over both text providers of the plan: 50 pass, never 51. On
// PostgreSQL, where each of them logs in, they are fewer; the script
// at_once_enforce tries them at the same time.
func TestFreeUserHasFiftyTextCalls(t *testing.T) {
	t.Parallel()
	onBothDatabases(t, func(t *testing.T, cli commandLine) {
		cli.must(t, "init", "-q")
		passed := 0
		tries := 500
		if !strings.HasPrefix(cli.databaseURL, "sqlite") {
			tries = 100
		}
		for i := range tries {
			provider, model := "gemini", "gemini-2.5-flash"
			if i%3 == 0 {
				provider, model = "wavespeed", "openai/gpt-oss-20b"
			}
			r := cli.run("usage", "record", "--enforce", "--user", "free", "--provider", provider, "--model", model,
				"--input-tokens", "100", "--output-tokens", "10", "-q")
			switch r.status {
			case 0:
				passed++
			case 4:
			default:
				t.Fatalf("call %d: %+v", i, r)
			}
		}
		if got := cli.calls(t)["free"]; passed != 50 || got != 50 {
			t.Errorf("%d calls passed and %d are recorded, want 50", passed, got)
		}
		cli.must(t, "reconcile", "-q")
	})
}

// commandLine runs the program inside the test, on a database of its own.
type commandLine struct {
	dir, databaseURL string
}

// onBothDatabases runs a test with a command line on SQLite, and on PostgreSQL.
func onBothDatabases(t *testing.T, test func(t *testing.T, cli commandLine)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, commandLine{t.TempDir(), "sqlite:///./alwrity.db"})
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		server := postgresServer(t)
		name, err := createDatabase(t, server, "")
		if err != nil {
			t.Fatal(err)
		}
		own := *server
		own.Path = "/" + name
		test(t, commandLine{t.TempDir(), own.String()})
	})
}

func (c commandLine) run(args ...string) result {
	var out, errs bytes.Buffer
	status := Main(Process{
		Args: args, In: strings.NewReader(""), Out: &out, Err: &errs, Dir: c.dir, Version: "1.2.3",
		Environ: []string{"DATABASE_URL=" + c.databaseURL, "USER=tester"},
		Now:     func() time.Time { return time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC) },
	})
	return result{status, out.String(), errs.String()}
}

func (c commandLine) must(t *testing.T, args ...string) result {
	t.Helper()
	r := c.run(args...)
	if r.status != 0 {
		t.Fatalf("%s: %+v", strings.Join(args, " "), r)
	}
	return r
}

// verdict runs a command that decides, and requires its exit code and reason.
func (c commandLine) verdict(t *testing.T, status int, reason string, args ...string) {
	t.Helper()
	r := c.run(args...)
	var decision struct {
		Allowed bool
		Reason  *string
	}
	if err := json.Unmarshal([]byte(r.out), &decision); err != nil || r.status != status {
		t.Errorf("%s: %+v, want the exit code %d", strings.Join(args, " "), r, status)
		return
	}
	got := ""
	if decision.Reason != nil {
		got = *decision.Reason
	}
	if decision.Allowed != (status == 0) || got != reason {
		t.Errorf("%s: allowed is %t and the reason %q, want %q", strings.Join(args, " "), decision.Allowed, got, reason)
	}
}

// calls returns how many calls of each user are recorded.
func (c commandLine) calls(t *testing.T) map[string]int {
	t.Helper()
	r := c.must(t, "usage", "report", "--by", "user", "-o", "json")
	var report struct {
		Rows []struct {
			User  string
			Calls int
		}
	}
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for _, row := range report.Rows {
		calls[row.User] = row.Calls
	}
	return calls
}
