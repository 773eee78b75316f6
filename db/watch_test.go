package db_test

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/usage"
)

// PostgreSQL tells of changes by itself, also after the connection that listens was ended.
func TestPostgreSQLTellsOfChanges(t *testing.T) {
	t.Parallel()
	place := dbtest.PostgreSQL(t).Database(t, "alwrity_test_listens_"+strings.ToLower(rand.Text()))
	d := place.Create(t)
	told, open, stop := db.Listen(d)
	defer stop()
	s := &access.Service{Store: d}
	audit := usage.Audit{At: time.Now().UTC().Truncate(time.Microsecond), Actor: "a", Action: "tokens create"}
	waitOpen := func() {
		for !open() {
			<-told
		}
	}
	mustTell := func() {
		t.Helper()
		for range 3 { // that it has just begun to listen may be told once or twice
			if _, err := s.Create(t.Context(), audit, access.NewToken{User: "alice"}); err != nil {
				t.Fatal(err)
			}
			<-told
		}
	}
	waitOpen()
	mustTell()
	for range 2 {
		n := lines(t, place.SQL, `SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
		if len(n) != 1 || n[0] == "0" {
			t.Fatalf("%s connections listen", n)
		}
		for open() {
			<-told
		}
		waitOpen()
		mustTell()
	}
}

// Who listens leaves no connection behind that only asks for TLS: a server that is to end would wait for it.
func TestListeningClosesWhatHasNoTLS(t *testing.T) {
	t.Parallel()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	target, err := db.ParseURL("postgresql://a:b@"+server.Addr().String()+"/a", "/")
	if err != nil {
		t.Fatal(err)
	}
	defer db.ListenAt(target)()
	accept := func() net.Conn {
		c, err := server.Accept()
		if err == nil {
			_, err = io.ReadFull(c, make([]byte, 8)) // it asks for TLS, or begins to say who it is
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := accept()
	defer first.Close()
	if _, err := first.Write([]byte("N")); err != nil {
		t.Fatal(err)
	}
	defer accept().Close()
	if err := first.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection without TLS: %v", err)
	}
}
