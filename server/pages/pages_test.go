package pages_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

// signIn signs a user in, and returns the cookie as a header.
func signIn(f *servertest.Fixture, token string) string {
	f.Helper()
	answer := f.Ask("POST", "/login", "", url.Values{"token": {token}}.Encode(),
		"Content-Type: application/x-www-form-urlencoded")
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 1 {
		f.Fatalf("not signed in: %s %s", answer.Status, answer.Text)
	}
	cookie := answer.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.MaxAge != 12*60*60 {
		f.Errorf("the cookie is %s", cookie)
	}
	return "Cookie: " + cookie.Name + "=" + cookie.Value
}

func record(f *servertest.Fixture, user string) {
	f.Helper()
	_, err := f.Usage.Record(f.Context(), f.Now(), usage.Event{UserID: user, Provider: "gemini",
		Model: "gemini-2.5-flash", Quantities: pricing.Quantities{pricing.Requests: 1}, StatusCode: 200},
		usage.RecordOptions{})
	f.Must(err)
}

func TestOnesOwnPage(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		record(f, "ann")
		record(f, "bob")
		ann := signIn(f, f.Token("ann"))
		for path, status := range map[string]int{
			"/billing": 200, "/billing?user=ann": 200, "/billing?user=bob": 403, "/billing?show=models": 400,
			"/billing?nonsense=1": 400, "/billing/bills/1.pdf": 404, "/billing/bills/1.exe": 404,
		} {
			answer := f.Ask("GET", path, "", "", ann)
			if answer.StatusCode != status {
				t.Errorf("%s: %s %s", path, answer.Status, answer.Text)
			}
			if !strings.Contains(answer.Header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s has no policy", path)
			}
		}
	})
}

func TestNobody(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		answer := f.Ask("GET", "/billing?by=model", "", "")
		if to := answer.Header.Get("Location"); answer.StatusCode != 303 || to != "/login?next=%2Fbilling%3Fby%3Dmodel" {
			t.Errorf("%s to %s", answer.Status, to)
		}
		bad := f.Ask("POST", "/login", "", "token=ask_nonsense", "Content-Type: application/x-www-form-urlencoded")
		if bad.StatusCode != http.StatusUnauthorized || len(bad.Cookies()) > 0 || strings.Contains(bad.Text, "ask_nonsense") {
			t.Errorf("%s %s", bad.Status, bad.Text)
		}
	})
}

func TestOtherSites(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		record(f, "ann")
		ann := signIn(f, f.Token("ann"))
		for _, header := range []string{"Origin: https://evil.example.com", "Sec-Fetch-Site: cross-site"} {
			for _, path := range []string{"/logout", "/login", "/billing/alerts/read"} {
				answer := f.Ask("POST", path, "", "", ann, header)
				if answer.StatusCode != http.StatusForbidden || len(answer.Cookies()) > 0 {
					t.Errorf("%s from another site: %s", path, answer.Status)
				}
			}
		}
	})
}
