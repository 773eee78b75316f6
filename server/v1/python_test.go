package v1_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/server/servertest"
)

// TestPythonClient runs the tests of the client for Python against a server.
func TestPythonClient(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is missing: apt-get install python3")
		}
		t.Skip("python3 is missing: apt-get install python3")
	}
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	cmd := exec.CommandContext(t.Context(), python, "-W", "error", "test_client.py")
	cmd.Dir = "../../clients/python"
	cmd.Env = append(os.Environ(), "ALWRITY_SUB_URL="+f.URL, "ALWRITY_SUB_TOKEN="+f.Token(""),
		"PYTHONDONTWRITEBYTECODE=1", "no_proxy=127.0.0.1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s\n%s", err, out)
	}
}
