package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

// JSON is the type of most bodies.
const JSON = "application/json"

// formats are what a document can be had as, by the type that a caller accepts.
//
//nolint:gochecknoglobals // read-only
var formats = map[string]report.Format{
	JSON: report.FormatCompact, "text/csv": report.FormatCSV, "application/x-ndjson": report.FormatJSONL,
}

// Document answers with a document, as the caller accepts it: JSON, else CSV or a row of JSON a line. Who is not told
// what usage costs gets it without that.
func (c *Call) Document(w http.ResponseWriter, status int, doc report.Document) error {
	kind := JSON
	for accepted := range strings.SplitSeq(c.Header.Get("Accept"), ",") {
		accepted, _, _ = strings.Cut(strings.TrimSpace(accepted), ";")
		if _, ok := formats[accepted]; ok {
			kind = accepted
			break
		}
	}
	if !c.SeesCost {
		doc = doc.WithoutCost()
	}
	var body bytes.Buffer
	printer := report.Printer{Out: &body, Format: formats[kind], Rehearsal: c.Rehearsal}
	if err := printer.Print(doc); err != nil {
		return err
	}
	Write(w, status, kind+"; charset=utf-8", body.Bytes())
	return nil
}

// Next says where the next page of a list is: at the same parameters, after a row.
func (c *Call) Next(w http.ResponseWriter, after string) {
	values := c.URL.Query()
	values.Set("after", after)
	w.Header().Set("Link", "<"+c.URL.EscapedPath()+"?"+values.Encode()+`>; rel="next"`)
}

// WriteJSON answers with a value that encoding/json writes.
func WriteJSON(w http.ResponseWriter, status int, value any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return failure.New(failure.Internal, "an answer can't be written: %s", err).Because(err)
	}
	Write(w, status, JSON+"; charset=utf-8", body.Bytes())
	return nil
}

// Write answers with a body of a type.
func Write(w http.ResponseWriter, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store") // usage and money of one user, which changes with each call
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // who has gone is not there to be told
}
