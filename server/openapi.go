package server

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/server/web"
)

//go:embed openapi.yaml
var openAPI []byte // read-only

//go:embed openapi.html
var openAPIPage string // read-only

// OpenAPI returns the document of the API under /v1. Nobody may change it.
func OpenAPI() []byte { return openAPI }

// openAPIDocument answers with the document.
func openAPIDocument(w http.ResponseWriter, _ *http.Request) {
	web.Write(w, http.StatusOK, "application/yaml; charset=utf-8", openAPI)
}

// openAPIReader answers with a page of the document, which runs no script and loads nothing.
func openAPIReader() http.HandlerFunc {
	page := sync.OnceValues(func() ([]byte, error) { return readable(openAPI) })
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := page()
		if err != nil {
			web.NoteOf(r.Context()).Err = err
			web.Fail(w, r, err)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		web.Write(w, http.StatusOK, "text/html; charset=utf-8", text)
	}
}

// The parts of the document that the page shows, in their order.
type (
	apiDocument struct {
		Info       struct{ Title, Description string }
		Tags       []struct{ Name string }
		Paths      yaml.MapSlice
		Components struct {
			Parameters map[string]apiParameter
			Schemas    yaml.MapSlice
		}
	}
	apiOperation struct {
		Method, Path string
		Summary      string
		Description  string
		Scope        string `yaml:"x-scope"`
		Tags         []string
		Parameters   []apiParameter
		RequestBody  struct {
			Content map[string]struct{ Schema yaml.MapSlice }
		} `yaml:"requestBody"`
		Responses map[string]struct {
			Content map[string]struct{ Schema yaml.MapSlice }
		}
	}
	apiParameter struct {
		Ref         string `yaml:"$ref"`
		Name, In    string
		Description string
		Schema      yaml.MapSlice
	}
)

// readable makes a page of an OpenAPI document.
func readable(document []byte) ([]byte, error) {
	var d apiDocument
	if err := yaml.UnmarshalWithOptions(document, &d, yaml.UseOrderedMap()); err != nil {
		return nil, failure.New(failure.Internal, "the OpenAPI document can't be read: %s", err).Because(err)
	}
	byTag := map[string][]apiOperation{}
	for _, path := range d.Paths {
		methods, _ := path.Value.(yaml.MapSlice)
		for _, method := range methods {
			op, err := operationOf(method.Value)
			if err != nil {
				return nil, err
			}
			op.Method, op.Path = strings.ToUpper(method.Key.(string)), path.Key.(string)
			for i, p := range op.Parameters {
				if p.Ref != "" {
					op.Parameters[i] = d.Components.Parameters[lastOf(p.Ref)]
				}
			}
			byTag[op.Tags[0]] = append(byTag[op.Tags[0]], op)
		}
	}
	t, err := template.New("openapi").Funcs(template.FuncMap{"shape": shape, "yaml": asYAML}).Parse(openAPIPage)
	if err != nil {
		return nil, failure.New(failure.Internal, "the page of the API: %s", err).Because(err)
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{"Document": d, "ByTag": byTag,
		"Paragraphs": strings.Split(d.Info.Description, "\n\n")})
	return out.Bytes(), err
}

func operationOf(value any) (op apiOperation, err error) {
	text, err := yaml.Marshal(value)
	if err == nil {
		err = yaml.UnmarshalWithOptions(text, &op, yaml.UseOrderedMap())
	}
	return op, err
}

func lastOf(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// link is a schema's name, or how one is written that has none. Ref is "" where there is no page's place for it.
type link struct{ Before, Ref, Text string }

// Long tells whether the text has several lines.
func (l link) Long() bool { return strings.Contains(l.Text, "\n") }

// shape says of which schema something is: its name, or that of a list's elements, or its type.
func shape(schema yaml.MapSlice) []link {
	for _, item := range schema {
		switch item.Key {
		case "$ref":
			name := lastOf(item.Value.(string))
			return []link{{"", name, name}}
		case "items":
			if of := shape(item.Value.(yaml.MapSlice)); len(of) == 1 && of[0].Ref != "" {
				return []link{{"list of ", of[0].Ref, of[0].Text}}
			}
		case "anyOf":
			var all []link
			for i, one := range item.Value.([]any) {
				if of := shape(one.(yaml.MapSlice)); len(of) > 0 {
					if i > 0 {
						of[0].Before = " or " + of[0].Before
					}
					all = append(all, of...)
				}
			}
			return all
		}
	}
	if len(schema) == 0 {
		return nil
	}
	return []link{{"", "", asYAML(schema)}}
}

// asYAML writes a part of the document as it stands in it.
func asYAML(value any) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
