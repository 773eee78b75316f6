package faults_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// httpServer is the program as it serves.
type httpServer struct {
	testing.TB
	process *exec.Cmd
	url     string
	token   string
	client  *http.Client
}

// serve starts the program on a database, with a token for an app.
func serve(t *testing.T, database string) *httpServer {
	t.Helper()
	var made struct{ Token string }
	r := program(database, "-o", "json", "tokens", "create", "--act-as", "--name", "load").run(t)
	if err := json.Unmarshal([]byte(r.out), &made); err != nil || made.Token == "" {
		t.Fatalf("%v: %+v", err, r)
	}
	cookies, err := cookiejar.New(nil)
	must(t, err)
	s := &httpServer{TB: t, token: made.Token, client: &http.Client{Jar: cookies}}
	s.process = exec.Command(builtProgram(t, "alwrity-sub"), "--now", "2026-11-20", "serve", "--listen", "127.0.0.1:0")
	s.process.Env = []string{"DATABASE_URL=" + database, "ALWRITY_SUB_ACTOR=faults"}
	log, err := s.process.StderrPipe()
	must(t, err)
	must(t, s.process.Start())
	t.Cleanup(func() { _ = s.process.Process.Kill() }) // it may have ended
	lines := bufio.NewReader(log)
	for s.url == "" {
		line, err := lines.ReadString('\n')
		must(t, err)
		var entry struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
			s.url = "http://" + entry.Address
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // until it has ended
	signedIn, err := s.client.PostForm(s.url+"/login", url.Values{"token": {s.token}})
	must(t, err)
	must(t, signedIn.Body.Close())
	return s
}

// ask makes a request. What can't be done now must be a 503 that says when to try again.
func (s *httpServer) ask(method, path, body string) (status int, text string) {
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Error(err)
		return 0, ""
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		s.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		s.Error(err)
	}
	status, text = response.StatusCode, string(read)
	if status >= 500 && (status != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "") {
		s.Errorf("%s %s: %s %s", method, path, response.Status, text)
	}
	return status, text
}

// until asks until a path is answered by a status.
func (s *httpServer) until(path string, status int) {
	s.Helper()
	for end := time.Now().Add(hang); ; time.Sleep(20 * time.Millisecond) {
		got, text := s.ask("GET", path, "")
		if got == status {
			return
		}
		if time.Now().After(end) || s.Failed() {
			s.Fatalf("%s is still %d %s", path, got, text)
		}
	}
}

// PostgreSQL is restarted under a server that is busy: whoever asks meanwhile is told to ask again, nothing that was
// answered is lost or counted twice, and the server works again by itself.
func TestServerGoesOnAfterARestart(t *testing.T) {
	needPostgreSQL(t)
	t.Parallel()
	for _, how := range ways() {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			restartUnderServer(t, how)
		})
	}
}

func restartUnderServer(t *testing.T, how string) {
	pg := own(t)
	_, database := pg.database(t)
	s, beside := serve(t, database), serve(t, database)
	const callers = 16
	var working sync.WaitGroup
	var recorded, refused atomic.Int64
	stop := make(chan struct{})
	for n := range callers {
		working.Go(func() {
			for i := 0; !t.Failed(); i++ {
				select {
				case <-stop:
					return
				default:
				}
				s.record(fmt.Sprintf("e%d-%d", n, i), fmt.Sprintf("u%d", n%5), &refused)
				recorded.Add(1)
				s.ask("POST", "/v1/limits/check", fmt.Sprintf(`{"user":"u%d","provider":"gemini"}`, n%5))
				s.ask("GET", fmt.Sprintf("/v1/users/u%d/usage", n%5), "")
				beside.ask("GET", fmt.Sprintf("/api/subscription/dashboard/u%d", n%5), "")
				beside.ask("GET", fmt.Sprintf("/billing?user=u%d", n%5), "") // who can't be known for now is told so
			}
		})
	}
	for range 2 {
		moreThan(&recorded, recorded.Load()+2*callers, t)
		pg.restart(t, how)
	}
	moreThan(&recorded, recorded.Load()+2*callers, t)
	close(stop)
	working.Wait()
	s.until("/readyz", 200)
	beside.until("/readyz", 200)
	t.Logf("%d events, %d times not now", recorded.Load(), refused.Load())
	if r := program(database, "reconcile").run(t); r.status != 0 ||
		!strings.Contains(r.out, fmt.Sprintf("agree with %d log rows", recorded.Load())) {
		t.Errorf("of %d events: %s%s", recorded.Load(), r.out, r.err)
	}

	must(t, pg.run("pg_ctl", "-D", pg.data(), "-m", "immediate", "-w", "stop"))
	s.until("/readyz", 503)
	s.until("/healthz", 200)
	if status, _ := s.ask("GET", "/v1/users/u1/usage", ""); status != 503 {
		t.Errorf("without a database usage is answered by %d", status)
	}
	must(t, pg.up())
	s.until("/readyz", 200)
	s.until("/v1/users/u1/usage", 200)
	for _, server := range []*httpServer{s, beside} {
		must(t, server.process.Process.Signal(syscall.SIGTERM))
		must(t, server.process.Wait())
	}
}

// record reports an event until it is recorded.
func (s *httpServer) record(id, user string, refused *atomic.Int64) {
	for end := time.Now().Add(hang); ; time.Sleep(20 * time.Millisecond) {
		status, text := s.ask("POST", "/v1/events", `{"id":"`+id+`","user":"`+user+
			`","provider":"gemini","model":"gemini-2.5-flash","input_tokens":10}`)
		switch {
		case status == 200 || status == 201:
			return
		case status != http.StatusServiceUnavailable || time.Now().After(end) || s.Failed():
			s.Errorf("%s: %d %s", id, status, text)
			return
		}
		refused.Add(1)
	}
}

// moreThan waits until there are more than so many.
func moreThan(count *atomic.Int64, most int64, t *testing.T) {
	t.Helper()
	for end := time.Now().Add(hang); count.Load() <= most; time.Sleep(5 * time.Millisecond) {
		if t.Failed() || time.Now().After(end) {
			t.Fatalf("only %d", count.Load())
		}
	}
}
