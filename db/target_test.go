package db_test

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
)

// secret is a password that no message may show.
const secret = "s3cr3t-PW"

// wantFailure checks the code of a failure, that it has a hint, that its texts are
// there, and that no password is.
func wantFailure(t testing.TB, err error, code failure.Code, texts ...string) {
	t.Helper()
	var f *failure.Error
	if !errors.As(err, &f) || f.Code != code {
		t.Fatalf("got %v (%T), want a failure with the code %s", err, err, code)
	}
	shown := err.Error() + "\n" + f.Message + "\n" + f.Reason + "\n" + f.Hint
	if strings.Contains(shown, secret) {
		t.Errorf("it shows the password: %s", shown)
	}
	if f.Hint == "" && f.Reason == "" { // of a reason, the commands make a hint
		t.Errorf("%q has no hint", f.Message)
	}
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			t.Errorf("%q does not say %q", shown, text)
		}
	}
}

func TestSQLiteURLs(t *testing.T) {
	for text, want := range map[string]struct{ path, redacted string }{
		"sqlite:///./alwrity.db":                 {"/srv/alwrity.db", "sqlite:///./alwrity.db"},
		"sqlite:///alwrity.db":                   {"/srv/alwrity.db", "sqlite:///alwrity.db"},
		"sqlite:///data/../x.db":                 {"/srv/x.db", "sqlite:///data/../x.db"},
		"sqlite:///../x.db":                      {"/x.db", "sqlite:///../x.db"},
		"sqlite:////var/lib/x.db":                {"/var/lib/x.db", "sqlite:////var/lib/x.db"},
		"sqlite://///var/lib/x.db":               {"/var/lib/x.db", "sqlite://///var/lib/x.db"},
		" sqlite:///x.db\n":                      {"/srv/x.db", "sqlite:///x.db"},
		"SQLite:///x.db":                         {"/srv/x.db", "sqlite:///x.db"},
		"sqlite+pysqlite:///x.db":                {"/srv/x.db", "sqlite:///x.db"},
		"sqlite+aiosqlite:////x.db":              {"/x.db", "sqlite:////x.db"},
		"sqlite:///x.db?check_same_thread=false": {"/srv/x.db", "sqlite:///x.db"},
		// As SQLAlchemy, without decoding.
		"sqlite:///a b#c%20d%41ü.db":          {"/srv/a b#c%20d%41ü.db", "sqlite:///a b#c%20d%41ü.db"},
		"sqlite://":                           {"", "sqlite://"},
		"sqlite:///":                          {"", "sqlite://"},
		"sqlite:///:memory:":                  {"", "sqlite://"},
		"sqlite+pysqlite:///:memory:?cache=x": {"", "sqlite://"},
	} {
		target, err := db.ParseURL(text, "/srv")
		if err != nil {
			t.Errorf("%q: %s", text, err)
			continue
		}
		if target.Kind != db.SQLite || target.Path != want.path || target.Redacted() != want.redacted {
			t.Errorf("%q: %s %q, shown as %q; want %q, shown as %q", text, target.Kind, target.Path, target.Redacted(),
				want.path, want.redacted)
		}
	}
}

// A path may have every character that a file system allows.
func TestSQLiteFileNames(t *testing.T) {
	for _, name := range []string{"plain.db", "with space.db", "a#b.db", "a?b.db", "100%.db", "%41.db", "ü漢.db",
		"a&b=c;d.db", "'quoted\".db", "-x", ":x"} {
		target := db.SQLiteFile(filepath.Join(t.TempDir(), name))
		d, _, after, err := db.Create(t.Context(), target)
		if err != nil || after != db.SchemaVersion {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		found, err := filepath.Glob(filepath.Join(filepath.Dir(target.Path), "*"))
		if err != nil || len(found) != 1 || found[0] != target.Path {
			t.Errorf("%q made %q, %v", name, found, err)
		}
	}
}

func TestPostgreSQLURLs(t *testing.T) {
	for text, want := range map[string]struct{ redacted, user, password, host, mode string }{
		"postgresql://h/d": {"postgresql://h/d", "", "", "h", "prefer"},
		"postgres://h/d":   {"postgresql://h/d", "", "", "h", "prefer"},
		"PostgreSQL://h/d": {"postgresql://h/d", "", "", "h", "prefer"},
		"postgresql+psycopg2://u:" + secret + "@h:5432/d": {"postgresql://u@h:5432/d", "u", secret, "h:5432", "prefer"},
		"postgresql+psycopg://u:" + secret + "@h/d": {"postgresql://u@h/d",
			"u", secret, "h", "prefer"},
		"postgresql+asyncpg://u:" + secret + "@h/d?ssl=true": {"postgresql://u@h/d",
			"u", secret, "h", "require"},
		"postgresql+asyncpg://u@h/d?ssl=false": {"postgresql://u@h/d",
			"u", "", "h", "disable"},
		"postgresql+asyncpg://u@h/d?ssl=verify-full": {"postgresql://u@h/d",
			"u", "", "h", "verify-full"},
		"postgres://u@h/d?ssl=true&sslmode=disable": {"postgresql://u@h/d",
			"u", "", "h", "disable"},
		"postgresql://u%40x:p%40%3A%2F%23%25w@h/d": {"postgresql://u%40x@h/d", "u@x", "p@:/#%w", "h", "prefer"},
		"postgresql://u:a+b@h/d": {"postgresql://u@h/d",
			"u", "a+b", "h", "prefer"},
		"postgresql://[::1]:5433/d": {"postgresql://[::1]:5433/d", "", "", "[::1]:5433", "prefer"},
		"postgresql:///d?host=/run/postgresql": {"postgresql:///d", "",
			"", "", "prefer"},
		"postgresql://u:" + secret + "@h/d%20b?sslmode=allow": {"postgresql://u@h/d%20b", "u", secret, "h", "allow"},
		"postgresql://u@h/d?sslmode=require&channel_binding=require&keepalives=1&gssencmode=disable": {"postgresql://u@h/d",
			"u", "", "h", "require"},
	} {
		target, err := db.ParseURL(text, "/srv")
		if err != nil {
			t.Errorf("%q: %s", text, err)
			continue
		}
		dsn, err := url.Parse(target.DSN())
		if err != nil {
			t.Fatal(err)
		}
		password, _ := dsn.User.Password()
		if target.Kind != db.PostgreSQL || target.Redacted() != want.redacted || dsn.User.Username() != want.user ||
			password != want.password ||
			dsn.Host != want.host || dsn.Query().Get("sslmode") != want.mode || dsn.Query().Has("channel_binding") ||
			dsn.Query().Has("keepalives") {
			t.Errorf("%q became %s, shown as %s", text, target.DSN(), target.Redacted())
		}
	}
}

func TestMalformedURLs(t *testing.T) {
	for text, says := range map[string]string{
		"":                                     "://",
		"alwrity.db":                           "://",
		"postgresql":                           "://",
		"://":                                  "sqlite",
		"mysql://u:" + secret + "@h/d":         `"mysql://"`,
		"mysql+pymysql://u:" + secret + "@h/d": `"mysql://"`,
		"postgres:/u:" + secret + "@h/d?next=http://x": "begin",
		secret + "@h://x":                                   "begin",
		"sqlite://host/x.db":                                "three slashes",
		"sqlite+pysqlcipher://:" + secret + "@/x.db":        "three slashes",
		"sqlite://" + secret + "@h/x.db?a=b":                "three slashes",
		"sqlite:///a\x00b":                                  "NUL",
		"postgresql://":                                     "no database",
		"postgresql://u:" + secret + "@h":                   "no database",
		"postgresql://u:" + secret + "@h/":                  "no database",
		"postgresql://u:" + secret + "@h:port/d":            "percent-encoded",
		"postgresql://u:" + secret + "%@h/d":                "percent-encoded",
		"postgresql://u:" + secret + "%zz@h/d":              "percent-encoded",
		"postgresql://u:" + secret + " x@h/d":               "percent-encoded",
		"postgresql://u:" + secret + "#x@h/d":               "#",
		"postgresql://u:" + secret + "@h/d#x":               "%23",
		"postgresql://u:" + secret + "@h/d?sslmode=perhaps": "sslmode",
		"postgresql://u:" + secret + "@h/d?ssl=perhaps":     "sslmode",
		"postgresql://u:" + secret + "@[::1/d":              "percent-encoded",
	} {
		_, err := db.ParseURL(text, "/srv")
		if err == nil {
			t.Errorf("%q was read", text)
			continue
		}
		t.Run(says, func(t *testing.T) { wantFailure(t, err, failure.Invalid, says) })
	}
}

// What lib/pq does not accept is invalid too, once the database is opened.
func TestOptionsThatAreNone(t *testing.T) {
	for _, option := range []string{"connect_timeout=soon", "client_encoding=latin1", "sslnegotiation=maybe"} {
		for _, text := range []string{"postgresql://u:" + secret + "@127.0.0.1:1/d?" + option,
			"postgresql://u@127.0.0.1:1/d?password=" + secret + "&" + option} {
			target, err := db.ParseURL(text, "")
			if err == nil {
				_, err = db.Open(t.Context(), target)
			}
			wantFailure(t, err, failure.Invalid)
		}
	}
}

// pg_dump gets the password through its environment, since everyone may see its
// arguments.
func TestWithoutPassword(t *testing.T) {
	for _, text := range []string{
		"postgresql://u:" + secret + "@h/d", "postgresql://u@h/d?password=" + secret,
		"postgresql:///d?user=u&password=" + secret + "&host=/run", "postgresql://u:other@h/d?password=" + secret,
	} {
		target, err := db.ParseURL(text, "")
		if err != nil {
			t.Fatal(err)
		}
		dsn, password, err := target.WithoutPassword()
		if err != nil || password != secret || strings.Contains(dsn, secret) || strings.Contains(dsn, "other") ||
			strings.Contains(target.Redacted(), secret) {
			t.Errorf("%q: %q and %q, %v", text, dsn, password, err)
		}
	}
}
