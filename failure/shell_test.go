package failure_test

import (
	"os/exec"
	"testing"

	"github.com/alwrity/alwrity-sub/failure"
)

func TestShellWord(t *testing.T) {
	for _, text := range []string{"alice", "alice@example.org", "", "a b", "a; touch x", "$HOME", "`id`", "it's", "*",
		"~root", `"`, `\\`, "!x", "a=b", "#x", "ü", "a\nb", "-x", "{a,b}"} {
		out, err := exec.Command("sh", "-c", "printf %s "+failure.ShellWord(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q as %s is %q to a shell, %v", text, failure.ShellWord(text), out, err)
		}
	}
	if got := failure.ShellWord("alice@example.org"); got != "alice@example.org" {
		t.Errorf("it is %s", got)
	}
}
