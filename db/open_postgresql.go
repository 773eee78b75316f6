package db

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/alwrity/alwrity-sub/failure"
)

// maxConnections bounds the pool: more would queue at the server anyway.
const maxConnections = 20

// cancelPatience is how long a server may take to end a statement that has been
// cancelled, before its connection is given up.
const cancelPatience = 5 * time.Second

func (d *DB) openPostgreSQL() error {
	d.dialect = postgresDialect()
	config, err := d.target.postgresConfig()
	if err != nil {
		return err
	}
	d.writer = stdlib.OpenDB(*config, stdlib.OptionShouldPing(func(_ context.Context, p stdlib.ShouldPingParams) bool {
		return !silent(p.Conn.PgConn().Conn(), p.IdleDuration)
	}))
	d.writer.SetMaxOpenConns(maxConnections)
	d.writer.SetMaxIdleConns(maxConnections)
	d.reader = d.writer
	return nil
}

// postgresConfig returns what pgx makes of the URL, and of the PG… variables where
// the URL says nothing.
//
// Each connection keeps the statements that it has prepared. PgBouncer in
// transaction mode needs default_query_exec_mode=exec in the URL, unless its
// max_prepared_statements is set.
func (t Target) postgresConfig() (*pgx.ConnConfig, error) {
	u, err := url.Parse(t.dsn)
	if err != nil {
		return nil, unusable("it is malformed")
	}
	options := url.Values{}
	for name, values := range u.Query() {
		if values[0] != "" { // an empty one says nothing
			options.Set(name, values[0])
		}
	}
	own, err := takeOwnOptions(u, options)
	if err != nil {
		return nil, err
	}
	u.RawQuery = encodeQuery(options)
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, t.refusedConfig(err)
	}
	own.apply(config)
	// pgx reads and writes text in UTF-8 alone, and dates in this form.
	config.RuntimeParams["client_encoding"] = "UTF8"
	config.RuntimeParams["datestyle"] = "ISO, MDY"
	config.RuntimeParams["lock_timeout"] = t.lockTimeoutMS()
	if t.schema != "" {
		config.RuntimeParams["search_path"] = t.schema
	}
	// The default would leave a statement running at the server, once it has been
	// interrupted here.
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelPatience}
	}
	return config, nil
}

// encodeQuery writes a space as %20: libpq and pgx take a plus for a plus.
func encodeQuery(query url.Values) string { return strings.ReplaceAll(query.Encode(), "+", "%20") }

func unusable(reason string) error {
	return failure.Invalidf("the PostgreSQL database URL can't be used: %s", reason).WithHint(urlHint)
}

// refusedConfig says why pgx does not take the URL. A file that it names and that
// can't be used says nothing against the URL.
func (t Target) refusedConfig(err error) error {
	text := t.reasonWithout(err)
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) && strings.HasPrefix(text, "failed to configure TLS") {
		return failure.Unavailablef("PostgreSQL can't be used: %s", text).WithHint(optionsHint)
	}
	return unusable(text)
}

// reasonWithout returns the reason of an error of pgx, which has the URL before it,
// unless it repeats part of the URL. The error itself holds the URL with its
// password, and is dropped.
func (t Target) reasonWithout(err error) string {
	_, text, ok := strings.Cut(err.Error(), "`: ")
	u, parseErr := url.Parse(t.dsn)
	if !ok || parseErr != nil {
		return "it is malformed"
	}
	for _, password := range passwordsOf(u) {
		if strings.Contains(text, password) {
			return "it is malformed"
		}
	}
	return text
}

// ownOptions are options of libpq that pgx does not know.
type ownOptions struct {
	addresses        map[string]string // of hosts, by their names
	minimum, maximum uint16            // versions of TLS; 0: the default
}

// takeOwnOptions takes them out of the options, checks what pgx does not check, and
// names the host where nobody does.
func takeOwnOptions(u *url.URL, options url.Values) (ownOptions, error) {
	take := func(name string) string {
		value := options.Get(name)
		options.Del(name)
		return value
	}
	var own ownOptions
	var err error
	if own.minimum, err = tlsVersion("ssl_min_protocol_version", take("ssl_min_protocol_version")); err != nil {
		return own, err
	}
	if own.maximum, err = tlsVersion("ssl_max_protocol_version", take("ssl_max_protocol_version")); err != nil {
		return own, err
	}
	switch options.Get("sslnegotiation") {
	case "", "postgres", "direct":
	default:
		return own, unusable("sslnegotiation must be postgres or direct")
	}
	if encoding := take("client_encoding"); encoding != "" && !strings.EqualFold(strings.ReplaceAll(encoding, "-", ""), "utf8") {
		return own, unusable("client_encoding must be UTF8")
	}
	if style := take("datestyle"); style != "" && style != "ISO, MDY" {
		return own, unusable("datestyle must be ISO, MDY")
	}
	own.addresses, err = addressesOf(u, options, take("hostaddr"))
	if err != nil {
		return own, err
	}
	//nolint:forbidigo // pgx reads these as well, and does not tell whether a host comes from there
	named := u.Hostname() != "" || options.Get("host") != "" || options.Get("service") != "" || os.Getenv("PGHOST") != "" || os.Getenv("PGSERVICE") != ""
	if !named {
		options.Set("host", "localhost") // pgx would take any directory where a socket may be
	}
	return own, nil
}

// addressesOf returns the addresses that hostaddr gives to the hosts. Where no host
// has a name the addresses become the hosts.
func addressesOf(u *url.URL, options url.Values, list string) (map[string]string, error) {
	if list == "" {
		return nil, nil
	}
	addresses := strings.Split(list, ",")
	for _, address := range addresses {
		if net.ParseIP(address) == nil {
			return nil, unusable("hostaddr must be IP addresses")
		}
	}
	hosts := options.Get("host")
	if hosts == "" {
		hosts = u.Hostname()
	}
	if hosts == "" {
		options.Set("host", list)
		return nil, nil
	}
	names := strings.Split(hosts, ",")
	if len(names) != len(addresses) {
		return nil, unusable("hostaddr must have an address for each host")
	}
	found := map[string]string{}
	for i, name := range names {
		found[name] = addresses[i]
	}
	return found, nil
}

func tlsVersion(option, name string) (uint16, error) {
	switch name {
	case "":
		return 0, nil
	case "TLSv1":
		return tls.VersionTLS10, nil
	case "TLSv1.1":
		return tls.VersionTLS11, nil
	case "TLSv1.2":
		return tls.VersionTLS12, nil
	case "TLSv1.3":
		return tls.VersionTLS13, nil
	}
	return 0, unusable(option + " must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3")
}

func (o ownOptions) apply(config *pgx.ConnConfig) {
	configs := []*tls.Config{config.TLSConfig}
	for _, fallback := range config.Fallbacks {
		configs = append(configs, fallback.TLSConfig)
	}
	for _, c := range configs {
		if c != nil {
			c.MinVersion, c.MaxVersion = o.minimum, o.maximum
		}
	}
	lookup := config.LookupFunc
	config.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		if address, ok := o.addresses[host]; ok {
			return []string{address}, nil
		}
		return lookup(ctx, host)
	}
}
