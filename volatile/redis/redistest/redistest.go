// Package redistest runs Redis servers that tests stop, pause and fill.
package redistest

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Server is a redis-server of a test's own.
type Server struct {
	testing.TB
	Address string
	URL     string
	binary  string
	port    int
	command *exec.Cmd
}

// Start starts a server on a free port. Without redis-server the test is skipped, or with CI=true fails.
func Start(t testing.TB) *Server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no redis-server: scripts/tools.sh installs it")
		}
		t.Skip("there is no redis-server: scripts/tools.sh installs it")
	}
	s := &Server{TB: t, binary: binary}
	for range 20 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.port = listener.Addr().(*net.TCPAddr).Port
		_ = listener.Close()
		if s.Again() {
			t.Cleanup(s.Stop)
			return s
		}
	}
	t.Fatal("redis-server has not started")
	return nil
}

// Again starts the server on its port, with nothing in it; false where it ends at once, since the port is taken.
func (s *Server) Again() bool {
	s.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
	s.URL = "redis://" + s.Address
	s.command = exec.Command(s.binary, "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "no", "--daemonize", "no", "--dir", s.TempDir())
	if err := s.command.Start(); err != nil {
		s.Fatal(err)
	}
	command, ended := s.command, make(chan struct{})
	go func() { _ = command.Wait(); close(ended) }()
	for {
		if answer, err := s.Say("PING"); err == nil && answer == "+PONG" {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Say says one line to the server, and returns the first of its answer.
func (s *Server) Say(line string) (string, error) {
	connection, err := net.DialTimeout("tcp", s.Address, 10*time.Second)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	if _, err := connection.Write([]byte(line + "\r\n")); err != nil {
		return "", err
	}
	scanner := bufio.NewScanner(connection)
	scanner.Scan()
	return scanner.Text(), scanner.Err()
}

// Must says a line that the server has to take.
func (s *Server) Must(line string) {
	s.Helper()
	if answer, err := s.Say(line); err != nil || answer != "+OK" {
		s.Fatalf("redis answers %q, %v to %s", answer, err, line)
	}
}

// Stop ends the server, with all that is in it.
func (s *Server) Stop() {
	_ = s.command.Process.Kill()
	for { // until nobody listens any more
		connection, err := net.Dial("tcp", s.Address)
		if err != nil {
			return
		}
		_ = connection.Close()
		time.Sleep(time.Millisecond)
	}
}

// Pause stops the server where it is: connections stay, and nobody answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(which syscall.Signal) {
	s.Helper()
	if err := s.command.Process.Signal(which); err != nil {
		s.Fatal(err)
	}
}

// Fill lets the server take nothing any more, and Empty lets it again.
func (s *Server) Fill() { s.Must("CONFIG SET maxmemory 1") }

// Empty takes Fill back.
func (s *Server) Empty() { s.Must("CONFIG SET maxmemory 0") }

// Eventually waits until something is so.
func Eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never happens: %s", what)
		}
	}
}
