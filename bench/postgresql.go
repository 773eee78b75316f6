package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/db"
)

// noServer is why the half on PostgreSQL is left out.
const noServer = skipped("there is no PostgreSQL: run scripts/bench.sh, or name a server in ALWRITY_TEST_POSTGRES_URL")

// maintenance is the database in which others are created.
func (l *lab) maintenance() database { return database{kind: db.PostgreSQL, url: l.postgres} }

// createDatabase makes an empty database on the server, in place of an earlier one.
func (l *lab) createDatabase(ctx context.Context, name string) (database, error) {
	if l.postgres == "" {
		return database{}, noServer
	}
	u, err := url.Parse(l.postgres)
	if err != nil {
		return database{}, fmt.Errorf("ALWRITY_TEST_POSTGRES_URL can't be read") // the error would show the password
	}
	u.Path = fmt.Sprintf("/alwrity_bench_%d_%s", os.Getpid(), strings.ReplaceAll(name, "-", "_"))
	d := database{kind: db.PostgreSQL, url: u.String()}
	if err := l.dropDatabase(ctx, d); err != nil {
		return d, err
	}
	if !slices.Contains(l.servers, d) {
		l.servers = append(l.servers, d)
	}
	_, err = l.psql(ctx, l.maintenance(), "-c", "CREATE DATABASE "+d.name())
	return d, err
}

func (l *lab) dropDatabase(ctx context.Context, d database) error {
	_, err := l.psql(ctx, l.maintenance(), "-c", "DROP DATABASE IF EXISTS "+d.name())
	return err
}

// name is a PostgreSQL database's.
func (d database) name() string {
	u, err := url.Parse(d.url)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// psql runs PostgreSQL's shell, the peer on PostgreSQL.
func (l *lab) psql(ctx context.Context, d database, args ...string) (ran, error) {
	return l.libpq(ctx, d, "psql", append([]string{"-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"}, args...)...)
}

// libpq runs one of PostgreSQL's own programs on a database. The environment tells it
// which, so that no password stands in the list of processes.
func (l *lab) libpq(ctx context.Context, d database, program string, args ...string) (ran, error) {
	if l.postgres == "" {
		return ran{}, noServer
	}
	if _, err := exec.LookPath(program); err != nil {
		return ran{}, skipped(program + " is not installed (Debian, Ubuntu: apt-get install postgresql)")
	}
	u, err := url.Parse(d.url)
	if err != nil {
		return ran{}, fmt.Errorf("the server's URL can't be read")
	}
	password, _ := u.User.Password()
	env := []string{"PGHOST=" + u.Hostname(), "PGPORT=" + u.Port(), "PGUSER=" + u.User.Username(), "PGPASSWORD=" +
		password, "PGDATABASE=" + d.name()}
	if mode := u.Query().Get("sslmode"); mode != "" {
		env = append(env, "PGSSLMODE="+mode)
	}
	return l.run(ctx, env, program, args...)
}

// serverVersion says which PostgreSQL it is, and whether it keeps what it commits:
// without fsync it is quicker than any in production.
func (l *lab) serverVersion(ctx context.Context) string {
	if l.postgres == "" {
		return ", no PostgreSQL"
	}
	r, err := l.psql(ctx, l.maintenance(), "-c",
		"SELECT current_setting('server_version') || ' (fsync ' || current_setting('fsync') || ')'")
	if err != nil {
		return ", PostgreSQL"
	}
	return ", PostgreSQL " + strings.TrimSpace(string(r.out))
}

// postgresPeer copies the same rows with \copy into a table like the log, with all of
// its indexes, and returns rows a second.
func (l *lab) postgresPeer(ctx context.Context, f *filled) (float64, error) {
	csv, err := l.csvFile(ctx, f)
	if err != nil {
		return 0, err
	}
	if _, err := l.psql(ctx, f.database, "-c", "CREATE TABLE peer (LIKE "+logTable+" INCLUDING ALL)"); err != nil {
		return 0, err
	}
	if err := l.settle(ctx, db.PostgreSQL); err != nil {
		return 0, err
	}
	r, err := l.psql(ctx, f.database, "-c", `\copy peer FROM `+quoted(csv)+" CSV")
	if err != nil {
		return 0, err
	}
	rate := float64(f.sample.rows) / r.wall.Seconds()
	l.say(`psql \copy: %s rows/s`, figure(rate))
	_, err = l.psql(ctx, f.database, "-c", "DROP TABLE peer")
	return rate, err
}

// preparePeer writes a table to a CSV file, and makes an empty one like it.
func (l *lab) preparePeer(ctx context.Context, d database, table, csv string) error {
	if _, err := l.psql(ctx, d, "-c", `\copy `+table+" TO "+quoted(csv)+" CSV"); err != nil {
		return err
	}
	_, err := l.psql(ctx, d, "-c", "CREATE TABLE peer_"+table+" (LIKE "+table+" INCLUDING ALL)")
	return err
}
