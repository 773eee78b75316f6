package db_test

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
)

// FuzzParseURL: what is shown of a database URL names the same database, and no
// password is in it or in any failure. PASSWORD stands for one in the text.
func FuzzParseURL(f *testing.F) {
	for _, text := range []string{"sqlite://", "sqlite:///./alwrity.db", "sqlite:////var/lib/a%20b.db?x=y",
		"postgresql://u:PASSWORD@h:5432/d", "postgres://h/d?password=PASSWORD",
		"postgresql+psycopg2://u:PASSWORD@[::1]/d?sslmode=require", "PASSWORD@h://x", "postgres:/u:PASSWORD@h/d",
		"mysql://u:PASSWORD@h/d"} {
		f.Add(text, secret)
	}
	f.Fuzz(func(t *testing.T, text, password string) {
		// A password that messages have of themselves proves nothing.
		if len(password) < 8 || strings.Trim(password,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" || !strings.Contains(text, "PASSWORD") ||
			strings.Contains(strings.ReplaceAll(text, "PASSWORD", ""), password) {
			password = secret
		}
		text = strings.ReplaceAll(text, "PASSWORD", "Zq"+password)
		hidden := "Zq" + password
		target, err := db.ParseURL(text, "/srv")
		if err != nil {
			checkRefused(t, err, hidden)
			return
		}
		again, err := db.ParseURL(target.Redacted(), "/srv")
		if err != nil || again.Kind != target.Kind || again.Path != target.Path || again.Redacted() != target.Redacted() {
			t.Errorf("%q is shown as %q, which is %+v, %v", text, target.Redacted(), again, err)
		}
		if target.Kind == db.SQLite {
			if target.Path != "" && (!filepath.IsAbs(target.Path) || filepath.Clean(target.Path) != target.Path) {
				t.Errorf("%q is the path %q", text, target.Path)
			}
			return
		}
		checkDSN(t, target, hidden)
	})
}

func checkRefused(t *testing.T, err error, password string) {
	t.Helper()
	if !failure.Is(err, failure.Invalid) {
		t.Errorf("got %v, want an invalid failure", err)
	}
	shown := err.Error()
	if strings.HasPrefix(shown, "sslmode in ") { // it names the value, which is no password
		return
	}
	if strings.Contains(shown, password) || !utf8.ValidString(shown) {
		t.Errorf("it is refused with %q", shown)
	}
}

// checkDSN checks that a URL says the same to the driver and to people, but for the
// password.
func checkDSN(t *testing.T, target db.Target, password string) {
	t.Helper()
	dsn, err := url.Parse(target.DSN())
	if err != nil {
		t.Fatalf("the driver gets %q: %s", target.DSN(), err)
	}
	shown, err := url.Parse(target.Redacted())
	if err != nil {
		t.Fatalf("%q is shown: %s", target.Redacted(), err)
	}
	_, hasPassword := shown.User.Password()
	if hasPassword || shown.Host != dsn.Host || shown.Path != dsn.Path || shown.User.Username() != dsn.User.Username() {
		t.Errorf("%q is shown as %q", target.DSN(), target.Redacted())
	}
	if secret, _ := dsn.User.Password(); secret == password && strings.Contains(target.Redacted(), password) &&
		!strings.Contains(dsn.User.Username()+dsn.Host+dsn.Path, password) {
		t.Errorf("%q shows the password", target.Redacted())
	}
}
