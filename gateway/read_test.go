package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Where vendors' own clients come with the base URLs of docs/gateway.md.
func TestWhereRequestsLead(t *testing.T) {
	known, err := gateway.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, preferred string
		want                    string // upstream, its path, and the model that it names; "" for our own routes
	}{
		{"POST", "/v1/chat/completions", "", "openai /v1/chat/completions "},
		{"POST", "/v1/chat/completions", "mistral", "mistral /v1/chat/completions "},
		{"POST", "/openai/v1/responses", "", "openai /v1/responses "},
		{"POST", "/v1/messages", "", "anthropic /v1/messages "},
		{"POST", "/anthropic/v1/messages/count_tokens", "", "anthropic /v1/messages/count_tokens "},
		{"POST", "/v1beta/models/gemini-2.5-flash:generateContent", "",
			"gemini /v1beta/models/{model}:generateContent gemini-2.5-flash"},
		{"POST", "/gemini/v1beta/models/a%3Ab:streamGenerateContent", "",
			"gemini /v1beta/models/{model}:streamGenerateContent a:b"},
		{"POST", "/exa/search", "", "exa /search "},
		{"POST", "/tavily/search", "", "tavily /search "},
		{"POST", "/wavespeed/api/v3/alibaba/wan-2.5/text-to-video", "",
			"wavespeed /api/v3/{model...} alibaba/wan-2.5/text-to-video"},
		{"GET", "/wavespeed/api/v3/predictions/j1/result", "", "wavespeed /api/v3/predictions/{id}/result j1"},
		{"POST", "/stability/v1/generation/sdxl/text-to-image", "", "stability /v1/generation/{model}/text-to-image sdxl"},
		{"POST", "/openai/v1/files", "", "openai - "},
		{"DELETE", "/openai/v1/chat/completions", "", "openai - "},
		{"POST", "/openai/v1/../v1/chat/completions", "", "openai - "},
		{"POST", "/openai//v1/chat/completions", "", "openai - "},
		{"POST", "/v1beta/models/m:predict", "", "gemini - "},
		{"POST", "/v1beta/models/../../x:generateContent", "", "gemini - "},
		{"POST", "/v1beta/models/..%2f..%2fx:generateContent", "", "gemini - "},
		{"POST", "/wavespeed/api/v3/a/../b", "", "wavespeed - "},
		{"POST", "/wavespeed/api/v3/a/%2e%2e/b", "", "wavespeed - "},
		{"POST", "/v1/events", "", ""},
		{"GET", "/v1/models", "", ""},
		{"GET", "/", "", ""},
		{"GET", "/billing", "", ""},
		{"POST", "/api/subscription/usage", "", ""},
	} {
		u, err := url.Parse("http://gateway" + c.path)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if r := known.Find(c.method, u, c.preferred); r != nil {
			pattern := "-"
			if r.Path != nil {
				pattern = r.Path.Pattern
			}
			got = r.Upstream.Name + " " + pattern + " " + r.Model
		}
		if got != c.want {
			t.Errorf("%s %s leads to %q, not %q", c.method, c.path, got, c.want)
		}
	}
}

// Every provider of an upstream is one that the prices know.
func TestProvidersAreKnown(t *testing.T) {
	known, err := gateway.BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	prices, err := pricing.DefaultCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	providers := pricing.Providers{}.With(prices.Providers)
	for _, up := range known.Upstreams {
		for _, p := range up.Paths {
			for _, provider := range append([]string{up.Provider}, p.Providers...) {
				if _, err := providers.Find(provider); err != nil {
					t.Errorf("%s %s: %s", up.Name, p.Pattern, err)
				}
			}
		}
		if up.URL.Scheme != "https" || up.Private || up.Free || len(up.Keys) == 0 {
			t.Errorf("%+v", up)
		}
	}
}

func TestAnOperatorsFile(t *testing.T) {
	read, err := gateway.Read("mine.yaml", []byte(`
rules:
  mine.search: {model: mine, counts: {searches: [{answer: /n}, {is: 1}]}}
upstreams:
  - {name: openai, url: "https://eu.api.openai.com/", timeouts: {idle: 10s}}
  - {name: ollama, like: openai, url: "http://127.0.0.1:11434", private: true, keys: [], vendor: ollama, free: true}
  - {name: tavily, off: true}
  - name: mine
    url: https://search.example.com/v2
    provider: exa
    keys: [MY_SEARCH_KEY]
    auth: {query: key}
    wire: mine.search
    paths: [{path: /find, wire: mine.search}]
  - name: serper
    replace: true
    url: https://s.example.com
    provider: serper
    wire: mine.search
    paths: [{path: /x, wire: mine.search}]
`))
	if err != nil {
		t.Fatal(err)
	}
	openai, ollama, serper := read.Upstream("openai"), read.Upstream("ollama"), read.Upstream("serper")
	switch {
	case openai.URL.String() != "https://eu.api.openai.com" || openai.Timeouts.Idle.Seconds() != 10 ||
		openai.Timeouts.Whole.Seconds() != 3600 || len(openai.Paths) < 5 || !openai.Bare:
		t.Errorf("%+v", openai)
	case ollama == nil || ollama.Bare || !ollama.Private || len(ollama.Keys) != 0 ||
		len(ollama.Paths) != len(openai.Paths):
		t.Errorf("%+v", ollama)
	case read.Upstream("tavily") != nil:
		t.Error("what is off is there")
	case len(serper.Paths) != 1 || len(serper.Keys) != 0:
		t.Errorf("%+v", serper)
	}
	u, _ := url.Parse("http://gateway/mine/find")
	if r := read.Find(http.MethodPost, u, ""); r == nil || r.Path == nil || r.Style() != wire.PlainStyle {
		t.Errorf("%+v", r)
	}
}

// What is wrong with a file is told with its name and place.
func TestAnOperatorsFileThatCantBe(t *testing.T) {
	const good = "upstreams:\n  - {name: x, url: https://x.example.com, provider: openai, wire: openai.chat, "
	for _, c := range [][2]string{
		{"upstream: []", `unknown field "upstream"`},
		{"upstreams:\n  - {name: openai, key: sk-1}", `mine.yaml, line 2`},
		{"upstreams:\n  - {name: openai, keys: [sk-1234]}", "the name of a variable, never the key itself"},
		{"upstreams:\n  - {name: api, url: https://x.example.com}", "that begins paths of our own"},
		{"upstreams:\n  - {name: X}", "small letters"},
		{"upstreams:\n  - {name: openai}\n  - {name: openai}", "it appears twice"},
		{"upstreams:\n  - {name: x, like: opnai}", "there is no upstream"},
		{"upstreams:\n  - {name: openai, url: \"https://u:p@h\"}", "without a key in it"},
		{"upstreams:\n  - {name: openai, url: ftp://h}", "url is"},
		{"upstreams:\n  - {name: openai, timeouts: {idle: soon}}", "the timeout idle"},
		{"upstreams:\n  - {name: openai, timeouts: {whole: 48h}}", "the timeout whole"},
		{"upstreams:\n  - {name: openai, headers: [Cookie]}", "can't be a header"},
		{"upstreams:\n  - {name: openai, answers: [\"*\"]}", "can't be a header"},
		{"upstreams:\n  - {name: openai, auth: {header: a, query: b}}", "one of both alone"},
		{good + "paths: []}", "it has no paths"},
		{good + "paths: [{path: v1, wire: openai.chat}]}", "must begin with a /"},
		{good + "paths: [{path: /a, wire: openai.chatt}]}", "openai.chat"},
		{good + "paths: [{path: /a}]}", "it needs a wire"},
		{good + "paths: [{path: \"/{model...}/a\", wire: openai.chat}]}", "must be its end"},
		{good + "paths: [{path: \"/a{model}\", wire: openai.chat}]}", "a part is a text"},
		{good + "paths: [{path: /a, method: PUT, wire: openai.chat}]}", "POST or GET"},
		{"rules: {openai.chat: {model: x}}", "can't have the name"},
		{"rules: {x: {counts: {apples: [{is: 1}]}}}", "rules of x"},
		{"rules: {x: {counts: {searches: [{answer: a}]}}}", "rules of x"},
		{good + "provider: \"\", paths: [{path: /a, wire: openai.chat}]}", "line 2"},
		{"upstreams:\n  - {name: y, url: https://y.example.com, paths: [{path: /a, wire: openai.chat}]}", "provider"},
	} {
		_, err := gateway.Read("mine.yaml", []byte(c[0]))
		if err == nil || !strings.Contains(err.Error(), c[1]) || !strings.Contains(err.Error(), "mine.yaml") {
			t.Errorf("%s\n\tis told as %v, without %q", c[0], err, c[1])
		}
	}
}
