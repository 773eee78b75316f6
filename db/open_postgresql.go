package db

import (
	"database/sql"
	"maps"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/lib/pq"

	"github.com/alwrity/alwrity-sub/failure"
)

// maxConnections bounds the pool: more would queue at the server anyway.
const maxConnections = 20

func (d *DB) openPostgreSQL() error {
	config, err := d.target.postgresConfig()
	if err != nil {
		return err
	}
	d.writer = sql.OpenDB(&postgresConnector{config: config})
	d.writer.SetMaxOpenConns(maxConnections)
	d.writer.SetMaxIdleConns(maxConnections)
	d.reader = d.writer
	return nil
}

// postgresConfig returns what lib/pq makes of the URL, and of the PG… variables where the URL says nothing.
func (t Target) postgresConfig() (pq.Config, error) {
	u, err := url.Parse(t.dsn)
	if err != nil {
		return pq.Config{}, unusable("it is malformed")
	}
	options := optionsOf(u)
	for _, name := range []string{"sslpassword", "require_auth"} {
		if options[name] != "" {
			return pq.Config{}, unusable(name + " is not supported")
		}
	}
	config, err := parseConfig(options)
	if err != nil {
		return pq.Config{}, unusable(t.reasonWithout(err))
	}
	config.BinaryParameters = true // a statement that is not prepared then takes one round trip
	// lib/pq reads these two and sends neither.
	for name, value := range map[string]string{"geqo": config.Geqo, "timezone": config.TZ} {
		if value != "" {
			config.Runtime[name] = value
		}
	}
	config.Runtime["lock_timeout"] = t.lockTimeoutMS()
	if t.schema != "" {
		config.Runtime["search_path"] = t.schema
	}
	return config, nil
}

// optionsOf returns all that a URL says, by the names that libpq has for it. An option overrides what stands before the
// path, and an empty one says nothing.
func optionsOf(u *url.URL) map[string]string {
	hosts, ports := splitHosts(u.Host)
	password, _ := u.User.Password()
	options := map[string]string{
		"host": hosts, "port": ports, "user": u.User.Username(), "password": password,
		"dbname": strings.TrimPrefix(u.Path, "/"),
		// lib/pq reads and writes nothing else: a variable that says otherwise is meant for other programs.
		"client_encoding": "UTF8", "datestyle": "ISO, MDY",
	}
	for name, values := range u.Query() {
		if values[0] != "" {
			options[name] = values[0]
		}
	}
	for _, name := range []string{"ssl_min_protocol_version", "ssl_max_protocol_version"} {
		if options[name] == "TLSv1" { // as libpq calls it
			options[name] = "TLSv1.0"
		}
	}
	maps.DeleteFunc(options, func(_, value string) bool { return value == "" })
	return options
}

// splitHosts returns the hosts of "h1:1,[::1]:2,h3" and their ports as lists, both empty where there are none.
func splitHosts(list string) (hosts, ports string) {
	var names, numbers []string
	for part := range strings.SplitSeq(list, ",") {
		host, port, err := net.SplitHostPort(part)
		if err != nil { // there is no port
			host, port = strings.Trim(part, "[]"), ""
		}
		names, numbers = append(names, host), append(numbers, port)
	}
	if slices.ContainsFunc(numbers, func(port string) bool { return port != "" }) {
		for i, port := range numbers {
			if port == "" {
				numbers[i] = "5432"
			}
		}
		ports = strings.Join(numbers, ",")
	}
	return strings.Join(names, ","), ports
}

// parseConfig lets lib/pq read options. What they say goes before what a service file says, as in libpq; lib/pq has it
// the other way round.
func parseConfig(options map[string]string) (pq.Config, error) {
	defer hideVariables(options)()
	config, err := pq.NewConfig(connectionString(options))
	if err != nil || config.Service == "" {
		return config, err
	}
	alone := maps.Clone(options)
	delete(alone, "service")
	defer hide("PGSERVICE")()
	said, err := pq.NewConfig(connectionString(alone))
	if err != nil {
		return config, err
	}
	from, to := reflect.ValueOf(said), reflect.ValueOf(&config).Elem()
	for i := range to.NumField() {
		if options[to.Type().Field(i).Tag.Get("postgres")] != "" {
			to.Field(i).Set(from.Field(i))
		}
	}
	if options["host"]+options["hostaddr"]+options["port"] != "" {
		config.Multi = said.Multi
	}
	return config, nil
}

// connectionString writes options as libpq's list of names and values.
func connectionString(options map[string]string) string {
	escape := strings.NewReplacer(`'`, `\'`, `\`, `\\`)
	var list []string
	for name, value := range options {
		list = append(list, name+"='"+escape.Replace(value)+"'")
	}
	return strings.Join(list, " ")
}

// hideVariables hides the variables of libpq that lib/pq refuses, though nothing that it does depends on them, and
// names the service file where lib/pq looks for it. The function that it returns undoes that.
func hideVariables(options map[string]string) (restore func()) {
	restores := []func(){hide("PGREQUIRESSL"), hide("PGSSLCOMPRESSION"), hide("PGREALM"), hide("PGGSSENCMODE"),
		hide("PGGSSDELEGATION"), hide("PGGSSLIB"), hide("PGKRBSRVNAME"), hide("PGCHANNELBINDING"),
		hide("PGSSLCERTMODE"), hide("PGSSLCRL"), hide("PGSSLCRLDIR"), hide("PGREQUIREPEER")}
	if file := options["servicefile"]; file != "" {
		restores = append(restores, hide("PGSERVICEFILE"))
		_ = os.Setenv("PGSERVICEFILE", file) // it fails for a NUL character alone, and then nothing is found
		delete(options, "servicefile")
	}
	return func() {
		for _, restore := range restores {
			restore()
		}
	}
}

// hide takes a variable from the environment until restore is called.
func hide(name string) (restore func()) {
	value, ok := os.LookupEnv(name)
	_ = os.Unsetenv(name)
	return func() {
		if ok {
			_ = os.Setenv(name, value)
		} else {
			_ = os.Unsetenv(name)
		}
	}
}

// encodeQuery writes a space as %20: libpq takes a plus for a plus.
func encodeQuery(query url.Values) string { return strings.ReplaceAll(query.Encode(), "+", "%20") }

func unusable(reason string) error {
	return failure.Invalidf("the PostgreSQL database URL can't be used: %s", reason).WithHint(urlHint)
}

// reasonWithout returns what lib/pq has against the URL, unless it repeats a password.
func (t Target) reasonWithout(err error) string {
	text := strings.TrimPrefix(err.Error(), "pq: ")
	u, parseErr := url.Parse(t.dsn)
	if parseErr != nil || slices.ContainsFunc(passwordsOf(u), func(p string) bool { return strings.Contains(text, p) }) {
		return "it is malformed"
	}
	return text
}
