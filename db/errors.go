package db

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
	"github.com/mattn/go-sqlite3"

	"github.com/alwrity/alwrity-sub/failure"
)

// errLostRace says that another transaction recorded the same event meanwhile:
// running again will find it.
var errLostRace = errors.New("another transaction recorded the same event")

func tooLarge(err error) error {
	return failure.Invalidf("a total would be too large to be kept: at most 9,223,372 dollars or 9.2e18 units for one user, month and model").Because(err)
}

// classifySQLite turns what SQLite reports into a failure. What is none of the
// known cases stays as it is: a fault of the program.
func classifySQLite(err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return failure.Unavailablef("the database is locked: another process has been writing to it for longer than 10 seconds").
			WithHint("try again; if it stays locked, look which process has the file open").Because(err)
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return failure.Unavailablef("the database can't be written: its file or directory is read-only").
			WithHint("check the permissions of the file, of its directory, and of the files beside it that end in -wal and -shm").Because(err)
	case sqlite3.ErrNotADB, sqlite3.ErrCorrupt, sqlite3.ErrFormat:
		return failure.Unavailablef("the file is no usable SQLite database: %s", e.Code).
			WithHint("check the path in DATABASE_URL; if it is the right file, restore it from a backup").Because(err)
	case sqlite3.ErrCantOpen:
		return failure.Unavailablef("the database file can't be opened").WithHint("check its path and permissions").Because(err)
	case sqlite3.ErrFull:
		return failure.Unavailablef("the disk is full").WithHint("free some space and run the command again").Because(err)
	case sqlite3.ErrIoErr:
		if e.SystemErrno == syscall.ENOSPC {
			return failure.Unavailablef("the disk is full").WithHint("free some space and run the command again").Because(err)
		}
		return failure.Unavailablef("the database file can't be read or written: %s", e.Error()).
			WithHint("check the disk that the file is on").Because(err)
	case sqlite3.ErrConstraint:
		if e.ExtendedCode == sqliteConstraintDatatype {
			return tooLarge(err)
		}
	}
	switch text := e.Error(); {
	case strings.Contains(text, "integer overflow"):
		return tooLarge(err)
	case strings.Contains(text, "no such table"), strings.Contains(text, "no such column"):
		return schemaMissing().Because(err)
	}
	return err
}

// sqliteConstraintDatatype is SQLITE_CONSTRAINT_DATATYPE: a sum left the range
// of integers, and a STRICT table refuses the REAL that SQLite makes of it.
const sqliteConstraintDatatype = 3091

// classifyPostgreSQL does the same for PostgreSQL, by the classes of SQLSTATE.
func classifyPostgreSQL(err error) error {
	e, ok := errors.AsType[*pq.Error](err)
	if !ok {
		return classifyNetwork(err)
	}
	code, connecting := e.Code, isOf[connectError](err)
	switch {
	case code == "22003":
		return tooLarge(err)
	case code == "22021": // SQLite takes it, and finds nothing by it
		return failure.Invalidf("a text that was given is not valid UTF-8").
			WithHint("is the terminal, or the file that it comes from, in another encoding?").Because(err)
	case code == "22P05":
		return notUTF8("another encoding").Because(err)
	case classOf(code) == "28":
		return failure.Unavailablef("PostgreSQL refuses the login: %s", e.Message).
			WithHint("check user and password in DATABASE_URL").Because(err)
	case code == "3D000":
		return failure.Unavailablef("PostgreSQL: %s", e.Message).WithHint("create it with createdb, or check DATABASE_URL").Because(err)
	case code == "42704" && strings.Contains(e.Message, "configuration parameter"), code == "22023" && e.Fatal():
		return failure.Invalidf("PostgreSQL refuses an option of the database URL: %s", e.Message).
			WithHint("remove it from DATABASE_URL").Because(err)
	case code == "42P01" || code == "42703" || code == "3F000":
		return schemaMissing().Because(err)
	case code == "25006":
		return failure.Unavailablef("PostgreSQL takes no changes: %s", e.Message).
			WithHint("is it a standby, or set to default_transaction_read_only? DATABASE_URL must name the server that is written to").Because(err)
	case code == "42501":
		return failure.Unavailablef("PostgreSQL does not allow it: %s", e.Message).
			WithHint("the role in DATABASE_URL needs to own its tables, or CREATE on its schema").Because(err)
	case code == "55P03":
		return failure.Unavailablef("the database is locked: another process has been holding a lock for longer than 10 seconds").
			WithHint("try again; pg_stat_activity shows who holds it").Because(err)
	case code == "40001", code == "40P01":
		return failure.Unavailablef("PostgreSQL gave up a transaction several times: %s", e.Message).WithHint("try again").Because(err)
	case isTimeOut(code):
		return failure.Unavailablef("PostgreSQL ended the work: %s", e.Message).
			WithHint("if that was a time-out of the server, such as statement_timeout, raise it for this role").Because(err)
	case refusesConnections(e):
		return failure.Unavailablef("PostgreSQL: %s", e.Message).
			WithHint("allow them with ALTER DATABASE … ALLOW_CONNECTIONS true, or check DATABASE_URL").Because(err)
	case isServerTrouble(code):
		return failure.Unavailablef("PostgreSQL can't be used now: %s", e.Message).WithHint("try again once the server is up").Because(err)
	case connecting:
		return failure.Unavailablef("PostgreSQL can't be used: %s", e.Message).WithHint(optionsHint).Because(err)
	}
	return err
}

// classOf returns the class of a SQLSTATE, which some poolers leave out.
func classOf(code pqerror.Code) string { return string(code[:min(2, len(code))]) }

// isTimeOut tells whether the server ended a statement, a transaction or a session because that took too long, or
// because an administrator asked for it.
func isTimeOut(code pqerror.Code) bool {
	switch code {
	case "57014", "25P03", "25P04", "57P05": // of a statement, idle in a transaction, of a transaction, idle
		return true
	}
	return false
}

// refusesConnections tells whether nobody may connect to a database.
func refusesConnections(e *pq.Error) bool {
	return e.Code == "55000" && strings.Contains(e.Message, "not currently accepting connections")
}

// isServerTrouble tells whether the trouble is the server's: the connection to it, what it lacks, its shut-down or
// start, its disk, or data that are damaged.
func isServerTrouble(code pqerror.Code) bool {
	switch classOf(code) {
	case "08", "53", "58":
		return true
	}
	return strings.HasPrefix(string(code), "57P") || code == "XX001" || code == "XX002"
}

// notUTF8 is the failure of a PostgreSQL database that can't keep every text.
func notUTF8(encoding string) *failure.Error {
	return failure.Unavailablef("the PostgreSQL database has the encoding %s: it must have UTF8", encoding).
		WithHint("make another one: createdb --encoding=UTF8 --template=template0 NAME, and name it in DATABASE_URL")
}

const optionsHint = "check the options of DATABASE_URL and the server"

func classifyNetwork(err error) error {
	if err == nil {
		return nil
	}
	certificate := aboutCertificate(err)
	switch {
	case certificate != nil:
		return failure.Unavailablef("the certificate of the PostgreSQL server is not trusted: %s", certificate).
			WithHint("name its authority with sslrootcert in DATABASE_URL, or use sslmode=require").Because(err)
	case isOf[*failure.Error](err), errors.Is(err, context.Canceled):
		return err
	case isLost(err):
		hint := "check that the server runs and that host and port in DATABASE_URL are right"
		if isCut(err) {
			hint = "check that the server runs; its log says why it ended the connection, such as a time-out of its own"
		}
		return failure.Unavailablef("PostgreSQL can't be reached: %s", networkReason(err)).WithHint("%s", hint).Because(err)
	case errors.Is(err, pq.ErrSSLNotSupported):
		return failure.Unavailablef("PostgreSQL can't be used: the server refused TLS").WithHint(optionsHint).Because(err)
	case isOf[connectError](err):
		reason := strings.ReplaceAll(strings.TrimPrefix(err.Error(), "pq: "), "\n", "; ")
		return failure.Unavailablef("PostgreSQL can't be used: %s", reason).WithHint(optionsHint).Because(err)
	}
	return err
}

func isOf[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// aboutCertificate returns why the server's certificate was refused, if it was:
// crypto/tls checks it for sslmode=verify-full, and lib/pq itself for verify-ca.
func aboutCertificate(err error) error {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &verification):
		return verification
	case errors.As(err, &authority):
		return authority
	case errors.As(err, &invalid):
		return invalid
	}
	return nil
}

// isLost tells whether a connection can't be made, or used any more.
func isLost(err error) bool { return isOf[net.Error](err) || isCut(err) }

// isCut tells whether a connection came to its end while it was used.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn)
}

// networkReason returns the end of the chain, which says what happened.
func networkReason(err error) string {
	var op *net.OpError
	var lookup *net.DNSError
	switch {
	case errors.As(err, &op):
		return op.Error()
	case errors.As(err, &lookup):
		return lookup.Error()
	case isCut(err):
		return "the connection was cut"
	case errors.Is(err, context.DeadlineExceeded):
		return "it does not answer in time"
	}
	return err.Error()
}

// retryPostgreSQL tells whether a transaction may simply run again: after a serialization failure or a deadlock, or
// where what was prepared no longer fits the tables.
func retryPostgreSQL(err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && (e.Code == "40001" || e.Code == "40P01" || isStalePlan(err))
}

// isIDTaken tells whether a transaction recorded an event that another one has recorded since it looked.
func isIDTaken(err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && e.Code == "23505" && e.Constraint == "usage_event_ids_pkey"
}

// isPartitionMissing tells whether a log row found no partition. Its code is also that of a CHECK that fails.
func isPartitionMissing(err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && e.Code == "23514" && strings.Contains(e.Message, "no partition of relation")
}

func schemaMissing() *failure.Error {
	return failure.Unavailablef("the tables have not been created yet, or are out of date").WithReason("not_initialized")
}

// isBusy tells whether another process holds the lock of a SQLite file.
func isBusy(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && e.Code == sqlite3.ErrBusy
}

// mayBeginSQLite asks for the lock of a file that another process holds again every few milliseconds: SQLite's own
// waiting sleeps longer and longer, so that of many processes some would never have their turn.
func mayBeginSQLite(err error, _ int, waited time.Duration, target Target) (again bool, wait time.Duration) {
	if !isBusy(err) || waited > target.lockTimeout() {
		return false, 0
	}
	longest := min(2*time.Millisecond+waited/16, 12*time.Millisecond)
	return true, time.Millisecond + rand.N(longest)
}

// mayBeginPostgreSQL goes on to the next connection where the server has closed one that was idle: there may be as many
// of them as the pool keeps.
func mayBeginPostgreSQL(err error, attempt int, _ time.Duration, _ Target) (again bool, wait time.Duration) {
	return isLost(err) && !isOf[connectError](err) && attempt <= maxConnections, 0
}
