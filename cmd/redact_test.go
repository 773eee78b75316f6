package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/failure"
)

func TestClean(t *testing.T) {
	r := &redactor{}
	r.addFrom("DATABASE_URL", "postgresql://post:gre%40t@h/db?password=other1")
	r.addFrom("OPENAI_API_KEY", "sk-12345678")
	r.addFrom("SORT_KEY", "name")
	r.addFrom("", "--database-url=postgresql://u:a b@h/d")
	for text, want := range map[string]string{
		"postgresql://post:gre%40t@h/db":         "postgresql://post:***@h/db",
		"user post, password gre@t.":             "user post, password ***.",
		"the name of postgresql":                 "the name of postgresql",
		"regre%40ts":                             "regre%40ts",
		"key sk-12345678!":                       "key ***!",
		"mysql://root:never%2Fseen@h and more":   "mysql://root:***@h and more",
		`parse "postgres://a:b/c@d@h:x": bad`:    `parse "postgres://a:***@h:x": bad`,
		"host=h PASSWORD=secret1 user=u":         "host=h PASSWORD=*** user=u",
		"https://h:443/?password=xyz&a=b":        "https://h:443/?password=***&a=b",
		"https://example.com:8080/a no password": "https://example.com:8080/a no password",
		"write postgresql://user:password@host":  "write postgresql://user:password@host",
		"postgresql://u@h/db":                    "postgresql://u@h/db",
	} {
		if got := r.redact(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// Whatever goes wrong and wherever it is told: no password, no key.
func TestNoSecretIsTold(t *testing.T) {
	secrets := []string{"pa55word", "fr0mfile", "sk-abcdefgh", "hf-abcdefgh", "0ther-pw"}
	const url = "postgresql://admin:pa55word@127.0.0.1:1/db"
	fail := func(err error) work { return func(context.Context, *commands.Env) error { return err } }
	leak := fmt.Errorf("dial %s: key sk-abcdefgh: %w", url, errors.New("hf-abcdefgh fr0mfile"))
	works := map[string]work{
		"internal":    fail(leak),
		"unavailable": fail(failure.Unavailablef("can't reach %s", url).WithHint("check pa55word").Because(leak)),
		"denied":      fail(failure.New(failure.Denied, "no\npa55word").WithReason("x").Because(leak)),
		"joined":      fail(errors.Join(leak, leak)),
		"panic":       func(context.Context, *commands.Env) error { panic(leak) },
		"open": func(ctx context.Context, env *commands.Env) error {
			_, err := env.Open(ctx)
			return err
		},
		"log": func(_ context.Context, env *commands.Env) error {
			env.Log.Error("\npa55word", "url", url, "error", leak, "list", []string{"sk-abcdefgh"})
			env.Log.With("with", url).WithGroup("group").Warn("m", "url", url)
			return nil
		},
		"settings": func(_ context.Context, env *commands.Env) error {
			_, err := fmt.Fprintf(env.Printer.Out, "%+v", env.Settings)
			return err
		},
	}
	for name, do := range works {
		for _, extra := range []string{"", "-o json", "--log-format json", "--database-url " + url,
			"--database-url=postgresql://x:0ther-pw@h:bad/d", "--nope",
			"--log-level " + url, "--now " + url, url} {
			t.Run(name+" "+extra, func(t *testing.T) {
				p := testProcess(t, append([]string{"work", "--debug", "--log-file", "x.log"}, strings.Fields(extra)...)...)
				p.Environ = append(p.Environ, "DATABASE_URL="+url, "OPENAI_API_KEY=sk-abcdefgh")
				write(t, p.Dir, ".env", "HF_TOKEN=hf-abcdefgh\nDATABASE_URL=postgresql://u:fr0mfile@h/d\n")
				write(t, p.Dir, defaultConfigFile, "database_url: postgresql://u:0ther-pw@h/d\n")
				got := run3(t, p, do)
				log, err := os.ReadFile(filepath.Join(p.Dir, "x.log"))
				if err != nil && !strings.Contains(extra, "--log-level") && !strings.Contains(extra, "--now") {
					t.Error(err)
				}
				for _, secret := range secrets {
					if all := got + string(log); strings.Contains(all, secret) {
						t.Errorf("tells %s:\n%s", secret, all)
					}
				}
			})
		}
	}
}

func run3(t *testing.T, p Process, w work) string {
	t.Helper()
	got := do(t, p, w)
	return got.out + got.err
}
