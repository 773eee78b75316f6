package cmd

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/notify/notifytest"
)

const (
	scriptDir   = "../testdata/script"
	postgresURL = "ALWRITY_TEST_POSTGRES_URL"
)

// TestMain makes this test binary the program itself, and the two helpers of the
// scripts, where a script calls it by one of these names. Most of a script is
// waiting: for processes to start, logins, locks. So more of them run at once
// than there are processors.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	if os.Getenv(stubbornVariable) != "" { // its child is killed, and could not tidy up
		os.Exit(m.Run())
	}
	testscript.Main(tidy{m}, map[string]func(){
		"alwrity-sub": func() { os.Exit(mainOfScript()) },
		"parallel":    func() { os.Exit(parallel(os.Args[1:])) },
		"smtpd":       func() { os.Exit(serve(notifytest.SMTP)) },
		"httpd":       func() { os.Exit(serve(notifytest.HTTP)) },
		"vendord":     func() { os.Exit(serve(vendor)) },
	})
}

// TestScript runs every script below testdata/script: on both databases, but
// those in a directory named after one of them on that one alone. What a script
// can say beside testscript's own commands is in testdata/script/README.md.
func TestScript(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		runScripts(t, "sqlite", func(t testing.TB, env *testscript.Env) error {
			env.Setenv("DATABASE_URL", "sqlite:///./alwrity.db")
			if beginsWithInit(t, path.Base(t.Name())) {
				dbtest.WriteTables(t, filepath.Join(env.WorkDir, "alwrity.db"))
			}
			return nil
		})
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		server := postgresServer(t)
		tables, err := createTables(t, server)
		if err != nil {
			t.Fatal(err)
		}
		runScripts(t, "postgresql", func(t testing.TB, env *testscript.Env) error {
			from := ""
			if beginsWithInit(t, path.Base(t.Name())) {
				from = tables
			}
			return setUpPostgreSQL(t, env, server, from)
		})
	})
}

// createTables makes a database with tables and nothing in them, of which scripts get copies: that costs a fraction of
// making the tables for each.
func createTables(t *testing.T, server *url.URL) (name string, err error) {
	if name, err = createDatabase(t, server, ""); err != nil {
		return "", err
	}
	own := *server
	own.Path = "/" + name
	target, err := db.ParseURL(own.String(), "")
	if err != nil {
		return "", err
	}
	made, _, _, err := db.Create(t.Context(), target)
	if err != nil {
		return "", err
	}
	return name, made.Close() // what is in use can't be copied
}

// beginsWithInit tells whether the first thing that a script does is to make the tables, without a look at what that
// says. Then it makes no difference if they are there.
func beginsWithInit(t testing.TB, script string) bool {
	var files []string
	for _, dir := range []string{".", "archive", "sqlite", "postgresql"} {
		found, err := filepath.Glob(filepath.Join(scriptDir, dir, script+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) != 1 {
		t.Fatalf("the script %s is not one file: %v", script, files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return initFirst().Match(text)
}

// initFirst matches a script whose first command is init, and whose next one looks at the output of none.
func initFirst() *regexp.Regexp {
	const others = `(alwrity-sub|exits \d+ alwrity-sub|exec|sql|cp|manycalls|mailserver) `
	return regexp.MustCompile(`^(#.*\n|\n)*alwrity-sub init .*\n(#.*\n|\n)*` + others)
}

// postgresServer returns the URL of the server to test with.
func postgresServer(t *testing.T) *url.URL {
	t.Helper()
	text := os.Getenv(postgresURL)
	if text == "" {
		const missing = "the PostgreSQL half of this test did not run: there is no " + postgresURL +
			"; `make test` starts a server, and so does scripts/postgres.sh go test ./cmd/"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	server, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// runScripts runs the scripts that concern one database.
func runScripts(t *testing.T, database string, setUp func(testing.TB, *testscript.Env) error) {
	testscript.Run(t, testscript.Params{
		Files: scriptsFor(t, database),
		Setup: func(env *testscript.Env) error {
			setUpEnvironment(env)
			tb, ok := env.T().(testing.TB)
			if !ok {
				return errors.New("the test is none of package testing")
			}
			return setUp(tb, env)
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "sqlite", "postgresql":
				return name == database, nil
			}
			return false, fmt.Errorf("there is no condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exitsWith, "json": jsonField, "sql": runSQL, "lock": lockDatabase, "unlock": unlockDatabase,
			"waits":      awaitWaiter,
			"mailserver": mailServer, "hookserver": hookServer, "killing": killing, "manycalls": manyCalls,
			"vendorserver": vendorServer,
		},
		RequireUniqueNames: true,
	})
}

// scriptsFor finds the scripts below testdata/script that one database runs.
func scriptsFor(t *testing.T, database string) []string {
	t.Helper()
	other := map[string]string{"sqlite": "postgresql", "postgresql": "sqlite"}[database]
	var files []string
	seen := map[string]string{}
	err := filepath.WalkDir(scriptDir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == other:
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(path) != ".txtar":
			return nil
		}
		if same := seen[entry.Name()]; same != "" {
			t.Errorf("%s and %s have the same name: a script is run by its name", same, path)
		}
		seen[entry.Name()] = path
		files = append(files, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("there are no scripts in %s", scriptDir)
	}
	return files
}

// setUpEnvironment adds to the little that testscript lets through. The time
// zone is an odd one, so that whatever depends on it is found. A process under
// the race detector sleeps a second before it exits, unless it is told not to.
func setUpEnvironment(env *testscript.Env) {
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("USER", "tester")
	env.Setenv("TZ", "Asia/Kolkata")
	env.Setenv(lockTimeoutVariable, "1h") // no machine is too slow
	env.Setenv(clockVariable, sevenYears.String())
	env.Setenv("KILLS", strconv.Itoa(kills()))
	env.Values[scriptLockKey{}] = &scriptLock{}
}

// kills is how often a script kills what it kills; make nightly does it more often.
func kills() int {
	if os.Getenv("TORTURE") == "1" {
		return 60
	}
	return 6
}

// setUpPostgreSQL makes a database for one script, and tells the script about it. It is empty, or a copy of
// one that is to be copied.
func setUpPostgreSQL(t testing.TB, env *testscript.Env, server *url.URL, from string) error {
	name, err := createDatabase(t, server, from)
	if err != nil {
		return err
	}
	own := *server
	own.Path = "/" + name
	query := own.Query()
	query.Set("connect_timeout", "3600") // no machine is too slow
	own.RawQuery = query.Encode()
	password, _ := server.User.Password()
	env.Setenv("DATABASE_URL", own.String())
	env.Setenv("PG_HOST", server.Host)
	env.Setenv("PG_ROLE", server.User.Username())
	env.Setenv("PG_PASS", password)
	env.Setenv("PG_DATABASE", name)
	return nil
}

// createDatabase makes a database that is dropped at the end of the test: an empty one, or a copy of another.
func createDatabase(t testing.TB, server *url.URL, from string) (name string, err error) {
	name = "alwrity_script_" + strings.ToLower(rand.Text())
	statement := "CREATE DATABASE " + name
	if from != "" {
		statement += " TEMPLATE " + from
	}
	ctx := context.Background()
	admin, err := openSQL(server.String())
	if err != nil {
		return "", err
	}
	if _, err := admin.ExecContext(ctx, statement); err != nil {
		return "", errors.Join(err, admin.Close())
	}
	t.Cleanup(func() {
		_, err := admin.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		if err = errors.Join(err, admin.Close()); err != nil {
			t.Error(err)
		}
	})
	return name, nil
}

// exitsWith runs a program and requires one exact exit code:
//
//	exits 4 alwrity-sub limits check --user alice --provider openai
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got, err := exitCode(ts.Exec(args[1], args[2:]...))
	ts.Check(err)
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// exitCode returns the exit code that the error of a run stands for.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	}
	return 0, err
}

// jsonField requires the exact text of one value in JSON:
//
//	json stdout limits.name=openai_calls.max 0
//
// A step of the path is a field, an index, FIELD=TEXT for the first element
// with that field, or len for the number of elements; "." is the whole.
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		ts.Fatalf("%s is no JSON: %s", args[0], err)
	}
	found, err := walk(value, args[1])
	if err != nil {
		if neg {
			return
		}
		ts.Fatalf("%s: %s", args[1], err)
	}
	if got := asText(found); (got == args[2]) == neg {
		ts.Fatalf("%s is %s", args[1], got)
	}
}

func walk(value any, path string) (any, error) {
	if path == "." {
		return value, nil
	}
	for step := range strings.SplitSeq(path, ".") {
		next, ok := any(nil), false
		switch at := value.(type) {
		case map[string]any:
			next, ok = at[step]
		case []any:
			next, ok = element(at, step)
		}
		if !ok {
			return nil, fmt.Errorf("there is no %q in %s", step, asText(value))
		}
		value = next
	}
	return value, nil
}

func element(list []any, step string) (any, bool) {
	if step == "len" {
		return json.Number(strconv.Itoa(len(list))), true
	}
	if name, text, ok := strings.Cut(step, "="); ok {
		i := slices.IndexFunc(list, func(item any) bool {
			object, isObject := item.(map[string]any)
			field, there := object[name]
			return isObject && there && asText(field) == text
		})
		if i < 0 {
			return nil, false
		}
		return list[i], true
	}
	i, err := strconv.Atoi(step)
	if err != nil || i < 0 || i >= len(list) {
		return nil, false
	}
	return list[i], true
}

// asText writes a string without quotes, and everything else as compact JSON.
func asText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

// runSQL runs a statement behind the program's back, in the script's database,
// and prints the rows, the columns with | between them:
//
//	sql 'SELECT COUNT(*) FROM api_usage_logs'
func runSQL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sql STATEMENT")
	}
	db, err := openDatabaseURL(ts.Getenv("DATABASE_URL"), ts.MkAbs("."))
	ts.Check(err)
	defer func() { ts.Check(db.Close()) }()
	rows, err := db.QueryContext(context.Background(), args[0])
	ts.Check(err)
	defer rows.Close()
	columns, err := rows.Columns()
	ts.Check(err)
	for rows.Next() {
		texts := make([]sql.NullString, len(columns))
		places := make([]any, len(columns))
		for i := range texts {
			places[i] = &texts[i]
		}
		ts.Check(rows.Scan(places...))
		var line []string
		for _, text := range texts {
			line = append(line, text.String)
		}
		fmt.Fprintln(ts.Stdout(), strings.Join(line, "|"))
	}
	ts.Check(rows.Err())
}

// openDatabaseURL opens the database of a script, whose directory is given.
func openDatabaseURL(target, dir string) (*sql.DB, error) {
	if path, ok := strings.CutPrefix(target, "sqlite:///"); ok {
		target = filepath.Join(dir, path)
	}
	return openSQL(target)
}

// openSQL opens a PostgreSQL URL or a SQLite file, by the drivers that package
// db has registered.
func openSQL(target string) (*sql.DB, error) {
	u, err := url.Parse(target)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		return sql.Open("sqlite3", "file:"+target+"?_busy_timeout=10000")
	}
	query := u.Query()
	if query.Get("sslmode") == "" {
		query.Set("sslmode", "prefer")
	}
	u.RawQuery = query.Encode()
	return sql.Open("postgres", u.String())
}

// parallel starts a program many times at once, and says how many ended with
// each exit code:
//
//	parallel 40 alwrity-sub limits reserve --user alice --provider tavily --id r{}
//
// {} in an argument is the number of the process.
func parallel(args []string) int {
	if len(args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: parallel N PROGRAM [ARG...]")
		return 2
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	var group sync.WaitGroup
	var mutex sync.Mutex
	codes := map[int]int{}
	begin := make(chan struct{})
	for i := range n {
		own := make([]string, len(args)-2)
		for k, arg := range args[2:] {
			own[k] = strings.ReplaceAll(arg, "{}", strconv.Itoa(i+1))
		}
		group.Go(func() {
			<-begin
			out, err := exec.Command(args[1], own...).CombinedOutput()
			code, err := exitCode(err)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = -1
			}
			codes[code]++
			fmt.Fprintf(os.Stderr, "%s", out)
		})
	}
	close(begin)
	group.Wait()
	var found []int
	for code := range codes {
		found = append(found, code)
	}
	slices.Sort(found)
	for _, code := range found {
		fmt.Printf("%d exited with %d\n", codes[code], code)
	}
	return 0
}
