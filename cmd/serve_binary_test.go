package cmd

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db/dbtest"
)

// testBinary returns the program, which scripts/check.sh has built already.
var testBinary = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("ALWRITY_TEST_PROGRAMS"); dir != "" {
		return filepath.Join(dir, "alwrity-sub"), nil
	}
	var err error
	if built, err = os.MkdirTemp("", "alwrity-serve-"); err != nil {
		return "", err
	}
	path := filepath.Join(built, "alwrity-sub")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "..").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// built is the directory of what testBinary has built itself.
var built string

// tidy runs the tests, and removes what belongs to none of them.
type tidy struct{ *testing.M }

// Run implements testscript.TestingM.
func (m tidy) Run() int {
	defer func() { os.RemoveAll(built) }()
	return m.M.Run()
}

// installation is a database with the default plans, and the program beside it.
type installation struct {
	*testing.T
	binary
}

func install(t *testing.T, url string) *installation {
	t.Helper()
	path, err := testBinary()
	if err != nil {
		t.Fatal(err)
	}
	i := &installation{t, binary{path: path, dir: t.TempDir(),
		env: []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir(), "USER=tester", "DATABASE_URL=" + url}}}
	i.run("init")
	return i
}

// run runs a command that must succeed, by the real clock, and returns what it prints.
func (i *installation) run(args ...string) string {
	i.Helper()
	c := exec.Command(i.path, args...)
	c.Dir, c.Env = i.dir, i.env
	var errs strings.Builder
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		i.Fatalf("%s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	return string(out)
}

// token makes a token of an app.
func (i *installation) token(scopes string) (id int64, secret string) {
	i.Helper()
	var made struct {
		ID    int64
		Token string
	}
	out := i.run("-o", "json", "tokens", "create", "--act-as", "--scope", scopes, "--name", "app")
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Token == "" {
		i.Fatalf("%v: %s", err, out)
	}
	return made.ID, made.Token
}

// rotated gives a token another secret, and ends the one before.
func (i *installation) rotated(id int64) (secret string) {
	i.Helper()
	var made struct{ Token string }
	out := i.run("-o", "json", "tokens", "rotate", fmt.Sprint(id), "--keep", "0s")
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Token == "" {
		i.Fatalf("%v: %s", err, out)
	}
	return made.Token
}

// serving is a running server.
type serving struct {
	*installation
	process *exec.Cmd
	url     string
	client  *http.Client
	logged  chan string // what it has logged, once it has ended
}

// serve starts a server on a free port and waits until it listens.
func (i *installation) serve(env ...string) *serving {
	i.Helper()
	s := &serving{installation: i, client: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}, logged: make(chan string, 1)}
	s.process = exec.Command(i.path, "serve", "--listen", "127.0.0.1:0")
	s.process.Dir, s.process.Env = i.dir, append(i.env, env...)
	log, err := s.process.StderrPipe()
	if err != nil {
		i.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		i.Fatal(err)
	}
	i.Cleanup(func() { _ = s.process.Process.Kill() }) // it may have ended
	lines := bufio.NewReader(log)
	var all strings.Builder
	for s.url == "" {
		line, err := lines.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			i.Fatalf("it does not serve: %s", all.String())
		}
		var entry struct{ Msg, Address string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
			s.url = "http://" + entry.Address
		}
	}
	go func() {
		_, _ = io.Copy(&all, lines) // until it has ended
		s.logged <- all.String()
	}()
	return s
}

// ask makes a request, and returns its status and body.
func (s *serving) ask(method, path, token, body string) (int, string) {
	s.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// end waits until the server has ended, and returns how.
func (s *serving) end() (status int, signal syscall.Signal, log string) {
	s.Helper()
	log = <-s.logged
	err := s.process.Wait()
	if exit, is := errors.AsType[*exec.ExitError](err); is && exit.Sys().(syscall.WaitStatus).Signaled() {
		return -1, exit.Sys().(syscall.WaitStatus).Signal(), log
	}
	status, err = exitCode(err)
	if err != nil {
		s.Fatal(err)
	}
	return status, 0, log
}

func (s *serving) signal(sign syscall.Signal) {
	s.Helper()
	if err := s.process.Process.Signal(sign); err != nil {
		s.Fatal(err)
	}
}

// slow begins a request whose body comes in two halves, and returns what sends the second and reads the answer. The
// server has read the first half by then.
func (s *serving) slow(token, id string) (finish func() (string, error)) {
	s.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	body := `{"id":"` + id + `","user":"ann","provider":"gemini","model":"gemini-2.5-flash","input_tokens":10}`
	fmt.Fprintf(c, "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", token, len(body))
	answers := bufio.NewReader(c)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100") { // the route reads the body
		s.Fatalf("%q, %v", line, err)
	}
	fmt.Fprint(c, body[:20])
	return func() (string, error) {
		fmt.Fprint(c, body[20:])
		text, err := io.ReadAll(answers)
		return string(text), err
	}
}

// drained waits until a server takes no more connections.
func (s *serving) drained() {
	for {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			return
		}
		c.Close()
		time.Sleep(10 * time.Millisecond)
	}
}

func sqliteURL(t *testing.T) string { return "sqlite:///" + filepath.Join(t.TempDir(), "test.db") }

// SIGTERM takes no new connections, answers what is running, and is no failure.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	i := install(t, sqliteURL(t))
	_, token := i.token("events")
	s := i.serve()
	if status, text := s.ask("GET", "/readyz", "", ""); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	finish := s.slow(token, "e1")
	s.signal(syscall.SIGTERM)
	s.drained()
	if text, err := finish(); err != nil || !strings.Contains(text, "HTTP/1.1 20") || !strings.Contains(text, "e1") {
		t.Errorf("the running request has %q, %v", text, err)
	}
	status, signal, log := s.end()
	if status != 0 || signal != 0 {
		t.Errorf("it ended with %d, %s: %s", status, signal, log)
	}
	if strings.Contains(log, token) || !strings.Contains(log, `"route":"POST /v1/events"`) {
		t.Errorf("the log is %s", log)
	}
	mustContain(t, i.run("usage", "logs", "--user", "ann"), "e1")
}

// Who asks twice can't wait.
func TestServeIsKilledByASecondSignal(t *testing.T) {
	t.Parallel()
	i := install(t, sqliteURL(t))
	_, token := i.token("events")
	s := i.serve()
	s.slow(token, "e1")
	s.signal(syscall.SIGTERM)
	s.drained()
	s.signal(syscall.SIGTERM)
	if status, signal, log := s.end(); signal != syscall.SIGTERM {
		t.Errorf("it ended with %d, %s: %s", status, signal, log)
	}
	mustContain(t, i.run("reconcile"), "agree")
}

// The start refuses what could not serve, says why, and takes no port.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	i := install(t, sqliteURL(t))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	certificate, key := selfSigned(t, i.dir)
	_, other := selfSigned(t, t.TempDir())
	broken := write(t, i.dir, "broken.pem", "no certificate")
	old := dbtest.SQLite(t)
	if err := old.Create(t).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := old.SQL.Exec("DELETE FROM schema_versions WHERE version_id > 5"); err != nil {
		t.Fatal(err)
	}
	empty := dbtest.SQLite(t)
	if err := empty.Create(t).Close(); err != nil { // tables, but no plans
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, listen string
		env          []string
		status       int
		says         []string
	}{
		{"the port is taken", taken.Addr().String(), nil, 6, []string{"can't be listened on", "--listen"}},
		{"no port", "127.0.0.1", nil, 2, []string{"no address to listen on", "127.0.0.1:8080"}},
		{"no such port", "127.0.0.1:99999", nil, 2, []string{"no address to listen on"}},
		{"the port for metrics is taken", "", []string{"ALWRITY_SUB_METRICS_LISTEN=" + taken.Addr().String()}, 6,
			[]string{"can't be listened on", "ALWRITY_SUB_METRICS_LISTEN"}},
		{"open to all, and nobody is asked", "0.0.0.0:0", []string{"DISABLE_AUTH=true"}, 2, []string{"DISABLE_AUTH"}},
		{"no database", "", []string{"DATABASE_URL=sqlite:////nowhere/a.db"}, 6, []string{"there is no database", "init"}},
		{"PostgreSQL away", "", []string{"DATABASE_URL=postgresql://a:hush@127.0.0.1:1/a"}, 6, []string{"can't be reached"}},
		{"an old schema", "", []string{"DATABASE_URL=" + old.URL}, 6, []string{"out of date", "init"}},
		{"no plans", "", []string{"DATABASE_URL=" + empty.URL}, 6, []string{"init"}},
		{"a certificate without its key", "", []string{"ALWRITY_SUB_TLS_CERT=" + certificate}, 2,
			[]string{"belong together"}},
		{"the key of another", "", []string{"ALWRITY_SUB_TLS_CERT=" + certificate, "ALWRITY_SUB_TLS_KEY=" + other}, 2,
			[]string{"can't be used with the key"}},
		{"no certificate", "", []string{"ALWRITY_SUB_TLS_CERT=" + broken, "ALWRITY_SUB_TLS_KEY=" + key}, 2,
			[]string{"can't be used"}},
		{"no file", "", []string{"ALWRITY_SUB_TLS_CERT=none.pem", "ALWRITY_SUB_TLS_KEY=" + key}, 2, []string{"none.pem"}},
		{"a proxy that is none", "", []string{"ALWRITY_SUB_TRUSTED_PROXIES=10.0.0.0/8 proxy"}, 2, []string{`"proxy"`}},
	} {
		c := exec.Command(i.path, "serve", "--listen", or(tt.listen, "127.0.0.1:0"))
		c.Dir, c.Env = i.dir, append(i.env, tt.env...)
		out, err := c.CombinedOutput()
		status, err := exitCode(err)
		if err != nil || status != tt.status {
			t.Errorf("%s: %d, %v: %s", tt.name, status, err, out)
		}
		mustContain(t, string(out), tt.says...)
		if strings.Contains(string(out), "hush") || strings.Contains(string(out), `"serving"`) {
			t.Errorf("%s: %s", tt.name, out)
		}
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// selfSigned writes a certificate and its key.
func selfSigned(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes})))
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	i := install(t, sqliteURL(t))
	certificate, key := selfSigned(t, i.dir)
	metrics := freeAddress(t)
	s := i.serve("ALWRITY_SUB_TLS_CERT="+filepath.Base(certificate), "ALWRITY_SUB_TLS_KEY="+filepath.Base(key),
		"ALWRITY_SUB_METRICS_LISTEN="+metrics)
	if status, _ := s.ask("GET", "/v1/plans", "", ""); status != 400 {
		t.Errorf("plain HTTP is answered by %d", status)
	}
	secure := *s
	secure.url = strings.Replace(s.url, "http://", "https://", 1)
	if status, text := secure.ask("GET", "/v1/plans", "", ""); status != 200 || !strings.Contains(text, "Pro") {
		t.Errorf("TLS: %d %s", status, text)
	}
	if status, _ := secure.ask("GET", "/metrics", "", ""); status != 404 {
		t.Errorf("metrics are at two places: %d", status)
	}
	apart := *s
	apart.url = "http://" + metrics
	for path, part := range map[string]string{"/metrics": "alwrity_build_info", "/healthz": "ok", "/readyz": "ready"} {
		if status, text := apart.ask("GET", path, "", ""); status != 200 || !strings.Contains(text, part) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	s.signal(syscall.SIGINT)
	if status, signal, log := s.end(); status != 0 || signal != 0 {
		t.Errorf("it ended with %d, %s: %s", status, signal, log)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Two servers and commands work on one database, and what commands change holds for both servers.
func TestServersShareADatabase(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		shareDatabase(t, sqliteURL(t))
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		shareDatabase(t, dbtest.PostgreSQL(t).URL)
	})
}

func shareDatabase(t *testing.T, url string) {
	i := install(t, url)
	id, token := i.token("gateway,events,read")
	servers := []*serving{i.serve(), i.serve()}
	const rounds = 5
	var recording sync.WaitGroup
	record := func(n int, s *serving) {
		for round := range rounds {
			status, text := s.ask("POST", "/v1/events", token, fmt.Sprintf(`{"id":"s%d-%d","user":"ann",`+
				`"provider":"gemini","model":"gemini-2.5-flash","input_tokens":10}`, n, round))
			if status != 200 && status != 201 {
				t.Errorf("%d %s", status, text)
			}
		}
	}
	for n := range 8 {
		recording.Go(func() { record(n, servers[n%2]) })
	}
	recording.Go(func() {
		for round := range rounds {
			i.run("usage", "record", "--user", "ann", "--provider", "gemini", "--model", "gemini-2.5-flash",
				"--input-tokens", "10", "--id", fmt.Sprintf("c%d", round))
		}
	})

	// holds waits until both servers answer a question in a way.
	ask := `{"user":"ann","provider":"video","model":"wan-2.5"}`
	holds := func(what string, is func(status int, text string) bool) {
		t.Helper()
		for n, s := range servers {
			began := time.Now()
			for {
				status, text := s.ask("POST", "/v1/limits/check", token, ask)
				if is(status, text) {
					break
				}
				if time.Since(began) > time.Minute {
					t.Fatalf("server %d does not know of %s: %d %s", n, what, status, text)
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Logf("server %d knows of %s after %s", n, what, time.Since(began))
		}
	}
	costs := func(cost string) func(int, string) bool {
		return func(status int, text string) bool { return status == 200 && strings.Contains(text, `"`+cost+`"`) }
	}
	holds("the first price", costs("0.25"))
	i.run("pricing", "set", "video", "wan-2.5", "--request-cost", "0.125")
	holds("another price", costs("0.125"))
	ask = `{"user":"ann","provider":"video","model":"wan-2.5","requests":10}`
	holds("the free plan", func(status int, _ string) bool { return status == 429 })
	i.run("users", "subscribe", "ann", "--plan", "enterprise")
	holds("another plan", func(status int, _ string) bool { return status == 200 })
	for n, s := range servers { // what is kept is never stale, not even for a second
		if status, text := s.ask("GET", "/api/subscription/dashboard/ann", token, ""); status != 200 ||
			!strings.Contains(text, `"plan_name":"Enterprise"`) {
			t.Errorf("the dashboard of server %d: %d %s", n, status, text)
		}
	}
	apply := func(max int) {
		write(t, i.dir, "plans.yaml", fmt.Sprintf("plans:\n  - {name: Free, tier: free}\n  - name: Enterprise\n"+
			"    tier: enterprise\n    monthly: 199\n    limits: {films: {max: %d, meter: calls, providers: [video]}}\n", max))
		i.run("plans", "apply", "-f", "plans.yaml")
	}
	apply(9)
	holds("less in the plan", func(status int, text string) bool {
		return status == 429 && strings.Contains(text, "films")
	})
	apply(10)
	holds("more in the plan", func(status int, _ string) bool { return status == 200 })
	i.run("users", "suspend", "ann")
	holds("the suspension", func(status int, _ string) bool { return status == 402 })
	i.run("users", "resume", "ann")
	holds("its end", func(status int, _ string) bool { return status == 200 })
	recording.Wait()
	old := token
	token = i.rotated(id)
	holds("another secret", func(status int, _ string) bool { return status == 200 })
	current := token
	token = old
	holds("the end of the old secret", func(status int, _ string) bool { return status == 401 })
	token = current
	i.run("tokens", "revoke", fmt.Sprint(id))
	holds("the end of the token", func(status int, _ string) bool { return status == 401 })

	mustContain(t, i.run("reconcile"), fmt.Sprintf("agree with %d log rows", 9*rounds))
	i.run("-q", "billing", "close")
	for _, s := range servers {
		s.signal(syscall.SIGTERM)
		if status, signal, log := s.end(); status != 0 || signal != 0 {
			t.Errorf("it ended with %d, %s: %s", status, signal, log)
		}
	}
}
