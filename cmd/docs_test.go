package cmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/usage"
)

// TestDocs compares docs/cli.md with the commands. UPDATE_DOCS=1 writes it anew.
//
// It renders the page by itself: cobra/doc would bring the modules of a generator
// for manual pages along, and repeats the global flags under each command.
func TestDocs(t *testing.T) {
	p := testProcess(t)
	root := newProgram(p, commands.New).root
	want := renderDocs(root)
	path := filepath.Join("..", "docs", "cli.md")
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/cli.md is not what the commands say (%v); run: make docs", err)
	}
}

// TestNamesInDocs compares the names of event files in docs/json.md with those that are read. UPDATE_DOCS=1 writes them
// anew.
func TestNamesInDocs(t *testing.T) {
	path := filepath.Join("..", "docs", "json.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- begin names -->\n", "<!-- end names -->"
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("docs/json.md has no place for the names")
	}
	want := before + begin + renderNames() + end + after
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Error("docs/json.md has not the names that are read; run: make docs")
	}
}

func renderNames() string {
	var b strings.Builder
	for _, group := range usage.ImportNames() {
		places := []string{}
		for _, place := range group.Places {
			where := "the row itself"
			if place != "" {
				where = "`" + strings.TrimSuffix(place, ".") + "`"
			}
			places = append(places, where)
		}
		fmt.Fprintf(&b, "- **%s**, in %s: ", group.Format, strings.Join(places, ", "))
		var known, read []string
		for _, n := range group.Names {
			if meaning := n.Meaning(); meaning != "" {
				read = append(read, "`"+n.Path+"` "+meaning)
			} else {
				known = append(known, "`"+n.Path+"`")
			}
		}
		b.WriteString(strings.Join(read, "; "))
		if len(known) > 0 {
			b.WriteString("; known: " + strings.Join(known, ", "))
		}
		b.WriteString(".\n")
	}
	return b.String()
}

// TestEveryCommandIsExplained holds every command to what the page shows.
func TestEveryCommandIsExplained(t *testing.T) {
	visit(newProgram(testProcess(t), commands.New).root, func(c *cobra.Command) {
		if needsNoConfig(c) {
			return // cobra's own
		}
		if c.Short == "" || (c.Runnable() && c.Example == "") {
			t.Errorf("%s: the purpose or an example is missing", c.CommandPath())
		}
		if c.Runnable() && c.Args == nil {
			t.Errorf("%s: takes any arguments", c.CommandPath())
		}
		if c.PersistentPreRunE != nil && c.HasParent() {
			t.Errorf("%s: hides the root's PersistentPreRunE", c.CommandPath())
		}
	})
}

func renderDocs(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# The command line\n\nWritten by `make docs` from the commands themselves.\n\n")
	visit(root, func(c *cobra.Command) {
		if c.HasParent() {
			depth := strings.Count(c.CommandPath(), " ") - 1
			fmt.Fprintf(&b, "%s- [%s](#%s): %s\n", strings.Repeat("  ", depth), c.CommandPath(), anchor(c), c.Short)
		}
	})
	renderRoot(&b, root)
	visit(root, func(c *cobra.Command) {
		if c.HasParent() {
			renderCommand(&b, c)
		}
	})
	return b.String()
}

func renderRoot(b *strings.Builder, root *cobra.Command) {
	fmt.Fprintf(b, "\n%s\n\n## Global flags\n\n```\n%s```\n", root.Long, root.PersistentFlags().FlagUsages())
	b.WriteString("\n## Configuration\n\nFlag > environment > env file > config file > default. An empty variable " +
		"counts as not set.\n\n" +
		"| config file | environment, env file | flag | default | meaning |\n| --- | --- | --- | --- | --- |\n")
	for _, k := range keys() {
		fmt.Fprintf(b, "| `%s` | `%s` | %s | %s | %s |\n", k.name, k.variable(), code(dashed(k.flag)), code(k.fallback),
			k.meaning)
	}
	b.WriteString("\n`doctor` tells whether the keys of the APIs are there:")
	for i, names := range apiKeys() {
		b.WriteString(map[bool]string{true: " ", false: ", "}[i == 0] + "`" + strings.Join(names, "` or `") + "`")
	}
	b.WriteString(".\n\n## Exit codes\n\n| exit | code | when |\n| --- | --- | --- |\n")
	for _, e := range exits() {
		fmt.Fprintf(b, "| %d | %s | %s |\n", e.status, e.code, e.when)
	}
}

func renderCommand(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n", c.CommandPath())
	if c.Long != "" {
		fmt.Fprintf(b, "%s\n", strings.TrimSpace(c.Long))
	} else {
		fmt.Fprintf(b, "%s.\n", c.Short)
	}
	if c.Runnable() {
		fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\n```\n%s\n```\n", undent(c.Example))
	}
	if flags := c.NonInheritedFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(b, "\n```\n%s```\n", flags.FlagUsages())
	}
	var statuses []string
	for _, e := range exitsOf(c) {
		statuses = append(statuses, strings.TrimSpace(fmt.Sprintf("%d %s", e.status, e.code)))
	}
	fmt.Fprintf(b, "\n[Exit codes](#exit-codes): %s\n", strings.Join(statuses, ", "))
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			fmt.Fprintf(b, "\n- [%s](#%s): %s", child.CommandPath(), anchor(child), child.Short)
		}
	}
	if c.HasAvailableSubCommands() {
		b.WriteByte('\n')
	}
}

// visit calls fn with a command and all below it that users see.
func visit(c *cobra.Command, fn func(*cobra.Command)) {
	fn(c)
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			visit(child, fn)
		}
	}
}

func anchor(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func dashed(flag string) string {
	if flag == "" {
		return ""
	}
	return "--" + flag
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

func undent(text string) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n  ", "\n"), "  ")
}
