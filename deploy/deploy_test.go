// Package deploy_test checks the files beside it with the programs that read them.
package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/cmd"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/metrics"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

// tool returns the path of a program, or skips the test; with CI=true one that scripts/tools.sh installs must be there.
func tool(t *testing.T, name string, installed bool) string {
	t.Helper()
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	if installed && os.Getenv("CI") == "true" {
		t.Fatalf("there is no %s: scripts/tools.sh installs it", name)
	}
	t.Skipf("there is no %s", name)
	return ""
}

// run runs a program, which must succeed, and returns what it says.
func run(t *testing.T, dir, stdin, program string, args ...string) string {
	t.Helper()
	c := exec.Command(program, args...)
	c.Dir, c.Stdin = dir, strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// scraped returns all metrics that there are, of a server that has done something.
func scraped(t *testing.T) string {
	t.Helper()
	f := servertest.New(t, dbtest.PreparedSQLite(t), func(o *server.Options) {
		o.Metrics = nil // those below are used
	})
	m := metrics.New("1.2.3", metrics.Sources{Clock: f.Now, Figures: f.Health.Figures, Book: f.Catalogue.Book,
		Pools: f.DB.Pools, Redis: func() bool { return true }})
	f.Usage.Tell = m.Told
	m.Answered("GET /v1/plans", 200, time.Millisecond, nil)
	for status, user := range map[int]string{200: "ann", 500: "bob"} {
		_, err := f.Usage.Record(t.Context(), f.Now(), usage.Event{UserID: user, Provider: "gemini", StatusCode: status,
			Model: "gemini-2.5-flash", Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 100}},
			usage.RecordOptions{})
		f.Must(err)
	}
	m.Told(&usage.Told{Refused: usage.LimitExceeded})
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	return answer.Body.String()
}

func TestMetricsAreAsPrometheusWantsThem(t *testing.T) {
	run(t, ".", scraped(t), tool(t, "promtool", true), "check", "metrics")
}

func TestAlertRules(t *testing.T) {
	promtool := tool(t, "promtool", true)
	run(t, "prometheus", "", promtool, "check", "config", "--syntax-only", "prometheus.yml")
	run(t, "prometheus", "", promtool, "check", "rules", "alwrity-sub.rules.yml")
	run(t, "prometheus", "", promtool, "test", "rules", "alwrity-sub.test.yml")
	operations := read(t, "../docs/operations.md")
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(read(t,
		"prometheus/alwrity-sub.rules.yml"), -1) {
		if !strings.Contains(operations, "`"+alert[1]+"`") {
			t.Errorf("docs/operations.md does not say what to do about %s", alert[1])
		}
	}
}

// Whatever rules and the dashboard name is there.
func TestNamedMetricsExist(t *testing.T) {
	text := scraped(t)
	for _, file := range []string{"prometheus/alwrity-sub.rules.yml", "grafana/alwrity-sub.json",
		"../docs/operations.md"} {
		names := regexp.MustCompile(`\balwrity_[a-z_]+[a-z]`).FindAllString(read(t, file), -1)
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			if !regexp.MustCompile(`(?m)^`+name+`(_count)?[ {]`).MatchString(text) && !notMetrics[name] {
				t.Errorf("%s names %s, which is no metric", file, name)
			}
		}
	}
}

// notMetrics are other names that look like one.
var notMetrics = map[string]bool{"alwrity_sub": true, "alwrity_report": true, "alwrity_restored": true} // read-only

// dashboard is what is checked of Grafana's file.
type dashboard struct {
	UID    string
	Panels []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr string }
	}
}

func TestDashboard(t *testing.T) {
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "grafana/alwrity-sub.json")), &d); err != nil {
		t.Fatal(err)
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("the id %d is given twice", p.ID)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if cells[cell] != "" || cell[0] >= 24 {
					t.Errorf("%q is over %q", p.Title, cells[cell])
				}
				cells[cell] = p.Title
			}
		}
		for i, target := range p.Targets {
			expr, _ := json.Marshal(strings.ReplaceAll(target.Expr, "$instance", ".*"))
			fmt.Fprintf(&rules, "  - record: panel_%d_%d\n    expr: %s\n", p.ID, i, expr)
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, ".", "", tool(t, "promtool", true), "check", "rules", file)
}

// units are the files of systemd.
func units(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("systemd/*.*")
	if err != nil || len(files) < 10 {
		t.Fatalf("the units are %v, %v", files, err)
	}
	return slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, ".d") })
}

func TestUnits(t *testing.T) {
	analyze := tool(t, "systemd-analyze", false)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("systemd")); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "alwrity-sub")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	verify := exec.Command(analyze, "verify", "--man=no")
	verify.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":")
	for _, file := range units(t) {
		path := filepath.Join(dir, filepath.Base(file))
		text := strings.ReplaceAll(read(t, file), "/usr/local/bin/alwrity-sub", program)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(file, "@") {
			verify.Args = append(verify.Args, path)
		}
	}
	out, err := verify.CombinedOutput()
	if lines := regexp.MustCompile(`(?m)^.*(alwrity|hardening).*$`).FindAllString(string(out), -1); len(lines) > 0 {
		t.Errorf("systemd-analyze: %v\n%s", err, strings.Join(lines, "\n"))
	}
}

// Each unit runs a command that there is.
func TestCommandsOfUnits(t *testing.T) {
	found := 0
	for _, file := range units(t) {
		for _, line := range regexp.MustCompile(`/usr/local/bin/alwrity-sub ([^'\n]*)`).
			FindAllStringSubmatch(read(t, file), -1) {
			line, _, _ := strings.Cut(line[1], "$(") // what the shell makes of it is the name of a file
			words := strings.Fields(line)
			args := append(words[2:], "--help") // without the env file
			var out bytes.Buffer
			status := cmd.Main(cmd.Process{Args: args, In: strings.NewReader(""), Out: &out, Err: &out, Dir: t.TempDir(),
				Now: time.Now})
			if command := "alwrity-sub " + strings.Join(words[3:min(5, len(words))], " "); status != 0 ||
				words[0] != "--env-file" || !strings.Contains(out.String(), "Usage:") {
				t.Errorf("%s: %s is %d: %s", file, command, status, out.String())
			}
			found++
		}
	}
	if found < 6 {
		t.Errorf("%d commands were found", found)
	}
}

func TestCaddyfile(t *testing.T) {
	run(t, "caddy", "", tool(t, "caddy", false), "adapt", "--config", "Caddyfile")
}
