package server_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/server/v1"
)

func TestTheDocumentHasEveryRoute(t *testing.T) {
	var d struct {
		Paths map[string]map[string]struct {
			Scope string `yaml:"x-scope"`
		}
	}
	if err := yaml.Unmarshal(server.OpenAPI(), &d); err != nil {
		t.Fatal(err)
	}
	var documented, routes []string
	for path, methods := range d.Paths {
		for method, op := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path+": "+op.Scope)
		}
	}
	for _, r := range v1.Routes() {
		scope := string(r.Scope)
		if r.Or != "" {
			scope += " or " + string(r.Or)
		}
		if scope == "" {
			scope = "none"
		}
		routes = append(routes, r.Pattern+": "+scope)
	}
	slices.Sort(documented)
	slices.Sort(routes)
	if !slices.Equal(documented, routes) {
		t.Errorf("the document has\n%s\nand the table of routes\n%s", strings.Join(documented, "\n"),
			strings.Join(routes, "\n"))
	}
}

func TestTheDocumentCanBeRead(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	if answer := f.Ask("GET", "/openapi.yaml", "", ""); !strings.Contains(answer.Text, "openapi: 3.1.0") {
		t.Errorf("the document: %s", answer.Status)
	}
	page := f.Ask("GET", "/docs", "", "")
	for _, wanted := range []string{`<span class="method">POST</span>/v1/events`, `href="#schema-Recorded"`,
		`list of <a href="#schema-Result">`, `<td><code>known_user</code></td>`, `id="schema-Decision"`} {
		if !strings.Contains(page.Text, wanted) {
			t.Errorf("the page has no %s", wanted)
		}
	}
	for _, foreign := range []string{"<script", "src=", "@import", "url("} {
		if strings.Contains(page.Text, foreign) {
			t.Errorf("the page has %s", foreign)
		}
	}
}
