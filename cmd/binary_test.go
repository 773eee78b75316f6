package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestBinary builds the program as README says and walks through a newcomer's
// first day with it, in an empty directory and with nothing in the environment.
func TestBinary(t *testing.T) {
	t.Parallel()
	b := buildBinary(t)

	t.Log("the binary knows its version and helps")
	b.says(t, 0, "version")("alwrity-sub 9.8.7 (go", "SQLite 3.")
	b.says(t, 0)("Available Commands:", "alwrity-sub init")

	t.Log("before init every command says what to do, and makes nothing")
	r := b.run("limits", "check", "--user", "alice", "--provider", "gemini")
	if r.status != 6 || r.out != "" {
		t.Errorf("%+v", r)
	}
	mustContain(t, r.err, "error: there is no database at ", "hint: run: alwrity-sub init")
	if files, err := os.ReadDir(b.dir); err != nil || len(files) > 0 {
		t.Errorf("there is something in the directory: %v %v", files, err)
	}

	t.Log("tables, plans and prices, the huggingface price by the environment")
	b.env = append(b.env, "HUGGINGFACE_INPUT_TOKEN_COST=2e-06")
	b.says(t, 0, "init")("created, version", "4 added", "49 added of 15 providers")
	b.says(t, 0, "init")("up to date", "4 unchanged", "49 unchanged")
	b.says(t, 0, "pricing", "set", "openai", "gpt-5", "--input-token-cost", "1.25/1M", "--output-token-cost",
		"10/1M")("openai gpt-5: added")

	t.Log("users, and their usage")
	b.says(t, 0, "users", "subscribe", "alice", "--plan", "pro", "--start", "2026-11-01")("Pro", "active")
	b.says(t, 0, "usage", "record", "--user", "alice", "--provider", "huggingface", "--model", "gpt-oss-120b",
		"--input-tokens", "1000", "--output-tokens", "100", "--id", "first")("recorded first: $0.0023 (exact price)")
	b.says(t, 0, "usage", "record", "--user", "alice", "--provider", "huggingface", "--model", "gpt-oss-120b",
		"--input-tokens", "1000", "--output-tokens", "100", "--id", "first")("duplicate first")
	write(t, b.dir, "calls.csv", "id,user_id,provider,model,time,input_tokens,output_tokens\n"+
		"c1,alice,gemini,gemini-2.5-flash,2026-11-05,1000,500\n"+
		"c2,bob,gemini,gemini-2.5-pro,2026-11-05,250000,1000\nc3,bob,gemni,x,2026-11-05,1,1\n")
	b.says(t, 2, "usage", "import", "calls.csv", "--rejects", "bad.csv")("2", "there is no provider")
	if got := read(t, filepath.Join(b.dir, "bad.csv")); !strings.HasSuffix(got, "c3,bob,gemni,x,2026-11-05,1,1\n") {
		t.Errorf("the rejects are %q", got)
	}

	t.Log("refused at a limit")
	b.says(t, 0, "limits", "reserve", "--user", "bob", "--provider", "video", "--model", "wan-2.5", "--requests", "2",
		"--id", "r1")("allowed")
	b.says(t, 4, "limits", "check", "--user", "bob", "--provider", "video", "--model",
		"wan-2.5")("refused: video_calls would be exceeded")
	b.says(t, 0, "usage", "record", "--reservation", "r1", "--requests", "2")("$0.50")
	b.says(t, 4, "usage", "record", "--user", "bob", "--provider", "video", "--model", "wan-2.5",
		"--enforce")("video_calls is used up: 2 of 2 calls")

	t.Log("a report whose every figure is right")
	var report struct {
		Rows  []struct{ User, Provider, Cost string }
		Total struct {
			Calls int
			Cost  string
		}
	}
	r = b.run("usage", "report", "--month", "2026-11", "--by", "user,provider", "-o", "json")
	if err := json.Unmarshal([]byte(r.out), &report); err != nil {
		t.Fatalf("%s: %+v", err, r)
	}
	costs := map[string]string{}
	for _, row := range report.Rows {
		costs[row.User+" "+row.Provider] = row.Cost
	}
	for key, want := range map[string]string{
		"alice huggingface": "0.0023", "alice gemini": "0.00155", "bob gemini": "0.64", "bob video": "0.5",
	} {
		if costs[key] != want {
			t.Errorf("%s cost %q, want %q", key, costs[key], want)
		}
	}
	if report.Total.Calls != 5 || report.Total.Cost != "1.14385" {
		t.Errorf("the total is %+v", report.Total)
	}

	t.Log("and all of it holds together")
	b.says(t, 0, "usage", "show", "bob", "--at", "2026-11-20")("limit reached", "video_calls")
	b.says(t, 0, "alerts", "list")("100%")
	b.says(t, 0, "reconcile")("✓ usage_summaries", "✓ usage_daily")
	b.says(t, 0, "doctor")("all is well")
	b.says(t, 0, "selftest")("all is well")
	b.says(t, 0, "demo", "--users", "5", "--days", "10")("Cost by provider", "The five most expensive users")
	b.says(t, 0, "db", "backup", "backup.db")("backed up to backup.db")
	b.says(t, 0, "--database-url", "sqlite:///backup.db", "reconcile")("4 log rows")
}

// binary is the program as it was built, and where it is run.
type binary struct {
	path, dir string
	env       []string
}

func buildBinary(t *testing.T) *binary {
	t.Helper()
	path := filepath.Join(t.TempDir(), "alwrity-sub")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-X main.version=9.8.7", "-o", path, "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %s", err, out)
	}
	// Time stands still for the newcomer too: the report is one of November 2026.
	return &binary{path: path, dir: t.TempDir(), env: []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir()}}
}

func (b *binary) run(args ...string) result {
	var out, errs bytes.Buffer
	c := exec.Command(b.path, append([]string{"--now", "2026-11-20"}, args...)...)
	c.Dir, c.Env, c.Stdout, c.Stderr = b.dir, b.env, &out, &errs
	status, err := exitCode(c.Run())
	if err != nil {
		return result{-1, out.String(), err.Error()}
	}
	return result{status, out.String(), errs.String()}
}

// says runs a command, requires its exit code, and returns the function that
// requires parts of its results.
func (b *binary) says(t *testing.T, status int, args ...string) func(parts ...string) {
	t.Helper()
	r := b.run(args...)
	if r.status != status {
		t.Fatalf("%s: %+v, want the exit code %d", strings.Join(args, " "), r, status)
	}
	return func(parts ...string) {
		t.Helper()
		mustContain(t, r.out, parts...)
	}
}
