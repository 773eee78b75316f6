package db

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/alwrity/alwrity-sub/failure"
)

// unavailableState is a SQLSTATE that makes a failure, or a class of them: their first two letters.
type unavailableState struct {
	state   string
	failure string // what the server says follows
	hint    string
}

// unavailableStates has codes before their classes.
var unavailableStates = []unavailableState{ // read-only
	{"28", "PostgreSQL refuses the login", "check user and password in DATABASE_URL"},
	{"3D000", "PostgreSQL", "create it with createdb, or check DATABASE_URL"},
	{"25006", "PostgreSQL takes no changes", "is it a standby, or set to default_transaction_read_only? " +
		"DATABASE_URL must name the server that is written to"},
	{"42501", "PostgreSQL does not allow it", "the role in DATABASE_URL needs to own its tables, or CREATE on its schema"},
	{"40001", "PostgreSQL gave up a transaction several times", "try again"},
	{"40P01", "PostgreSQL gave up a transaction several times", "try again"},
	{"57014", endedWork, timeOutHint},  // a statement
	{"25P03", endedWork, timeOutHint},  // idle in a transaction
	{"25P04", endedWork, timeOutHint},  // a transaction
	{"57P05", endedWork, timeOutHint},  // idle
	{"08", cantBeUsedNow, triedLater},  // the connection
	{"53", cantBeUsedNow, triedLater},  // it lacks something
	{"57P", cantBeUsedNow, triedLater}, // it is shut down or starts
	{"58", cantBeUsedNow, triedLater},  // its system, such as its disk
	{"XX", cantBeUsedNow, triedLater},  // its own faults, and damaged data
}

const (
	endedWork     = "PostgreSQL ended the work"
	timeOutHint   = "if that was a time-out of the server, such as statement_timeout, raise it for this role"
	cantBeUsedNow = "PostgreSQL can't be used now"
	triedLater    = "try again once the server is up"
)

func noSchema() *failure.Error {
	return failure.Unavailablef("PostgreSQL: the search_path names no schema that exists").
		WithHint("make it with CREATE SCHEMA, or change search_path in DATABASE_URL or of the role")
}

// classifyPostgreSQL turns what PostgreSQL reports into a failure. What is none of the known cases stays as it is: a
// fault of the program.
func classifyPostgreSQL(err error) error {
	e, ok := errors.AsType[*pq.Error](err)
	if !ok {
		return classifyNetwork(err)
	}
	code := string(e.Code)
	switch {
	case code == "22003":
		return tooLarge(err)
	case code == "22021": // SQLite takes it, and finds nothing by it
		return failure.Invalidf("a text that was given is not valid UTF-8").
			WithHint("is the terminal, or the file that it comes from, in another encoding?").Because(err)
	case code == "22P05":
		return notUTF8("another encoding").Because(err)
	case code == "42704" && strings.Contains(e.Message, "configuration parameter"), code == "22023" && e.Fatal():
		return failure.Invalidf("PostgreSQL refuses an option of the database URL: %s", e.Message).
			WithHint("remove it from DATABASE_URL").Because(err)
	case code == "42P01" || code == "42703":
		return schemaMissing().Because(err)
	case code == "3F000":
		return noSchema().Because(err)
	case code == "55P03":
		return failure.Unavailablef("the database is locked: " +
			"another process has been holding a lock for longer than 10 seconds").
			WithHint("try again; pg_stat_activity shows who holds it").Because(err)
	case code == "55000" && strings.Contains(e.Message, "not currently accepting connections"):
		return failure.Unavailablef("PostgreSQL: %s", e.Message).
			WithHint("allow them with ALTER DATABASE … ALLOW_CONNECTIONS true, or check DATABASE_URL").Because(err)
	}
	for _, s := range unavailableStates {
		if strings.HasPrefix(code, s.state) {
			return failure.Unavailablef("%s: %s", s.failure, e.Message).WithHint("%s", s.hint).Because(err)
		}
	}
	if isOf[connectError](err) {
		return failure.Unavailablef("PostgreSQL can't be used: %s", e.Message).WithHint(optionsHint).Because(err)
	}
	return err
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

// aboutCertificate returns why the server's certificate was refused, if it was:
// crypto/tls checks it for sslmode=verify-full, and lib/pq itself for verify-ca.
func aboutCertificate(err error) error {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return e
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return e
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
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Error()
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return e.Error()
	}
	switch {
	case isCut(err):
		return "the connection was cut"
	case errors.Is(err, context.DeadlineExceeded):
		return "it does not answer in time"
	}
	return err.Error()
}

// stateOf returns the SQLSTATE of an error, or "" where there is none.
func stateOf(err error) string {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return string(e.Code)
	}
	return ""
}

// retryPostgreSQL tells whether a transaction may simply run again: after a serialization failure or a deadlock, or
// where what was prepared no longer fits the tables.
func retryPostgreSQL(err error) bool {
	state := stateOf(err)
	return state == "40001" || state == "40P01" || isStalePlan(err)
}

// isIDTaken tells whether a transaction used the id of an event, a credit or a payment that another one has used since
// it looked.
func isIDTaken(err error) bool {
	e, ok := errors.AsType[*pq.Error](err)
	return ok && e.Code == "23505" && slices.Contains([]string{
		"usage_event_ids_pkey", "billing_credits_by_key", "billing_history_by_payment"}, e.Constraint)
}

// isPartitionMissing tells whether a log row found no partition. Its code is also that of a CHECK that fails.
func isPartitionMissing(err error) bool {
	return stateOf(err) == "23514" && strings.Contains(err.Error(), "no partition of relation")
}

// mayBeginPostgreSQL goes on to the next connection where the server has closed one that was idle: there may be as many
// of them as the pool keeps.
func mayBeginPostgreSQL(err error, attempt int, _ time.Duration, _ Target) (again bool, wait time.Duration) {
	return isLost(err) && !isOf[connectError](err) && attempt <= maxConnections, 0
}
