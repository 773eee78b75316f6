package gateway

import (
	_ "embed"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/pricing"
)

//go:embed upstreams.yaml
var builtIn []byte

// Catalogue is what there is to call, in the order in which a path is looked for.
type Catalogue struct {
	Upstreams []*Upstream
	formats   map[string]*wire.Format // made of rules
}

// Upstream returns the upstream of a name, nil where there is none.
func (c *Catalogue) Upstream(name string) *Upstream {
	for _, up := range c.Upstreams {
		if up.Name == name {
			return up
		}
	}
	return nil
}

// file is a file of upstreams as people write it.
type file struct {
	Rules     map[string]wire.Rules `yaml:"rules"`
	Upstreams []entry               `yaml:"upstreams"`
}

// entry is an upstream of the file. What it does not give is as it was before, or as it is of another one.
type entry struct {
	Name     string        `yaml:"name"`
	Like     string        `yaml:"like"`    // begins as a copy of this one
	Replace  bool          `yaml:"replace"` // begins anew, whatever is there under the name
	Off      *bool         `yaml:"off"`     // it is not called
	URL      *string       `yaml:"url"`
	Bare     *bool         `yaml:"bare"`
	Provider *string       `yaml:"provider"`
	Vendor   *string       `yaml:"vendor"`
	Wire     *string       `yaml:"wire"`
	Keys     *[]string     `yaml:"keys"`
	Auth     *Auth         `yaml:"auth"`
	Private  *bool         `yaml:"private"`
	Free     *bool         `yaml:"free"`
	AskUsage *bool         `yaml:"ask_usage"`
	Headers  *[]string     `yaml:"headers"`
	Answers  *[]string     `yaml:"answers"`
	Timeouts timeoutsEntry `yaml:"timeouts"`
	Test     *Test         `yaml:"test"`
	Paths    []pathEntry   `yaml:"paths"`
}

type timeoutsEntry struct {
	Connect   string `yaml:"connect"`
	TLS       string `yaml:"tls"`
	FirstByte string `yaml:"first_byte"`
	Idle      string `yaml:"idle"`
	Whole     string `yaml:"whole"`
}

type pathEntry struct {
	Path      string   `yaml:"path"`
	Method    string   `yaml:"method"`
	URL       string   `yaml:"url"`
	Wire      string   `yaml:"wire"`
	Polls     bool     `yaml:"polls"`
	Model     string   `yaml:"model"`
	Providers []string `yaml:"providers"`
}

// BuiltIn returns what this program calls unless an operator says otherwise.
func BuiltIn() (*Catalogue, error) {
	c := &Catalogue{}
	return c, c.add("the built-in upstreams.yaml", builtIn)
}

// Read returns the built-in upstreams with those of an operator's file, which change or replace those of the same name.
// The name of the file is used in failures, which are all invalid ones and say where.
func Read(name string, text []byte) (*Catalogue, error) {
	c, err := BuiltIn()
	if err != nil || name == "" {
		return c, err
	}
	return c, c.add(name, text)
}

// add adds the upstreams of a file, and changes those that are there. Those of a file that are new come first.
func (c *Catalogue) add(name string, text []byte) error {
	var f file
	if err := pricing.ReadYAML(name, text, &f); err != nil {
		return err
	}
	if err := c.addRules(name, f.Rules); err != nil {
		return err
	}
	seen := map[string]bool{}
	var added []*Upstream
	for i, e := range f.Upstreams {
		place := fmt.Sprintf("%s: upstream %d (%s)", name, i+1, failure.Shorten(e.Name))
		if seen[e.Name] {
			return failure.Invalidf("%s: it appears twice", place)
		}
		seen[e.Name] = true
		up, isNew, err := c.begin(&e)
		if err == nil {
			err = c.change(up, &e)
		}
		if err == nil {
			err = c.check(up)
		}
		if err != nil {
			return failure.Within(err, "%s", place)
		}
		if isNew {
			added = append(added, up)
		}
	}
	c.Upstreams = slices.DeleteFunc(append(added, c.Upstreams...), func(u *Upstream) bool { return u.disallowed })
	return nil
}

// ours are the first parts of paths of our own, and versions those that vendors' paths begin with as well as ours: no
// upstream can have these names.
var (
	ours = []string{ // read-only
		"api", "admin", "billing", "login", "logout", "healthz", "readyz", "metrics", "docs", "openapi.yaml", "static",
		"assets",
	}
	versions = []string{"v1", "v1beta", "v2"} // read-only
)

var nameForm = form(`^[a-z0-9][a-z0-9_-]{0,49}$`) // read-only

// form returns a regular expression that is made when it is first asked for: most commands never do.
func form(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// begin returns the upstream that an entry changes.
func (c *Catalogue) begin(e *entry) (up *Upstream, isNew bool, err error) {
	switch {
	case !nameForm().MatchString(e.Name):
		return nil, false, failure.Invalidf("name is %q: it must be of small letters, digits, - and _",
			failure.Shorten(e.Name))
	case slices.Contains(ours, e.Name) || slices.Contains(versions, e.Name):
		return nil, false, failure.Invalidf("name is %q: that begins paths of our own", e.Name)
	}
	fresh := &Upstream{Name: e.Name, Auth: Auth{Header: "Authorization", Prefix: "Bearer "}, Timeouts: defaultTimeouts}
	if e.Like != "" {
		model := c.Upstream(e.Like)
		if model == nil {
			return nil, false, failure.UnknownName(failure.Invalid, "upstream", e.Like, c.names())
		}
		*fresh = *model
		fresh.Name, fresh.Bare, fresh.Paths = e.Name, false, slices.Clone(model.Paths)
	}
	there := c.Upstream(e.Name)
	switch {
	case there == nil:
		return fresh, true, nil
	case e.Replace || e.Like != "":
		*there = *fresh
	}
	return there, false, nil
}

func (c *Catalogue) names() (names []string) {
	for _, up := range c.Upstreams {
		names = append(names, up.Name)
	}
	return names
}

var defaultTimeouts = Timeouts{ // read-only
	Connect: 5 * time.Second, TLS: 5 * time.Second, FirstByte: 600 * time.Second,
	Idle: 300 * time.Second, Whole: 3600 * time.Second,
}

// set gives a field what an entry says, if it says anything.
func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// change makes of an upstream what an entry says.
func (c *Catalogue) change(up *Upstream, e *entry) (err error) {
	set(&up.disallowed, e.Off)
	set(&up.Bare, e.Bare)
	set(&up.Provider, e.Provider)
	set(&up.Vendor, e.Vendor)
	set(&up.Wire, e.Wire)
	set(&up.Keys, e.Keys)
	set(&up.Auth, e.Auth)
	set(&up.Private, e.Private)
	set(&up.Free, e.Free)
	set(&up.AskUsage, e.AskUsage)
	set(&up.Headers, e.Headers)
	set(&up.Answers, e.Answers)
	if e.Test != nil {
		up.Test = e.Test
	}
	if e.URL != nil {
		if up.URL, err = parseURL(*e.URL); err != nil {
			return err
		}
	}
	if err := e.Timeouts.change(&up.Timeouts); err != nil {
		return err
	}
	paths := make([]*Path, len(e.Paths))
	for i := range e.Paths {
		if paths[i], err = c.path(&e.Paths[i]); err != nil {
			return failure.Within(err, "path %d (%s)", i+1, failure.Shorten(e.Paths[i].Path))
		}
	}
	up.Paths = append(paths, up.Paths...)
	return nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" {
		return nil, failure.Invalidf("url is %q: it must be a URL such as https://api.example.com, without a key in it",
			failure.Shorten(text))
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

// longestTimeout is less than a reservation holds at most.
const longestTimeout = 12 * time.Hour

func (e *timeoutsEntry) change(to *Timeouts) error {
	for _, t := range []struct {
		name, text string
		to         *time.Duration
	}{
		{"connect", e.Connect, &to.Connect}, {"tls", e.TLS, &to.TLS}, {"first_byte", e.FirstByte, &to.FirstByte},
		{"idle", e.Idle, &to.Idle}, {"whole", e.Whole, &to.Whole},
	} {
		if t.text == "" {
			continue
		}
		d, err := time.ParseDuration(t.text)
		if err != nil || d < time.Millisecond || d > longestTimeout {
			return failure.Invalidf("the timeout %s is %q: it must be a time such as 30s, up to %s", t.name,
				failure.Shorten(t.text), longestTimeout)
		}
		*t.to = d
	}
	return nil
}

// check returns what an upstream lacks.
func (c *Catalogue) check(u *Upstream) error {
	for _, variable := range u.Keys {
		if !variableForm().MatchString(variable) {
			return failure.Invalidf("keys has %q in it: it must be the name of a variable, never the key itself",
				failure.Shorten(variable))
		}
	}
	for _, name := range [][]string{u.Headers, u.Answers} {
		for i, header := range name {
			if name[i] = strings.ToLower(header); !headerForm().MatchString(name[i]) || isSecretHeader(name[i]) {
				return failure.Invalidf("%q can't be a header that is passed on", failure.Shorten(header))
			}
		}
	}
	switch {
	case u.disallowed:
		return nil
	case u.URL == nil:
		return failure.Invalidf("it has no url")
	case pricing.ValidateName("provider", u.Provider) != nil:
		return pricing.ValidateName("provider", u.Provider)
	case u.Vendor != "" && pricing.ValidateName("vendor", u.Vendor) != nil:
		return pricing.ValidateName("vendor", u.Vendor)
	case (u.Auth.Header == "") == (u.Auth.Query == ""):
		return failure.Invalidf("auth must name the header or the query parameter with the key, and one of both alone")
	case len(u.Paths) == 0:
		return failure.Invalidf("it has no paths").WithHint("give it those of another one: like: openai")
	}
	format, err := c.formatOf(u.Wire)
	if err != nil {
		return err
	}
	u.style = format.Style()
	if u.Test != nil {
		return u.Test.check(u)
	}
	return nil
}

var (
	variableForm = form(`^[A-Z][A-Z0-9_]{0,99}$`)            // read-only
	headerForm   = form(`^[a-z0-9][a-z0-9-]{0,99}\*?$`)      // read-only
	methods      = []string{http.MethodPost, http.MethodGet} // read-only
	nameOfPart   = form(`^\{([a-z]+)(\.\.\.)?\}(:.+|)$`)     // read-only
)

// path makes the rule of an entry.
func (c *Catalogue) path(e *pathEntry) (*Path, error) {
	p := &Path{Method: e.Method, Pattern: e.Path, Wire: e.Wire, Polls: e.Polls, Model: e.Model, Providers: e.Providers}
	if p.Method == "" {
		p.Method = http.MethodPost
	}
	if !slices.Contains(methods, p.Method) {
		return nil, failure.Invalidf("method is %q: it must be POST or GET", failure.Shorten(e.Method))
	}
	if !strings.HasPrefix(e.Path, "/") || len(e.Path) < 2 {
		return nil, failure.Invalidf("path is %q: it must begin with a /", failure.Shorten(e.Path))
	}
	names := strings.Split(e.Path[1:], "/")
	for i, text := range names {
		found := nameOfPart().FindStringSubmatch(text)
		switch {
		case found != nil && found[2] != "" && (i < len(names)-1 || found[3] != ""):
			return nil, failure.Invalidf("path has %q in it, which must be its end", text)
		case found != nil:
			p.parts = append(p.parts, part{text: found[3], name: true, rest: found[2] != ""})
		case text == "" || strings.ContainsAny(text, "{}?#%*"):
			return nil, failure.Invalidf("path has %q in it: a part is a text, {model}, {model}:verb or {model...}", text)
		default:
			p.parts = append(p.parts, part{text: text})
		}
	}
	var err error
	if e.URL != "" {
		if p.URL, err = parseURL(e.URL); err != nil {
			return nil, err
		}
	}
	for _, provider := range e.Providers {
		if err := pricing.ValidateName("provider", provider); err != nil {
			return nil, err
		}
	}
	if e.Wire == "" {
		return nil, failure.Invalidf("it needs a wire: the form of its requests and answers, which says what is counted")
	}
	p.Format, err = c.formatOf(e.Wire)
	return p, err
}

// addRules makes formats of the rules of a file.
func (c *Catalogue) addRules(name string, all map[string]wire.Rules) error {
	if c.formats == nil {
		c.formats = map[string]*wire.Format{}
	}
	for _, rule := range slices.Sorted(maps.Keys(all)) {
		if _, known := wire.Named(rule); known || pricing.ValidateName("rules", rule) != nil {
			return failure.Invalidf("%s: rules can't have the name %q", name, failure.Shorten(rule))
		}
		format, err := wire.New(rule, all[rule])
		if err != nil {
			return failure.Within(err, "%s: rules of %s", name, failure.Shorten(rule))
		}
		c.formats[rule] = format
	}
	return nil
}

func (c *Catalogue) formatOf(name string) (*wire.Format, error) {
	if format, known := wire.Named(name); known {
		return format, nil
	}
	if format := c.formats[name]; format != nil {
		return format, nil
	}
	return nil, failure.UnknownName(failure.Invalid, "wire", name,
		append(wire.Names(), slices.Sorted(maps.Keys(c.formats))...))
}
