package cmd

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/commands"
)

// result is what a run of the program left.
type result struct {
	status   int
	out, err string
}

// work is the code of the test's own command.
type work func(ctx context.Context, env *commands.Env) error

func nothing(context.Context, *commands.Env) error { return nil }

// testVerbs is a command tree in small: a command, and a group with a command
// that takes an argument and needs a flag.
func testVerbs(do work) verbs {
	return func(env *commands.Env) []*cobra.Command {
		act := func(c *cobra.Command, _ []string) error { return do(c.Context(), env) }
		leaf := &cobra.Command{Use: "work", Short: "Do the work", Args: cobra.NoArgs, RunE: act,
			Annotations: map[string]string{exitCodesAnnotation: "0,2,4"}}
		leaf.Flags().Int("limit", 1, "how many")
		leaf.Flags().Duration("ttl", 0, "how long")
		show := &cobra.Command{Use: "show NAME", Short: "Show one", Args: cobra.ExactArgs(1), RunE: act}
		show.Flags().String("user", "", "the user")
		if err := show.MarkFlagRequired("user"); err != nil {
			panic(err)
		}
		group := &cobra.Command{Use: "plans", Short: "Plans"}
		group.AddCommand(show, &cobra.Command{Use: "list", Short: "List them", RunE: act})
		return []*cobra.Command{leaf, group}
	}
}

// testProcess is a process in an empty directory with nothing in its
// environment but a user.
func testProcess(t *testing.T, args ...string) Process {
	t.Helper()
	return Process{
		Args:    args,
		In:      strings.NewReader(""),
		Environ: []string{"USER=tester"},
		Dir:     t.TempDir(),
		Now:     func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.FixedZone("", 3600)) },
		Version: "1.2.3",
	}
}

// do runs the program on a process.
func do(t *testing.T, p Process, do work) result {
	t.Helper()
	var out, errs bytes.Buffer
	if p.Out == nil {
		p.Out = &out
	}
	if p.Err == nil {
		p.Err = &errs
	}
	status := run(p, testVerbs(do))
	return result{status, out.String(), errs.String()}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}
