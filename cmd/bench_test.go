package cmd_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// BenchmarkColdProcess times whole processes on SQLite, as a gateway or cron job
// starts them, beside the sqlite3 shell that does nothing but open the file. The
// small database has a tenth of the rows of the large one, of the same users and days:
// where a command's two figures agree, its time does not grow with the log.
//
// BENCH_ROWS sets how many rows the large one has (default 1,000,000).
func BenchmarkColdProcess(b *testing.B) {
	rows := benchRows(b)
	binary := buildBinary(b)
	small, large := filepath.Join(b.TempDir(), "small.db"), filepath.Join(b.TempDir(), "large.db")
	fillDatabase(b, binary, small, rows/10)
	fillDatabase(b, binary, large, rows)
	if shell, err := exec.LookPath("sqlite3"); err == nil {
		timeProcess(b, "peer=sqlite3-select-1/rows="+strconv.Itoa(rows), shell, large, "select 1")
	} else {
		b.Log("the sqlite3 shell is not installed: there is no peer's figure")
	}
	for _, c := range []struct {
		name string
		args []string
	}{
		{"version", []string{"version"}},
		{"limits-check", []string{"limits", "check", "--user", "u17", "--provider", "gemini", "--model", "gemini-2.5-flash", "-o", "json"}},
		{"usage-show", []string{"usage", "show", "u17", "-o", "json"}},
		{"usage-report", []string{"usage", "report", "--month", "2026-10", "--by", "provider,model", "-o", "json"}},
		{"usage-logs", []string{"usage", "logs", "--user", "u17", "--limit", "50", "-o", "json"}},
	} {
		for _, db := range []struct {
			path string
			rows int
		}{{small, rows / 10}, {large, rows}} {
			args := append([]string{"--database-url", "sqlite:///" + db.path, "--now", "2026-10-31"}, c.args...)
			timeProcess(b, "command="+c.name+"/rows="+strconv.Itoa(db.rows), binary, args...)
		}
	}
}

func benchRows(b *testing.B) int {
	b.Helper()
	text := os.Getenv("BENCH_ROWS")
	if text == "" {
		return 1_000_000
	}
	rows, err := strconv.Atoi(text)
	if err != nil || rows < 10_000 {
		b.Fatalf("BENCH_ROWS is %q: it must be a number of 10000 or more", text)
	}
	return rows
}

func buildBinary(tb testing.TB) string {
	tb.Helper()
	binary := filepath.Join(tb.TempDir(), "alwrity-sub")
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// fillDatabase makes a database with so many log rows of 100 users in October.
func fillDatabase(b *testing.B, binary, path string, rows int) {
	b.Helper()
	events := path + ".jsonl"
	writeEvents(b, events, rows)
	url := "sqlite:///" + path
	if out, err := exec.Command(binary, "--database-url", url, "init").CombinedOutput(); err != nil {
		b.Fatalf("init: %v\n%s", err, out)
	}
	began := time.Now()
	if out, err := exec.Command(binary, "--database-url", url, "usage", "import", events).CombinedOutput(); err != nil {
		b.Fatalf("import: %v\n%s", err, out)
	}
	b.Logf("imported %d rows in %.1f s", rows, time.Since(began).Seconds())
}

func writeEvents(b *testing.B, path string, rows int) {
	b.Helper()
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	out := bufio.NewWriter(file)
	dice := rand.New(rand.NewPCG(1, 2))
	models := []string{`"gemini","model":"gemini-2.5-flash"`, `"openai","model":"gpt-4o"`, `"exa","model":"exa-search"`, `"video","model":"wan-2.5"`}
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		at := start.Add(time.Duration(i) * 30 * 24 * time.Hour / time.Duration(rows))
		fmt.Fprintf(out, `{"id":"event-%d","user_id":"u%d","provider":%s,"time":%q,"input_tokens":%d,"output_tokens":%d}`+"\n",
			i, dice.IntN(100), models[dice.IntN(len(models))], at.Format(time.RFC3339Nano), dice.IntN(4000), dice.IntN(800))
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
}

// timeProcess times a process from its start to its end. Refused (4) is an answer
// too.
func timeProcess(b *testing.B, name, program string, args ...string) {
	b.Run(name, func(b *testing.B) {
		for b.Loop() {
			command := exec.Command(program, args...)
			if err := command.Run(); err != nil && command.ProcessState.ExitCode() != 4 {
				b.Fatalf("%s %v: %v", program, args, err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/process")
	})
}
