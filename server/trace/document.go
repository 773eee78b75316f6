package trace

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"
)

// What follows is OTLP's ExportTraceServiceRequest in its JSON form
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids in hexadecimal, 64-bit integers as text.
type (
	document struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []attribute `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope      `json:"scope"`
		Spans []spanJSON `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	spanJSON struct {
		TraceID    string      `json:"traceId"`
		SpanID     string      `json:"spanId"`
		ParentID   string      `json:"parentSpanId,omitempty"`
		Name       string      `json:"name"`
		Kind       int         `json:"kind"`
		Start      string      `json:"startTimeUnixNano"`
		End        string      `json:"endTimeUnixNano"`
		Attributes []attribute `json:"attributes,omitempty"`
		Status     status      `json:"status"`
	}
	status struct {
		Code int `json:"code,omitempty"`
	}
	attribute struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		Text    string `json:"stringValue,omitempty"`
		Integer string `json:"intValue,omitempty"`
	}
)

const (
	kindServer  = 2
	statusError = 2
)

func (e *Exporter) document(spans []Span) document {
	written := make([]spanJSON, 0, len(spans))
	for _, s := range spans {
		one := spanJSON{TraceID: s.TraceID(), SpanID: hex.EncodeToString(s.Span[:]), Name: s.Name, Kind: kindServer,
			Start: nanoseconds(s.Began), End: nanoseconds(s.Began.Add(s.Took)), Attributes: attributes(s.Attributes)}
		if s.Parent != [8]byte{} {
			one.ParentID = hex.EncodeToString(s.Parent[:])
		}
		if s.Failed {
			one.Status.Code = statusError
		}
		written = append(written, one)
	}
	of := map[string]any{}
	for name, text := range e.resource {
		of[name] = text
	}
	return document{[]resourceSpans{{
		Resource:   resource{attributes(of)},
		ScopeSpans: []scopeSpans{{scope{"alwrity-sub", e.version}, written}},
	}}}
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// attributes returns attributes in the order of their names.
func attributes(of map[string]any) []attribute {
	var all []attribute
	for _, name := range slices.Sorted(maps.Keys(of)) {
		switch v := of[name].(type) {
		case string:
			all = append(all, attribute{name, value{Text: v}})
		case int:
			all = append(all, attribute{name, value{Integer: strconv.Itoa(v)}})
		}
	}
	return all
}
