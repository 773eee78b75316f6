package cmd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/commands"
)

func TestParseEnvFile(t *testing.T) {
	got, err := parseEnvFile(".env",
		[]byte("\xEF\xBB\xBF# comment\r\nexport DATABASE_URL=postgresql://u:p@h/d # more\r\n\n"+
			"HF_TOKEN='a#$B c'\nACTOR=\"b\\nc\"\nEMPTY=\nA='two\nlines'\nOTHER=x#y\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"DATABASE_URL": "postgresql://u:p@h/d", "HF_TOKEN": "a#$B c", "ACTOR": "b\nc", "EMPTY": "", "A": "two\nlines",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestParseBadEnvFile(t *testing.T) {
	const noLine, unclear = "this is no NAME=value line, or a quote is not closed", "it is not clear where the value ends"
	for _, test := range []struct{ name, text, line, want string }{
		{"no pair", "A=1\nB=2\ngeheim geheim\nC=3\n", "line 3", noLine},
		{"no pair in the first line", "geheim", "line 1", noLine},
		{"after CRLF", "A=1\r\n\r\ngeheim geheim\r\n", "line 3", noLine},
		{"after a BOM", "\xEF\xBB\xBFA=1\ngeheim geheim\n", "line 2", noLine},
		{"open quote", "A=1\nB='geheim\nC=3", "line 3", noLine},
		{"long line", "A=1\nB=" + strings.Repeat("geheim", 20_000) + "\n", "line 2", noLine},
		{"#", "A=1\nDATABASE_URL=postgresql://u:geheim#1@h/d\n", "line 2", unclear},
		{"$", "export ALWRITY_SUB_ACTOR=geheim$A\n", "line 1", unclear},
		{"$ in double quotes", "\n\nOPENAI_API_KEY=\"geheim$A\"\n", "line 3", unclear},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseEnvFile("my.env", []byte(test.text))
			if err == nil {
				t.Fatal("no failure")
			}
			mustContain(t, err.Error(), "my.env, "+test.line+": ", test.want)
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("shows a value: %s", err)
			}
		})
	}
}

func TestEnvFileStaysInside(t *testing.T) {
	p := testProcess(t, "work", "--env-file", "sub/my.env")
	write(t, p.Dir, "sub/my.env", "ALWRITY_SUB_ACTOR=from-file\nALWRITY_SUB_SENTINEL=1\n")
	write(t, p.Dir, ".env", "this is not read")
	got := do(t, p, func(_ context.Context, env *commands.Env) error {
		if env.Settings.Actor != "from-file" {
			t.Errorf("actor %s", env.Settings.Actor)
		}
		if _, ok := os.LookupEnv("ALWRITY_SUB_SENTINEL"); ok {
			t.Error("exported into the process")
		}
		return nil
	})
	if got.status != 0 {
		t.Errorf("%+v", got)
	}
}

func TestEnvDirectoryIsNoEnvFile(t *testing.T) {
	p := testProcess(t, "work")
	if err := os.Mkdir(filepath.Join(p.Dir, ".env"), 0o750); err != nil {
		t.Fatal(err)
	}
	if got := do(t, p, nothing); got.status != 0 {
		t.Errorf("%+v", got)
	}
}
