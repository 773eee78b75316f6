package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alwrity/alwrity-sub/db"
)

const (
	serveRuns       = 3
	eventsAtOnce    = 100   // in one request
	idleConnections = 1_000 // that ask nothing
	dashboardUsers  = 1_000 // whose dashboards are asked for
)

// serveMeasurements measure the server as its clients see it, over HTTP on this machine. The clients share its cores,
// as pgbench does with its server.
func serveMeasurements() []measurement {
	of := func(kind db.Kind) func(context.Context, *lab) ([]result, error) {
		return func(ctx context.Context, l *lab) ([]result, error) { return l.serve(ctx, kind) }
	}
	return []measurement{
		{"sqlite-serve", "serve", of(db.SQLite)}, {"postgresql-serve", "serve", of(db.PostgreSQL)},
	}
}

// serve measures one kind of database.
func (l *lab) serve(ctx context.Context, kind db.Kind) (results []result, err error) {
	if err := l.writeAmplePlans(); err != nil {
		return nil, err
	}
	for _, measure := range []func(context.Context, db.Kind) ([]result, error){
		l.serveEvents, l.serveCalls, l.serveDashboards,
	} {
		more, err := measure(ctx, kind)
		results = append(results, more...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// serving is a server that runs on a database, with a token that may do everything.
type serving struct {
	lab     *lab
	process *exec.Cmd
	address string // http://…
	token   string
	client  *http.Client
	runs    int // of wrk, whose ids they tell apart
}

// start starts a server on a database, as of benchNow or, where nothing depends on the moment, of now: what a server
// keeps for a moment it does not keep while time stands still.
func (l *lab) start(ctx context.Context, d database, clock ...string) (*serving, error) {
	made, err := l.ours(ctx, d, "tokens", "create", "--act-as", "--scope", "admin", "-o", "json")
	if err != nil {
		return nil, err
	}
	var created struct{ Token string }
	if err := json.Unmarshal(made.out, &created); err != nil {
		return nil, err
	}
	s := &serving{lab: l, token: created.Token,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: idleConnections}}}
	s.process = exec.CommandContext(ctx, l.binary, append(clock, "--log-level", "info", "serve", "--listen",
		"127.0.0.1:0")...)
	s.process.Dir, s.process.Env = l.dir, append(l.environment(), "DATABASE_URL="+d.url)
	logged, err := s.process.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(logged)
	for lines.Scan() {
		if found := regexp.MustCompile(`"address":"([^"]+)"`).FindStringSubmatch(lines.Text()); found != nil {
			s.address = "http://" + found[1]
			go func() { _, _ = io.Copy(io.Discard, logged) }() // a pipe that is full would stop it
			return s, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("the server does not say where it listens"), s.process.Wait())
}

func (s *serving) stop() error {
	s.client.CloseIdleConnections()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.process.Wait()
}

// ask makes a request, whose answer must be 2xx, and returns that.
func (s *serving) ask(ctx context.Context, method, path, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.address+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, lastOf(text))
	}
	return text, err
}

// serveEvents holds reporting events by the hundred against the import of the same rows.
func (l *lab) serveEvents(ctx context.Context, kind db.Kind) ([]result, error) {
	sample := l.sample(idsV7)
	sample.rows = min(sample.rows, 200_000)
	file, err := l.eventFile(sample)
	if err != nil {
		return nil, err
	}
	bodies, err := bodiesOf(file)
	if err != nil {
		return nil, err
	}
	r := result{What: "events over HTTP, 100 a request, 8 callers", Rows: sample.rows, Unit: "rows/s"}
	for range serveRuns {
		rate, err := l.report(ctx, kind, bodies, sample.rows)
		if err != nil {
			return nil, err
		}
		d, err := l.newDatabase(ctx, kind, "serve-import")
		if err != nil {
			return nil, err
		}
		imported, err := l.importInto(ctx, d, sample)
		if err != nil {
			return nil, err
		}
		r.Runs = append(r.Runs, rate)
		r.PeerRuns = append(r.PeerRuns, float64(sample.rows)/imported.wall.Seconds())
	}
	r.Ours, r.Note = median(r.Runs), spread(r.Runs)
	return []result{r.against(median(r.PeerRuns), "usage import").ratioAtLeast(0.7)}, nil
}

// bodiesOf returns the lines of a file as JSON lists.
func bodiesOf(file string) (bodies []string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for together := range slices.Chunk(bytes.Split(bytes.TrimSpace(text), []byte("\n")), eventsAtOnce) {
		bodies = append(bodies, "["+string(bytes.Join(together, []byte(",")))+"]")
	}
	return bodies, nil
}

// report reports events to a server on a fresh database, and returns how many a second it took.
func (l *lab) report(ctx context.Context, kind db.Kind, bodies []string, rows int) (rate float64, err error) {
	d, err := l.newDatabase(ctx, kind, "serve-events")
	if err != nil {
		return 0, err
	}
	s, err := l.start(ctx, d, "--now", benchNow)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	next := make(chan string)
	go func() {
		defer close(next)
		for _, body := range bodies {
			next <- body
		}
	}()
	var work sync.WaitGroup
	failures := make([]error, 8)
	began := time.Now()
	for c := range failures {
		work.Go(func() {
			for body := range next {
				if failures[c] == nil {
					_, failures[c] = s.ask(ctx, http.MethodPost, "/v1/events", body)
				}
			}
		})
	}
	work.Wait()
	return float64(rows) / time.Since(began).Seconds(), errors.Join(failures...)
}

// serveCalls holds checks, and reservations that are settled, against the transactions of pgbench.
func (l *lab) serveCalls(ctx context.Context, kind db.Kind) (results []result, err error) {
	d, err := l.ampleDatabase(ctx, l.binary, kind, "serve-calls")
	if err != nil {
		return nil, err
	}
	s, err := l.start(ctx, d)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	checks, err := s.holdCalls(ctx, "checks over HTTP, 32 callers", 32, checkScript, 1, "-S", 0.5)
	if err != nil {
		return nil, err
	}
	reserved, err := s.holdCalls(ctx, "reserve + settle over HTTP, 64 callers", 64, reserveScript, 2, "-N", 1)
	if err != nil {
		return checks, err
	}
	idle, err := s.idle(ctx)
	return slices.Concat(checks, reserved, idle), err
}

const callBody = `"provider":"gemini","model":"gemini-2.5-flash","input_tokens":800,"output_tokens":200}`

// holdCalls holds calls of some callers, each of so many requests, against pgbench, in turns.
func (s *serving) holdCalls(
	ctx context.Context, what string, callers int, script string, requests float64, mode string, target float64,
) ([]result, error) {
	r := result{What: what, Unit: "calls/s"}
	var p50s, p99s []float64
	for range serveRuns {
		m, err := s.wrk(ctx, callers, script)
		if err != nil {
			return nil, err
		}
		peer, err := s.lab.pgbench(ctx, callers, mode)
		if err != nil {
			return nil, err
		}
		m.Rate /= requests
		r.Runs, p50s, p99s = append(r.Runs, m.Rate), append(p50s, m.P50), append(p99s, m.P99)
		r.PeerRuns = append(r.PeerRuns, peer)
		s.lab.say("%s: %s/s, pgbench %s: %s/s", what, figure(m.Rate), mode, figure(peer))
	}
	r.Ours, r.Note = median(r.Runs), spread(r.Runs)
	slow := result{What: what + ", p99", Unit: "ms", Ours: median(p99s), Runs: p99s}
	return []result{
		r.against(median(r.PeerRuns), fmt.Sprintf("pgbench %s -c %d", mode, callers)).ratioAtLeast(target),
		slow.against(median(p50s), "its p50").ratioBelow(10),
	}, nil
}

// idle measures how much memory connections take that ask nothing.
func (s *serving) idle(ctx context.Context) ([]result, error) {
	before, err := s.resident()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{}
	for range idleConnections {
		c, err := dialer.DialContext(ctx, "tcp", strings.TrimPrefix(s.address, "http://"))
		if err != nil {
			return nil, err
		}
		defer func() { _ = c.Close() }() // they were idle
		// One request each, so that the server has made what it needs for the connection.
		if _, err := fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
			return nil, err
		}
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			return nil, err
		}
	}
	after, err := s.resident()
	if err != nil {
		return nil, err
	}
	return []result{result{What: "memory of 1,000 idle connections", Unit: "MB",
		Ours: max(after-before, 0.1)}.oursBelow(50)}, nil
}

// resident is the memory that the server has, in MB.
func (s *serving) resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0, skipped("the memory of a process is read from /proc, which is not here")
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		return 0, errors.New("/proc does not say how much memory the server has")
	}
	kB, err := strconv.ParseFloat(string(found[1]), 64)
	return kB / 1000, err
}

// serveDashboards measures how long the dashboard of ALwrity's client takes, on a database with all rows.
func (l *lab) serveDashboards(ctx context.Context, kind db.Kind) (results []result, err error) {
	sample := l.sample(idsV4)
	f, err := l.filledWith(ctx, kind, sample)
	if err != nil {
		return nil, err
	}
	s, err := l.start(ctx, f.database, "--now", benchNow)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for _, what := range []string{"dashboard of one of 1,000 users", "the same once more, kept"} {
		var took []float64
		for n := range min(dashboardUsers, sample.users) {
			began := time.Now()
			if _, err := s.ask(ctx, http.MethodGet, "/api/subscription/dashboard/"+userName(n), ""); err != nil {
				return results, err
			}
			took = append(took, time.Since(began).Seconds()*1000)
		}
		slices.Sort(took)
		results = append(results, result{What: what, Rows: sample.rows, Unit: "ms", Ours: median(took),
			Note: "p99 " + figure(took[len(took)*99/100])}.oursAtMost(20))
	}
	return results, nil
}
