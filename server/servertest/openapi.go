package servertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/alwrity/alwrity-sub/server"
)

// document is the OpenAPI document, with which every answer of its routes is compared.
type document struct {
	mux        *http.ServeMux // finds the route of a request
	operations map[string]*openapi3.Operation
}

var loadDocument = sync.OnceValues(func() (*document, error) { //nolint:gochecknoglobals // read once for all tests
	loader := openapi3.NewLoader()
	read, err := loader.LoadFromData(server.OpenAPI())
	if err != nil {
		return nil, err
	}
	if err := read.Validate(loader.Context); err != nil {
		return nil, err
	}
	d := &document{http.NewServeMux(), map[string]*openapi3.Operation{}}
	for path, item := range read.Paths.Map() {
		for method, operation := range item.Operations() {
			pattern := method + " " + path
			d.mux.Handle(pattern, http.NotFoundHandler())
			d.operations[pattern] = operation
		}
	}
	return d, nil
})

// check returns an error unless an answer is as the document says; of other routes than its own it says nothing.
func (a *Answer) check() error {
	d, err := loadDocument()
	if err != nil {
		return err
	}
	_, pattern := d.mux.Handler(a.Request)
	operation := d.operations[pattern]
	if operation == nil || a.StatusCode == http.StatusTemporaryRedirect { // to a path without .. in it
		return nil
	}
	response := operation.Responses.Value(strconv.Itoa(a.StatusCode))
	if response == nil && a.StatusCode >= http.StatusBadRequest {
		response = operation.Responses.Default()
	}
	if response == nil {
		return fmt.Errorf("%s: the document has no status %d", pattern, a.StatusCode)
	}
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("%s: the type of the answer: %w", pattern, err)
	}
	media := response.Value.Content.Get(kind)
	if media == nil {
		return fmt.Errorf("%s: the document has no %s for status %d", pattern, kind, a.StatusCode)
	}
	if kind != "application/json" {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(a.Text))
	var value any
	if err := decoder.Decode(&value); err != nil {
		return fmt.Errorf("%s: %w", pattern, err)
	}
	if decoder.More() {
		return fmt.Errorf("%s: something follows the JSON", pattern)
	}
	err = media.Schema.Value.VisitJSON(value, openapi3.EnableJSONSchema2020(), openapi3.MultiErrors())
	if err != nil {
		var short bytes.Buffer
		_ = json.Compact(&short, []byte(a.Text))
		return fmt.Errorf("%s, status %d: %w: %.2000s", pattern, a.StatusCode, err, short.String())
	}
	return nil
}
