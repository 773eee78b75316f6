package cmd

import (
	"strings"
	"testing"
)

func TestMistakes(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"wrok", "error: alwrity-sub has no command \"wrok\"\nhint: did you mean alwrity-sub work?\n"},
		{"wrok --limit 3", "error: alwrity-sub has no command \"wrok\"\nhint: did you mean alwrity-sub work?\n"},
		{"xyzxyz", "error: alwrity-sub has no command \"xyzxyz\"\nhint: known are: completion, plans, work; see " +
			"alwrity-sub --help\n"},
		{"plans lsit", "error: alwrity-sub plans has no command \"lsit\"\nhint: did you mean alwrity-sub plans list?\n"},
		{"plans lsit --dry-run", "error: alwrity-sub plans has no command \"lsit\"\nhint: did you mean alwrity-sub plans " +
			"list?\n"},
		{"completion basch", "error: alwrity-sub completion has no command \"basch\"\nhint: did you mean alwrity-sub " +
			"completion bash?\n"},
		{"help wrok", "error: alwrity-sub has no command \"wrok\"\nhint: did you mean alwrity-sub work?\n"},
		{"help plans lsit", "error: alwrity-sub plans has no command \"lsit\"\nhint: did you mean alwrity-sub plans list?\n"},
		{"work --limt 3", "error: alwrity-sub work has no flag --limt\nhint: did you mean --limit?\n"},
		{"work --databse-url=sqlite://u:geheim@x",
			"error: alwrity-sub work has no flag --databse-url\nhint: did you mean --database-url?\n"},
		{"work -limit 3", "error: alwrity-sub work has no flag -limit\nhint: did you mean --limit?\n"},
		{"work --limit x", "error: --limit is \"x\": it must be a whole number\nhint: see alwrity-sub work --help\n"},
		{"work --limit 1.5", "error: --limit is \"1.5\": it must be a whole number\nhint: see alwrity-sub work --help\n"},
		{"work --limit 99999999999999999999",
			"error: --limit is \"99999999999999999999\": it must be a whole number that is not as large\n" +
				"hint: see alwrity-sub work --help\n"},
		{"work --ttl 5", "error: --ttl is \"5\": it must be a duration such as 5m or 1h30m\nhint: see alwrity-sub work " +
			"--help\n"},
		{"work --quiet=perhaps", "error: --quiet is \"perhaps\": it must be true or false\nhint: see alwrity-sub work " +
			"--help\n"},
		{"work --limit", "error: --limit needs a value\nhint: usage: alwrity-sub work [flags]; see alwrity-sub work " +
			"--help\n"},
		{"work extra", "error: alwrity-sub work takes no arguments, but has \"extra\"\nhint: usage: alwrity-sub work " +
			"[flags]; see alwrity-sub work --help\n"},
		{"plans show --user u", "error: alwrity-sub plans show: accepts 1 arg(s), received 0\nhint: usage: alwrity-sub " +
			"plans show NAME [flags]; see alwrity-sub plans show --help\n"},
		{"plans show a b --user u", "error: alwrity-sub plans show: accepts 1 arg(s), received 2\nhint: usage: alwrity-sub " +
			"plans show NAME [flags]; see alwrity-sub plans show --help\n"},
		{"plans show a", "error: alwrity-sub plans show needs --user\nhint: usage: alwrity-sub plans show NAME [flags]; " +
			"see alwrity-sub plans show --help\n"},
	} {
		t.Run(test.args, func(t *testing.T) {
			got := do(t, testProcess(t, strings.Fields(test.args)...), nothing)
			if got.status != 2 || got.err != test.want || got.out != "" {
				t.Errorf("exit %d, stdout %q, stderr\n%swant\n%s", got.status, got.out, got.err, test.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for args, want := range map[string]string{
		"":                    "130  interrupted",
		"--help":              "130  interrupted",
		"help":                "130  interrupted",
		"plans":               "  0               done",
		"plans --help":        "  0               done",
		"plans show --help":   "  6  unavailable",
		"help plans show":     "  6  unavailable",
		"work --help":         "  4  denied",
		"work -h -o json":     "  4  denied",
		"completion":          "  2  invalid",
		"completion zsh -h":   "  2  invalid",
		"plans nonsense -h":   "  2  invalid",
		"help completion zsh": "  2  invalid",
	} {
		t.Run(args, func(t *testing.T) {
			p := testProcess(t, strings.Fields(args)...)
			write(t, p.Dir, defaultConfigFile, "no such key: 1") // help helps in any case
			got := do(t, p, nothing)
			if got.status != 0 || got.err != "" {
				t.Errorf("exit %d, stderr %q", got.status, got.err)
			}
			_, exits, _ := strings.Cut(got.out, "\nExit codes:\n")
			mustContain(t, exits, want)
			if strings.Contains(exits, "denied") && strings.Contains(exits, "unavailable") && want != "130  interrupted" {
				t.Errorf("lists more than its own exit codes:\n%s", exits)
			}
		})
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		got := do(t, testProcess(t, "completion", shell), nothing)
		if got.status != 0 || len(got.out) < 1000 || got.err != "" {
			t.Errorf("%s: exit %d, %d bytes, stderr %q", shell, got.status, len(got.out), got.err)
		}
	}
	p := testProcess(t, "__complete", "plans", "sh")
	write(t, p.Dir, defaultConfigFile, "no such key: 1")
	got := do(t, p, nothing)
	if got.status != 0 || !strings.HasPrefix(got.out, "show\tShow one\n") {
		t.Errorf("exit %d, stdout %q, stderr %q", got.status, got.out, got.err)
	}
}

func TestVersionFlag(t *testing.T) {
	if got := do(t, testProcess(t, "--version"), nothing); got.status != 0 || got.out != "alwrity-sub version 1.2.3\n" {
		t.Errorf("%+v", got)
	}
}
