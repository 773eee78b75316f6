package servertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// NodeModules installs what the package.json and the lock file of a directory of testdata name into .tools, once for
// each lock file, and returns where. Without node and npm the test is skipped, which in CI is a failure: what did not
// run has not passed.
func NodeModules(t *testing.T, from string) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" is missing: install nodejs and npm")
		}
	}
	hash := sha256.New()
	files := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
		hash.Write(text)
	}
	name := filepath.Base(from) + "-" + hex.EncodeToString(hash.Sum(nil)[:8])
	dir, err := filepath.Abs(filepath.Join("..", "..", ".tools", name)) // tests run in server/ROOM
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	install(t, dir, files)
	return dir
}

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
	beside, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-*.new")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(beside) }() // where it was moved from
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
