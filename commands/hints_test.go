package commands

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

func TestHint(t *testing.T) {
	denied := failure.New(failure.Denied, "no").WithReason(string(usage.IsExpired), "user", "{plan}", "plan", "x")
	if got, want := Hint(denied), "to begin again: alwrity-sub users renew '{plan}'"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for reason, want := range map[string]string{
		"cancelled":       "to begin again: alwrity-sub users renew -- '-x;y'",
		"already_on_plan": "to take back a change that lies ahead: alwrity-sub users change-plan --plan pro -- '-x;y'",
		"bills_of_user":   "they are in: alwrity-sub billing list --user '-x;y'",
	} {
		f := failure.New(failure.Denied, "no").WithReason(reason, "user", "-x;y", "plan", "pro")
		if got := Hint(f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := Hint(failure.Invalidf("no").WithReason("archived", "file", "f").WithHint("look")); got != "look" {
		t.Errorf("a failure's own hint is lost: %q", got)
	}
	if got := Hint(failure.Invalidf("no")); got != "" {
		t.Errorf("a failure without a reason has the hint %q", got)
	}
}

// Each hint is for a reason that some failure gives, and names only arguments that come
// with it.
func TestHintsFitTheirFailures(t *testing.T) {
	given := reasonsGiven(t)
	for _, denied := range []usage.Reason{usage.LimitExceeded, usage.NotInPlan, usage.IsSuspended, usage.IsCancelled,
		usage.IsExpired} {
		given[string(denied)] = []string{"user"}
	}
	for reason, hint := range hints {
		args, ok := given[reason]
		if !ok {
			t.Errorf("no failure has the reason %s", reason)
		}
		if args == nil {
			continue // not known
		}
		for _, arg := range args {
			hint = strings.ReplaceAll(hint, "{"+arg+"}", "")
		}
		if strings.Contains(hint, "{") {
			t.Errorf("%s: the failure has %v, the hint needs more: %s", reason, args, hint)
		}
	}
}

// What is further in than the commands knows none of them: a server words its own hints.
func TestInnerPackagesNameNoCommand(t *testing.T) {
	var names []string
	for _, c := range New(&Env{}) {
		names = append(names, c.Name())
	}
	command := regexp.MustCompile(`alwrity-sub (` + strings.Join(names, "|") + `)\b`)
	eachInnerFile(t, func(fset *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING && command.MatchString(text.Value) {
				t.Errorf("%s names a command; give the failure a reason, and word the hint in commands/hints.go: %s",
					fset.Position(text.Pos()), text.Value)
			}
			return true
		})
	})
}

// reasonsGiven returns the reasons in the source of the inner packages, each with the
// names of its arguments.
func reasonsGiven(t *testing.T) map[string][]string {
	given := map[string][]string{}
	eachInnerFile(t, func(_ *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit: // may be handed to whoever makes the failure
				if reason := textOf(n); hints[reason] != "" && given[reason] == nil {
					given[reason] = nil
				}
			case *ast.CallExpr:
				if method, ok := n.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "WithReason" {
					given[textOf(n.Args[0])] = everyOther(n.Args[1:])
				}
			case *ast.AssignStmt: // c.Reason = "…", or c.Reason, c.Args = "…", failure.ArgsOf("name", value, …)
				if to, ok := n.Lhs[0].(*ast.SelectorExpr); ok && to.Sel.Name == "Reason" {
					given[textOf(n.Rhs[0])] = namesIn(n.Rhs)
				}
			case *ast.ReturnStmt: // "…", failure.ArgsOf("name", value, …)
				if names := namesIn(n.Results); names != nil {
					given[textOf(n.Results[0])] = names
				}
			}
			return true
		})
	})
	return given
}

// namesIn returns the names in failure.ArgsOf("name", value, …), the second of two values.
func namesIn(values []ast.Expr) []string {
	if len(values) != 2 {
		return nil
	}
	if call, ok := values[1].(*ast.CallExpr); ok {
		if function, ok := call.Fun.(*ast.SelectorExpr); ok && function.Sel.Name == "ArgsOf" {
			return everyOther(call.Args)
		}
	}
	return nil
}

func everyOther(args []ast.Expr) []string {
	var names []string
	for i := 0; i < len(args); i += 2 {
		names = append(names, textOf(args[i]))
	}
	return names
}

// textOf returns the text of a literal.
func textOf(e ast.Expr) string {
	literal, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, _ := strconv.Unquote(literal.Value)
	return text
}

func eachInnerFile(t *testing.T, fn func(*token.FileSet, *ast.File)) {
	t.Helper()
	fset, files := token.NewFileSet(), 0
	for _, dir := range []string{"access", "usage", "plan", "billing", "pricing", "catalogue", "gateway", "health",
		"notify", "db", "report"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return nil //nolint:nilerr // a directory that is not there has no files
			}
			file, err := parser.ParseFile(fset, path, nil, 0)
			if err == nil {
				files++
				fn(fset, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Fatalf("only %d files were found", files)
	}
}
