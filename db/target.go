// Package db keeps everything in a database: SQLite or PostgreSQL, with one text
// of SQL for both. It implements the storage interfaces that package usage
// declares.
package db

import (
	"cmp"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/alwrity/alwrity-sub/failure"
)

// Kind is the software behind a database.
type Kind string

// The kinds.
const (
	SQLite     Kind = "sqlite"
	PostgreSQL Kind = "postgresql"
)

// Target says which database to open.
type Target struct {
	Kind     Kind
	Path     string // of the SQLite file; empty: in memory
	dsn      string // PostgreSQL: a URL with the password
	redacted string
	schema   string // PostgreSQL: the schema to work in, where it is not the default
	// LockTimeout is how long a lock is waited for; 0: ten seconds.
	LockTimeout time.Duration
	// PasswordInUser says that the name of the user of PostgreSQL has a colon in it, and so maybe a password: as where the
	// colon between both was percent-encoded.
	PasswordInUser bool
}

// Redacted returns the database's URL without any password, for messages.
func (t Target) Redacted() string { return t.redacted }

// SQLiteFile returns the target of a SQLite file.
func SQLiteFile(path string) Target {
	return Target{Kind: SQLite, Path: path, redacted: "sqlite:///" + filepath.ToSlash(path)}
}

const urlHint = "write it as sqlite:///./alwrity.db, sqlite:////absolute/path.db " +
	"or postgresql://user:password@host:5432/database"

func invalidURL(format string, args ...any) error {
	return failure.Invalidf(format, args...).WithHint(urlHint)
}

// ParseURL reads a DATABASE_URL in every form that SQLAlchemy takes:
// sqlite:///relative, sqlite:////absolute, sqlite:// (in memory), postgresql:// or
// postgres://, each with an optional +driver. Relative paths count from dir. What
// can't be read is an invalid failure, which never shows a password.
func ParseURL(text, dir string) (Target, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Target{}, invalidURL("the database URL is empty")
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return Target{}, invalidURL("the database URL has no ://")
	}
	dialect, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	switch dialect {
	case "sqlite":
		return parseSQLite(rest, dir)
	case "postgresql", "postgres":
		return parsePostgreSQL(rest)
	}
	if strings.Trim(dialect, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" { // it may be anything, even a password
		return Target{}, invalidURL("the database URL does not begin with sqlite:// or postgresql://")
	}
	return Target{}, invalidURL("the database URL begins with %q: it must be sqlite or postgresql", dialect+"://")
}

func parseSQLite(rest, dir string) (Target, error) {
	rest, _, _ = strings.Cut(rest, "?")                 // options of Python's driver mean nothing here
	rest = strings.TrimRightFunc(rest, unicode.IsSpace) // as at the end of a URL without them
	if rest == "" || rest == "/" || rest == "/:memory:" {
		return Target{Kind: SQLite, redacted: "sqlite://"}, nil
	}
	path, ok := strings.CutPrefix(rest, "/")
	if !ok {
		return Target{}, invalidURL("the database URL begins with sqlite:// and a host: " +
			"a SQLite path follows three slashes, or four if it is absolute")
	}
	if strings.ContainsRune(path, 0) {
		return Target{}, invalidURL("the path in the database URL contains a NUL character")
	}
	t := SQLiteFile(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	t.Path = filepath.Clean(path)
	return t, nil
}

// parsePostgreSQL turns SQLAlchemy's URL into one for libpq. Nothing of a URL
// that can't be read is shown, since it may hold a password anywhere.
func parsePostgreSQL(rest string) (Target, error) {
	u, err := url.Parse("postgresql://" + rest)
	if err != nil {
		return Target{}, failure.Invalidf("the PostgreSQL database URL can't be read: " +
			"a character in it must be percent-encoded, or the port is no number").
			WithHint("in user and password write %%40 for @, %%3A for :, %%2F for /, %%23 for #, %%25 for %%; " + urlHint)
	}
	if strings.Trim(u.Path, "/") == "" {
		return Target{}, invalidURL("the PostgreSQL database URL names no database")
	}
	if u.Fragment != "" || strings.Contains(rest, "#") {
		return Target{}, invalidURL("the PostgreSQL database URL contains #: where it is part of the password write %%23")
	}
	query, err := translateOptions(u.Query())
	if err != nil {
		return Target{}, err
	}
	redacted := url.URL{Scheme: "postgresql", Host: u.Host, Path: u.Path}
	name, _, inUser := strings.Cut(u.User.Username(), ":")
	if inUser {
		name += ":***"
	}
	if name != "" {
		redacted.User = url.User(name)
	}
	u.RawQuery = encodeQuery(query)
	return Target{Kind: PostgreSQL, dsn: u.String(), redacted: redacted.String(), PasswordInUser: inUser}, nil
}

// translateOptions maps the options of Python's drivers to those of libpq. A
// server may have TLS or not, so without sslmode both work.
func translateOptions(query url.Values) (url.Values, error) {
	if ssl := query.Get("ssl"); ssl != "" && query.Get("sslmode") == "" { // asyncpg's name for it
		query.Set("sslmode", map[string]string{"true": "require", "false": "disable"}[strings.ToLower(ssl)])
		if query.Get("sslmode") == "" {
			query.Set("sslmode", ssl)
		}
	}
	query.Del("ssl")
	for _, option := range clientOptions() {
		query.Del(option)
	}
	switch mode := query.Get("sslmode"); mode {
	case "":
		query.Set("sslmode", "prefer")
	case "disable", "allow", "prefer", "require", "verify-ca", "verify-full":
	default:
		return nil, invalidURL("sslmode in the database URL is %q: "+
			"it must be disable, allow, prefer, require, verify-ca or verify-full", mode)
	}
	for option, value := range map[string]string{"connect_timeout": "10", "application_name": "alwrity-sub"} {
		query.Set(option, cmp.Or(query.Get(option), value))
	}
	return query, nil
}

// clientOptions are options of libpq and of other drivers that say how the client works. lib/pq would send them to the
// server, as it does with all that it does not know, or work otherwise than package db expects.
func clientOptions() []string {
	return strings.Fields(`channel_binding gssencmode gsslib gssdelegation keepalives keepalives_idle keepalives_interval
		keepalives_count tcp_user_timeout sslcompression sslcrl sslcrldir requiressl prepare_threshold
		prepared_statement_cache_size prepared_statement_name_func statement_cache_size max_cached_statement_lifetime
		max_cacheable_statement_size command_timeout timeout async_fallback default_query_exec_mode
		statement_cache_capacity description_cache_capacity min_read_buffer_size
		binary_parameters disable_prepared_binary_result`)
}

// withoutPassword returns the PostgreSQL URL for PostgreSQL's own programs, and the
// password that is not in it.
func (t Target) withoutPassword() (dsn, password string, err error) {
	u, err := url.Parse(t.dsn)
	if err != nil {
		return "", "", invalidURL("the PostgreSQL database URL can't be read")
	}
	if passwords := passwordsOf(u); len(passwords) > 0 {
		password = passwords[0]
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	query := url.Values{}
	for _, option := range libpqOptions() {
		if u.Query().Has(option) {
			query.Set(option, u.Query().Get(option))
		}
	}
	u.RawQuery = encodeQuery(query)
	return u.String(), password, nil
}

// libpqOptions are the options of a URL that PostgreSQL's own programs take, apart
// from passwords. lib/pq takes settings of the server as well, such as search_path.
func libpqOptions() []string {
	return strings.Fields(`host hostaddr port user dbname sslmode sslcert sslkey sslrootcert connect_timeout
		application_name fallback_application_name options target_session_attrs client_encoding passfile service`)
}

// passwordsOf returns every password in a URL: an option overrides the one before
// the host.
func passwordsOf(u *url.URL) []string {
	password, _ := u.User.Password()
	found := append(append(u.Query()["password"], password), u.Query()["sslpassword"]...)
	return slices.DeleteFunc(found, func(s string) bool { return s == "" })
}

func (t Target) lockTimeout() time.Duration { return cmp.Or(t.LockTimeout, lockTimeout) }

func (t Target) lockTimeoutMS() string { return strconv.FormatInt(t.lockTimeout().Milliseconds(), 10) }
