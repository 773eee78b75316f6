package alwrity_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/alwrity/alwrity-sub/server/servertest"
)

// What ALwrity's web client makes of the answers for every kind of user: testdata/client has its schemas, and what it
// fills in before.
func TestWebClient(t *testing.T) {
	modules := clientModules(t)
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		d := newTown(t, f)
		type user struct {
			Name  string `json:"name"`
			Token string `json:"token"`
		}
		var users []user
		for _, name := range d.users() {
			users = append(users, user{name, d.tokens[name]})
		}
		question, err := json.Marshal(map[string]any{"url": f.URL, "users": users})
		f.Must(err)
		cmd := exec.CommandContext(t.Context(), "node", "testdata/client/contract.mjs", modules)
		cmd.Stdin, cmd.Stderr = bytes.NewReader(question), t.Output()
		text, err := cmd.Output()
		f.Must(err)
		var found struct {
			Checked int
			Faults  []string
		}
		f.Must(json.Unmarshal(text, &found))
		for _, fault := range found.Faults {
			t.Error(fault)
		}
		if least := 21*len(users) + 2; found.Checked < least { // with alerts to be marked
			t.Errorf("%d answers were looked at, want %d or more", found.Checked, least)
		}
	})
}

// clientModules installs what the client's part of the test needs, once for each lock file, and returns where.
func clientModules(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" is missing: install nodejs and npm")
		}
	}
	hash := sha256.New()
	files := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", "client", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
		hash.Write(text)
	}
	dir, err := filepath.Abs(filepath.Join("..", "..", ".tools", "client-"+hex.EncodeToString(hash.Sum(nil)[:8])))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	install(t, dir, files)
	return dir
}

// missing skips the test for want of something, which in CI is a failure: what did not run has not passed.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// install runs npm beside the place and moves what it made there whole: tests may run at once.
func install(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	beside, err := os.MkdirTemp(filepath.Dir(dir), "client-*.new")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(beside)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(beside, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = beside
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("npm ci: %s\n%s", err, out))
	}
	if err := os.Rename(beside, dir); err != nil {
		if _, there := os.Stat(dir); there != nil {
			t.Fatal(err)
		}
	}
}
