package db

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"

	"github.com/alwrity/alwrity-sub/failure"
)

// errLostRace says that another transaction recorded the same event meanwhile:
// running again will find it.
var errLostRace = errors.New("another transaction recorded the same event")

const initHint = "run: alwrity-sub init"

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
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return classifyNetwork(err)
	}
	code := e.Code
	switch {
	case code == "22003":
		return tooLarge(err)
	case code == "22021": // SQLite takes it, and finds nothing by it
		return failure.Invalidf("a text that was given is not valid UTF-8").
			WithHint("is the terminal, or the file that it comes from, in another encoding?").Because(err)
	case strings.HasPrefix(code, "28"):
		return failure.Unavailablef("PostgreSQL refuses the login: %s", e.Message).
			WithHint("check user and password in DATABASE_URL").Because(err)
	case code == "3D000":
		return failure.Unavailablef("PostgreSQL: %s", e.Message).WithHint("create it with createdb, or check DATABASE_URL").Because(err)
	case code == "42704" && strings.Contains(e.Message, "configuration parameter"), code == "22023" && e.SeverityUnlocalized == "FATAL":
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
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57P"):
		return failure.Unavailablef("PostgreSQL can't be used now: %s", e.Message).WithHint("try again once the server is up").Because(err)
	}
	return err
}

const optionsHint = "check the options of DATABASE_URL and the server"

func classifyNetwork(err error) error {
	if err == nil {
		return nil
	}
	var network net.Error
	var connecting *pgconn.ConnectError
	var known *failure.Error
	certificate := aboutCertificate(err)
	switch {
	case certificate != nil:
		return failure.Unavailablef("the certificate of the PostgreSQL server is not trusted: %s", certificate).
			WithHint("name its authority with sslrootcert in DATABASE_URL, or use sslmode=require").Because(err)
	case errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &network), isCut(err):
		return failure.Unavailablef("PostgreSQL can't be reached: %s", networkReason(err)).
			WithHint("check that the server runs and that host and port in DATABASE_URL are right").Because(err)
	case errors.As(err, &connecting):
		return failure.Unavailablef("PostgreSQL can't be used: %s", strings.ReplaceAll(connecting.Unwrap().Error(), "\n", "; ")).
			WithHint(optionsHint).Because(err)
	}
	return err
}

// aboutCertificate returns why the server's certificate was refused, if it was:
// crypto/tls checks it for sslmode=verify-full, and pgx itself for verify-ca.
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

// isCut tells whether a connection came to its end while it was used.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, pgconn.ErrConnClosed)
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

// retryPostgreSQL tells whether the server asks for the transaction to be run
// again: a serialization failure or a deadlock.
func retryPostgreSQL(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01")
}

func schemaMissing() *failure.Error {
	return failure.Unavailablef("the tables have not been created yet, or are out of date").WithHint(initHint)
}
