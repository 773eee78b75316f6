package alwrity_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/alwrity/alwrity-sub/server/servertest"
)

// What ALwrity's web client makes of the answers for every kind of user: testdata/client has its schemas, and what it
// fills in before.
func TestWebClient(t *testing.T) {
	modules := servertest.NodeModules(t, "testdata/client")
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
		if least := 24*len(users) + 2; found.Checked < least { // with alerts to be marked
			t.Errorf("%d answers were looked at, want %d or more", found.Checked, least)
		}
	})
}
