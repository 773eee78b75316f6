package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/volatile/redis/redistest"
)

// hang is after how long something never happens.
const hang = 2 * time.Minute

// Redis is stopped, paused and filled under two servers that are busy: nobody who asks them notices, each says so once,
// and they share their rates again by themselves.
func TestServersGoOnWithoutRedis(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		goOnWithoutRedis(t, sqliteURL(t))
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		goOnWithoutRedis(t, dbtest.PostgreSQL(t).URL)
	})
}

// pair are two servers that share a Redis.
type pair struct {
	*installation
	servers [2]*serving
	cookies [2]string
	token   string
	started atomic.Int64 // events and users so far, for their names
	answers atomic.Int64
}

func goOnWithoutRedis(t *testing.T, database string) {
	shared := redistest.Start(t)
	i := install(t, database)
	if err := os.WriteFile(filepath.Join(i.dir, "plans.yaml"), []byte("plans:\n  - name: Free\n    tier: free\n"+
		"    requests_per_minute: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i.run("plans", "apply", "-f", "plans.yaml")
	_, token := i.token("admin")
	p := &pair{installation: i, token: token}
	for n := range p.servers {
		p.servers[n] = i.serve("REDIS_URL="+shared.URL, "ALWRITY_SUB_LOG_LEVEL=info")
		p.servers[n].client.Timeout = hang
		p.cookies[n] = p.signIn(p.servers[n])
	}
	p.eventually("Redis is used", func() bool { return p.up(0) && p.up(1) })
	p.eventually("rates are shared", p.ratesAreShared)

	ended := make(chan struct{})
	var working sync.WaitGroup
	stop := sync.OnceFunc(func() {
		close(ended)
		working.Wait()
	})
	defer stop()
	for n := range 6 {
		working.Go(func() { p.work(n, ended) })
	}
	for _, ill := range []struct {
		what          string
		breaks, mends func()
	}{
		{"stopped", shared.Stop, func() { shared.Again() }},
		{"paused", shared.Pause, shared.Resume},
		{"full", shared.Fill, shared.Empty},
	} {
		p.someAnswers()
		ill.breaks()
		p.eventually("it is noticed that Redis is "+ill.what, func() bool { return !p.up(0) && !p.up(1) })
		p.someAnswers()
		ill.mends()
		p.eventually("Redis is used that was "+ill.what, func() bool { return p.up(0) && p.up(1) })
		p.eventually("rates are shared again", p.ratesAreShared)
	}
	stop()
	for n, s := range p.servers {
		s.signal(syscall.SIGTERM)
		status, _, log := s.end()
		if status != 0 {
			t.Errorf("server %d ended with %d", n, status)
		}
		p.checkLog(log)
	}
	mustContain(t, i.run("reconcile"), fmt.Sprintf("agree with %d log rows", p.started.Load()))
}

// signIn returns the cookie of a browser.
func (p *pair) signIn(s *serving) string {
	p.Helper()
	client := *s.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.PostForm(s.url+"/login", url.Values{"token": {p.token}})
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	if len(response.Cookies()) != 1 {
		p.Fatalf("not signed in: %s", response.Status)
	}
	return response.Cookies()[0].String()
}

// ask asks a server something that must not fail.
func (p *pair) ask(n int, method, path, body string) (status int, text string) {
	p.Helper()
	return p.send(n, method, path, body, "Authorization", "Bearer "+p.token)
}

func (p *pair) send(n int, method, path, body, header, value string) (status int, text string) {
	p.Helper()
	request, err := http.NewRequest(method, p.servers[n].url+path, strings.NewReader(body))
	if err != nil {
		p.Error(err)
		return 0, ""
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(header, value)
	response, err := p.servers[n].client.Do(request)
	if err != nil {
		p.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 500 {
		p.Errorf("%s %s: %s %v %s", method, path, response.Status, err, read)
	}
	p.answers.Add(1)
	return response.StatusCode, string(read)
}

// work records calls of a user at one server, and asks the other how much is used: all of it, at once.
func (p *pair) work(n int, ended chan struct{}) {
	user := fmt.Sprintf("worker%d", n)
	for recorded := 1; !p.Failed(); recorded++ {
		select {
		case <-ended:
			return
		default:
		}
		here, there := recorded%2, 1-recorded%2
		status, text := p.ask(here, "POST", "/v1/events", fmt.Sprintf(`{"id":"e%d-%d","user":%q,"provider":"gemini",`+
			`"model":"gemini-2.5-flash","input_tokens":10}`, n, recorded, user))
		if status > 201 {
			p.Errorf("an event: %d %s", status, text)
		}
		p.started.Add(1)
		p.ask(here, "POST", "/v1/limits/check", fmt.Sprintf(`{"user":%q,"provider":"gemini"}`, user))
		var d struct {
			Data struct {
				Current struct {
					Calls int `json:"total_calls"`
				} `json:"current_period_usage"`
			}
		}
		for range 2 { // the second is one that is kept
			_, text = p.ask(there, "GET", "/api/subscription/dashboard/"+user, "")
			if err := json.Unmarshal([]byte(text), &d); err != nil || d.Data.Current.Calls != recorded {
				p.Errorf("%d calls are recorded, and the dashboard is %v, %s", recorded, err, text)
			}
		}
		if status, text = p.send(there, "GET", "/billing?user="+user, "", "Cookie", p.cookies[there]); status != 200 {
			p.Errorf("the page of %s: %d %s", user, status, text)
		}
	}
}

// someAnswers waits until the load has had some more answers.
func (p *pair) someAnswers() {
	p.Helper()
	before := p.answers.Load()
	p.eventually("answers come", func() bool { return p.answers.Load() > before+60 })
}

func (p *pair) eventually(what string, is func() bool) {
	p.Helper()
	for end := time.Now().Add(hang); !is(); time.Sleep(20 * time.Millisecond) {
		if p.Failed() || time.Now().After(end) {
			p.Fatalf("it never happens: %s", what)
		}
	}
}

// up tells whether a server says that it has its Redis.
func (p *pair) up(n int) bool {
	_, text := p.ask(n, "GET", "/metrics", "")
	switch {
	case strings.Contains(text, "\nalwrity_redis_up 1\n"):
		return true
	case strings.Contains(text, "\nalwrity_redis_up 0\n"):
		return false
	}
	p.Errorf("nothing is said of Redis: %s", text)
	return false
}

// ratesAreShared tells whether a new user's two requests a minute are two for both servers together. It must not take
// so long that a third one is due.
func (p *pair) ratesAreShared() bool {
	user := fmt.Sprintf("user%d", time.Now().UnixNano())
	began, passed := time.Now(), 0
	for n := range 6 {
		status, text := p.ask(n%2, "POST", "/v1/limits/check", fmt.Sprintf(`{"user":%q,"provider":"gemini"}`, user))
		switch status {
		case 200:
			passed++
		case 429:
		default:
			p.Errorf("a check: %d %s", status, text)
		}
	}
	if passed < 2 {
		p.Errorf("of 2 requests a minute %d pass", passed)
	}
	return passed == 2 && time.Since(began) < 30*time.Second
}

// checkLog looks for what was said of Redis: each time that it had gone once, and each time that it was back.
func (p *pair) checkLog(log string) {
	p.Helper()
	gone := 0
	away := false
	for line := range strings.SplitSeq(log, "\n") {
		switch {
		case strings.Contains(line, "Redis can't be used"):
			if gone++; away {
				p.Error("it is said twice that Redis has gone")
			}
			away = true
		case strings.Contains(line, "Redis is back"):
			if !away {
				p.Error("it is said twice that Redis is back")
			}
			away = false
		case strings.Contains(line, `"level":"ERROR"`):
			p.Errorf("the log has %s", line)
		}
	}
	if gone < 3 || away {
		p.Errorf("it is said %d times that Redis has gone", gone)
	}
}
