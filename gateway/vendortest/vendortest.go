// Package vendortest is a vendor that does as it is told: a real HTTP server with the paths and answers of the vendors'
// APIs, which gives usage or none, splits, packs, breaks off, falls silent and refuses. Tests and the demo call it in
// place of a vendor.
package vendortest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// Behaviour says how the vendor answers a call. The zero value answers as a vendor does.
type Behaviour struct {
	Status     int    `json:"status"` // of a refusal; 0: none
	Body       string `json:"body"`   // in place of the answer's
	RetryAfter string `json:"retry_after"`
	Location   string `json:"location"` // of a redirect

	Text  string `json:"text"`  // what the model says; "": a few words in several scripts
	Usage string `json:"usage"` // last (as a vendor does), none, everywhere, zero

	AsJSON bool `json:"as_json"` // a stream is answered as a whole
	Gzip   bool `json:"gzip"`
	CRLF   bool `json:"crlf"`
	BOM    bool `json:"bom"`
	Pieces int  `json:"pieces"` // bytes that are written at a time; 0: whole events

	Hang       bool          `json:"hang"`        // says nothing at all
	SilentFrom int           `json:"silent_from"` // falls silent before this event, counted from 1; 0: never
	Silence    time.Duration `json:"silence"`     // for how long; 0: for good
	BreakFrom  int           `json:"break_from"`  // breaks off before this event, in the middle of it with Pieces
	Slow       time.Duration `json:"slow"`        // between events
	Refuse     bool          `json:"refuse"`      // breaks the connection before it answers

	Headers map[string]string `json:"headers"`
}

// Call is a call that has come.
type Call struct {
	Method, Path, Query string
	Header              http.Header
	Body                []byte
	Gone                bool // the caller has left before the end
}

// Vendor is the server.
type Vendor struct {
	URL string
	// Key is what callers have to show, in any of the usual ways; "" for nothing.
	Key string

	server *httptest.Server
	once   sync.Once // it is closed
	mutex  sync.Mutex
	next   []Behaviour
	always Behaviour
	calls  []*Call
	jobs   map[string]int // how often each was asked for
	came   chan struct{}  // is closed and made anew at each call
	closed chan struct{}
}

// New starts a vendor. It has to be closed.
func New() *Vendor {
	v := &Vendor{jobs: map[string]int{}, came: make(chan struct{}), closed: make(chan struct{})}
	v.server = httptest.NewServer(v.Handler())
	v.URL = v.server.URL
	return v
}

// Close ends the server and every call of it.
func (v *Vendor) Close() {
	v.once.Do(func() {
		close(v.closed)
		v.server.CloseClientConnections()
		v.server.Close()
	})
}

// Next says how the next calls are answered, one after another; those after them as Always says.
func (v *Vendor) Next(b ...Behaviour) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.next = append(v.next, b...)
}

// Always says how calls are answered.
func (v *Vendor) Always(b Behaviour) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.always = b
}

// Calls returns the calls that have come.
func (v *Vendor) Calls() []Call {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	all := make([]Call, len(v.calls))
	for i, c := range v.calls {
		all[i] = *c
	}
	return all
}

// Wait waits until so many calls have come, or until give is closed.
func (v *Vendor) Wait(n int, give <-chan struct{}) bool {
	for {
		v.mutex.Lock()
		count, came := len(v.calls), v.came
		v.mutex.Unlock()
		if count >= n {
			return true
		}
		select {
		case <-came:
		case <-give:
			return false
		}
	}
}

// Handler is the server's. What tests in other programs say to it is under /_vendor.
func (v *Vendor) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /_vendor/next", v.told(func(b Behaviour) { v.Next(b) }))
	mux.HandleFunc("POST /_vendor/always", v.told(v.Always))
	mux.HandleFunc("GET /_vendor/calls", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(v.Calls())
	})
	mux.HandleFunc("/", v.answer)
	return mux
}

func (v *Vendor) told(do func(Behaviour)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var b Behaviour
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		do(b)
	}
}

// take notes a call, and says how it is answered.
func (v *Vendor) take(r *http.Request, body []byte) (*Call, Behaviour) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	call := &Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body}
	v.calls = append(v.calls, call)
	close(v.came)
	v.came = make(chan struct{})
	if len(v.next) == 0 {
		return call, v.always
	}
	b := v.next[0]
	v.next = v.next[1:]
	return call, b
}

func (v *Vendor) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller has gone
	}
	call, b := v.take(r, body)
	defer func() {
		if r.Context().Err() != nil {
			v.mutex.Lock()
			call.Gone = true
			v.mutex.Unlock()
		}
	}()
	for name, value := range b.Headers {
		w.Header().Set(name, value)
	}
	switch {
	case b.Refuse:
		panic(http.ErrAbortHandler)
	case b.Hang:
		v.wait(r, 0)
		return
	case b.Location != "":
		http.Redirect(w, r, b.Location, http.StatusTemporaryRedirect)
		return
	case v.Key != "" && !shows(r, v.Key):
		b = Behaviour{Status: http.StatusUnauthorized,
			Body: `{"error":{"message":"Incorrect API key provided: ` + r.Header.Get("Authorization") + `"}}`}
	}
	if b.RetryAfter != "" {
		w.Header().Set("Retry-After", b.RetryAfter)
	}
	if b.Status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(b.Status)
		_, _ = io.WriteString(w, orElse(b.Body, `{"error":{"message":"the vendor refuses this","type":"vendor_error"}}`))
		return
	}
	a := v.made(r, body, &b)
	if a == nil {
		http.NotFound(w, r)
		return
	}
	v.write(w, r, &b, a)
}

func shows(r *http.Request, key string) bool {
	shown := []string{strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.Header.Get("X-Api-Key"),
		r.Header.Get("X-Goog-Api-Key"), r.URL.Query().Get("key")}
	return slices.Contains(shown, key)
}

// wait waits, for good where it is not said how long, until the caller or the vendor has gone.
func (v *Vendor) wait(r *http.Request, how time.Duration) {
	var over <-chan time.Time
	if how > 0 {
		timer := time.NewTimer(how)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-r.Context().Done():
	case <-v.closed:
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
