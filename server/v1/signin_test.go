package v1_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/server/servertest"
)

func TestTooManyBadTokens(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		good := f.Token("ann")
		bad := good[:len(good)-4] + "AAAA"
		for range access.MostTries {
			if answer := f.Ask("GET", "/v1/users/ann/usage", bad, ""); answer.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%s", answer.Status)
			}
		}
		answer := f.Ask("GET", "/v1/users/ann/usage", bad, "")
		if answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") != "60" ||
			!strings.Contains(answer.Text, access.ReasonTooManyTries) || strings.Contains(answer.Text, bad) {
			t.Errorf("%s %v %s", answer.Status, answer.Header, answer.Text)
		}
		if answer := f.Ask("GET", "/v1/usage/logs", good, ""); answer.StatusCode != http.StatusOK {
			t.Errorf("a good token of the same address: %s", answer.Status)
		}
	})
}
