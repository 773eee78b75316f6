// Package gateway carries one call to the API of a vendor: it asks what the call may use up, reserves that, sends the
// call on, reads on its way back what was used, and settles. It knows neither SQL nor routes; who is calling is the
// caller's to say. What it may call stands in upstreams.yaml.
package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/gateway/wire"
)

// Upstream is an API to which calls are forwarded.
type Upstream struct {
	Name       string   // the first part of the paths that lead to it: /openai/v1/…
	URL        *url.URL // what comes before a path of it
	Bare       bool     // its paths lead to it without its name too: /v1/…
	Provider   string   // its calls are recorded under it, unless a path says otherwise
	Vendor     string   // who serves them; "": as the catalogue of prices says
	Wire       string   // in whose form it is told that a path is not metered: the name of a format
	Keys       []string // the variables with its keys; none: it takes calls without one
	Auth       Auth     // how the key is sent
	Private    bool     // its address may be a private one
	Free       bool     // a call costs nothing where its model has no price
	AskUsage   bool     // streams are asked for their usage by stream_options.include_usage
	Headers    []string // of requests that are passed on beside the usual ones; a * at the end stands for more
	Answers    []string // likewise of answers
	Timeouts   Timeouts
	Test       *Test   // nil: nothing says how it is tried
	Paths      []*Path // the first that fits counts
	style      wire.Style
	disallowed bool // an operator has taken it out
}

// Auth says how an upstream is told the key: in a header, behind a word, or in the query.
type Auth struct {
	Header string `yaml:"header"`
	Prefix string `yaml:"prefix"` // such as "Bearer "
	Query  string `yaml:"query"`
}

// Timeouts are how long parts of a call may take.
type Timeouts struct {
	Connect   time.Duration
	TLS       time.Duration // the handshake
	FirstByte time.Duration // until the header of the answer
	Idle      time.Duration // between two pieces of it
	Whole     time.Duration
}

// Path is what is done with the calls of some paths.
type Path struct {
	Method    string
	Pattern   string   // as it stands in the file
	URL       *url.URL // in place of the upstream's; nil: that
	Wire      string   // the name of the format
	Polls     bool     // it asks what became of a job
	Model     string   // of calls that name none
	Providers []string // the calls are recorded under the first that has a price of the model, else the last
	Format    *wire.Format

	parts []part
}

// part is one part of a pattern between slashes: a text, or a name for any, maybe with a verb behind it.
type part struct {
	text string // also the verb behind a name, with its colon
	name bool
	rest bool // the name stands for all that follows
}

// Route is where a request leads to.
type Route struct {
	Upstream *Upstream
	Path     *Path  // nil: nothing meters it
	Target   string // the path there, escaped
	Model    string // that the path names; "" for none

	// Others lead there as well, by their paths alone: the model decides.
	Others []*Route
}

// Find returns where a request leads to by its path, nil where that is nowhere here. preferred names the upstream that
// is meant by a path that several have; "" for none.
func (c *Catalogue) Find(method string, u *url.URL, preferred string) *Route {
	path := u.EscapedPath()
	name, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if up := c.Upstream(name); up != nil {
		return up.route(method, "/"+rest)
	}
	if slices.Contains(ours, name) {
		return nil
	}
	var found []*Route
	for _, up := range c.Upstreams {
		if !up.Bare || preferred != "" && up.Name != preferred {
			continue
		}
		if r := up.route(method, path); r.Path != nil {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return c.unmetered(path)
	}
	found[0].Others = found[1:]
	return found[0]
}

// unmetered is the route of a bare path that nothing meters, where it looks like those of an upstream alone; else nil.
func (c *Catalogue) unmetered(path string) *Route {
	for _, up := range c.Upstreams {
		if up.Bare && up.isAlone(path) {
			return &Route{Upstream: up, Target: path}
		}
	}
	return nil
}

// isAlone tells whether a path begins as those of the upstream do, and as none of our own: /v1 is ours too.
func (u *Upstream) isAlone(path string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if first == "v1" || first == "" {
		return false
	}
	return slices.ContainsFunc(u.Paths, func(p *Path) bool { return !p.parts[0].name && p.parts[0].text == first })
}

// route returns where a path of the upstream leads to.
func (u *Upstream) route(method, path string) *Route {
	r := &Route{Upstream: u, Target: path}
	for _, p := range u.Paths {
		if p.Method != method && !(p.Method == http.MethodGet && method == http.MethodHead) {
			continue
		}
		if model, fits := p.match(path); fits {
			r.Path, r.Model = p, model
			return r
		}
	}
	return r
}

// match tells whether an escaped path fits the pattern, and returns what it has in place of {model}.
func (p *Path) match(path string) (model string, fits bool) {
	given := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, want := range p.parts {
		if i >= len(given) {
			return "", false
		}
		text, isLast := given[i], i == len(p.parts)-1
		if want.rest {
			text = strings.Join(given[i:], "/")
		} else if isLast && len(given) > len(p.parts) {
			return "", false
		}
		if !want.name {
			if text != want.text {
				return "", false
			}
			continue
		}
		name, isThere := strings.CutSuffix(text, want.text)
		if !isThere || !isName(name) {
			return "", false
		}
		if want.text == "" && !want.rest && strings.Contains(name, ":") {
			return "", false // it has a verb that is not meant
		}
		model = name
	}
	unescaped, err := url.PathUnescape(model)
	return unescaped, err == nil
}

// isName tells whether a part of a path may stand for a name: nothing that leads out of where the pattern is.
func isName(text string) bool {
	for part := range strings.SplitSeq(text, "/") {
		plain, err := url.PathUnescape(part)
		if err != nil || part == "" || strings.Trim(plain, ".") == "" || strings.ContainsAny(plain, "/\\?#%\x00") {
			return false
		}
	}
	return true
}

// Style is how refusals look to who calls the route.
func (r *Route) Style() wire.Style {
	if r.Path != nil && r.Path.Format != nil {
		return r.Path.Format.Style()
	}
	return r.Upstream.style
}
