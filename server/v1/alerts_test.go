package v1_test

import (
	"fmt"
	"testing"

	"github.com/alwrity/alwrity-sub/server/servertest"
)

// TestWhoHasReadAlerts notes who has read alerts for somebody else.
func TestWhoHasReadAlerts(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		ann, backend := f.Token("ann"), f.Token("")
		f.Ask("POST", "/v1/events", ann, `{"id":"a","provider":"exa","requests":100}`)
		f.Ask("POST", "/v1/events", backend, `{"id":"b","user":"bob","provider":"exa","requests":100}`)
		before, err := f.Lists.Audit(f.Context(), 0, 1000)
		f.Must(err)
		for i, token := range []string{ann, backend} {
			if answer := f.Ask("POST", "/v1/alerts/read", token, fmt.Sprintf(`{"ids":[%d]}`, i+1)); answer.StatusCode != 200 {
				t.Fatalf("%s %s", answer.Status, answer.Text)
			}
		}
		after, err := f.Lists.Audit(f.Context(), 0, 1000)
		f.Must(err)
		if n := len(after.Rows) - len(before.Rows); n != 1 || after.Rows[0].Subject != "user bob" ||
			after.Rows[0].Action != "alerts read" || after.Rows[0].Actor == "" {
			t.Errorf("%d more, the last is %+v", n, after.Rows[0])
		}
	})
}
