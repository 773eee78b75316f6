package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/server/trace"
	"github.com/alwrity/alwrity-sub/usage"
)

// call returns an event of ann's, of a thousand input and a hundred output tokens.
func call(id, model string, status int) usage.Event {
	return usage.Event{ID: id, UserID: "ann", Provider: "gemini", Model: model, StatusCode: status,
		Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1000, pricing.OutputTokens: 100}}
}

func TestMetrics(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		f.Ask("GET", "/metrics", "", "") // reads the catalogue
		record := func(e usage.Event, opts usage.RecordOptions) {
			t.Helper()
			if _, err := f.Usage.Record(t.Context(), f.Now(), e, opts); failure.OfStorage(err) && err != nil {
				t.Fatal(err)
			}
		}
		record(call("1", "gemini-2.5-flash", 200), usage.RecordOptions{})
		record(call("1", "gemini-2.5-flash", 200), usage.RecordOptions{})
		record(call("1", "gemini-2.5-pro", 200), usage.RecordOptions{})
		record(call("2", "gemini-2.5-flash", 500), usage.RecordOptions{})
		for i := range 20 { // names that callers make up
			record(call(fmt.Sprintf("made up %d", i), fmt.Sprintf("wonder-%d", i), 200), usage.RecordOptions{})
		}
		video := usage.Event{ID: "3", UserID: "ann", Provider: "video", Model: "wan-2.5", StatusCode: 200,
			Quantities: pricing.Quantities{pricing.Requests: 1000}}
		record(video, usage.RecordOptions{Enforce: true})
		record(usage.Event{ID: "4", UserID: "ann", Provider: "nobody", StatusCode: 200}, usage.RecordOptions{})
		asked := usage.Call{UserID: "ann", Provider: "video", Model: "wan-2.5", Quantities: video.Quantities}
		_, err := f.Usage.Check(t.Context(), f.Now(), asked)
		f.Must(err)
		asked.Quantities[pricing.Requests] = 1
		_, err = f.Usage.Reserve(t.Context(), f.Now(), asked, "r1", time.Hour)
		f.Must(err)
		f.Ask("GET", "/v1/users/ann/usage", "", "")
		f.Ask("GET", "/v1/nothing/ann", "", "")

		f.Wait(time.Minute)
		text := f.Ask("GET", "/metrics", "", "").Text
		has := func(lines ...string) {
			t.Helper()
			for _, line := range lines {
				if !strings.Contains(text, "\n"+line+"\n") {
					t.Errorf("there is no %s", line)
				}
			}
		}
		has(`alwrity_events_total{outcome="recorded"} 22`, `alwrity_events_total{outcome="duplicate"} 1`,
			`alwrity_events_total{outcome="conflict"} 1`, `alwrity_events_total{outcome="denied"} 1`,
			`alwrity_calls_total{outcome="ok",provider="gemini"} 21`,
			`alwrity_calls_total{outcome="failed",provider="gemini"} 1`,
			`alwrity_tokens_total{kind="input",model="gemini-2.5-flash",provider="gemini"} 1000`,
			`alwrity_tokens_total{kind="output",model="gemini-2.5-flash",provider="gemini"} 100`,
			`alwrity_cost_usd_total{model="gemini-2.5-flash",provider="gemini"} 0.00055`,
			`alwrity_refusals_total{reason="limit_exceeded"} 2`, `alwrity_refusals_total{reason="not_authenticated"} 1`,
			`alwrity_reservations_held 1`, `alwrity_database_up 1`, `alwrity_periods_to_close 0`, `alwrity_inflight 1`,
			`alwrity_outbox_messages{status="dead"} 0`, `alwrity_outbox_oldest_seconds 60`,
			`alwrity_http_requests_total{code="401",route="GET /v1/users/{user}/usage"} 1`,
			`alwrity_http_requests_total{code="404",route="none"} 1`,
			`alwrity_http_request_seconds_count{route="GET /metrics"} 1`)
		if strings.Contains(text, "wonder") || strings.Contains(text, "ann") && strings.Contains(text, `"ann"`) {
			t.Errorf("a label has a user or a name that was made up: %s", text)
		}
		if !strings.Contains(text, `alwrity_build_info{go="go1.`) || !strings.Contains(text, `version="test"} 1`) {
			t.Error("there is no version")
		}
	})
}

func TestWhoMaySeeMetrics(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	operator, reader := f.Token("", access.ScopeAdmin), f.Token("", access.ScopeRead)
	for _, tt := range []struct {
		name, token, header string
		status              int
	}{
		{"this machine", "", "", 200},
		{"a stranger behind a proxy on this machine", "", "X-Forwarded-For: 203.0.113.7", 401},
		{"one who says to be local", "", "X-Forwarded-For: 127.0.0.1", 401},
		{"an app behind a proxy", reader, "X-Forwarded-For: 203.0.113.7", 403},
		{"an operator behind a proxy", operator, "X-Forwarded-For: 203.0.113.7", 200},
	} {
		headers := []string{tt.header}
		if tt.header == "" {
			headers = nil
		}
		if answer := f.Ask("GET", "/metrics", tt.token, "", headers...); answer.StatusCode != tt.status {
			t.Errorf("%s: %s %s", tt.name, answer.Status, answer.Text)
		}
	}
}

// The schema may be brought up to date by another version while this one serves.
func TestOtherSchema(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		must := func(path string, status int, part string) {
			t.Helper()
			answer := f.Ask("GET", path, "", "")
			if answer.StatusCode != status || !strings.Contains(answer.Text, part) {
				t.Errorf("%s: %s %s", path, answer.Status, answer.Text)
			}
			if status == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
				t.Errorf("%s does not say when to try again", path)
			}
		}
		set := func(by string) {
			t.Helper()
			_, err := f.Place.SQL.Exec("UPDATE schema_versions SET version_id = version_id " + by +
				" WHERE version_id = (SELECT MAX(version_id) FROM schema_versions)")
			f.Must(err)
		}
		must("/readyz", 200, "ready")
		must("/v1/plans", 200, "Pro")
		set("+ 100")
		must("/readyz", 503, "another version")
		must("/v1/plans", 503, "has to be replaced")
		must("/healthz", 200, "ok")
		must("/metrics", 200, "alwrity_")
		set("- 100")
		must("/readyz", 200, "ready")
		must("/v1/plans", 200, "Pro")
	})
}

// collector takes spans.
type collector struct {
	*httptest.Server
	bodies chan string
}

func collect(t *testing.T) *collector {
	c := &collector{bodies: make(chan string, 10)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.bodies <- r.URL.Path + " " + r.Header.Get("X-Team") + " " + string(body)
	}))
	t.Cleanup(c.Close)
	return c
}

func TestTraces(t *testing.T) {
	c := collect(t)
	variables := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_EXPORTER_OTLP_HEADERS": "x-team=a%20b",
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"}
	exporter, err := trace.New(func(name string) string { return variables[name] }, "7", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	go exporter.Run(t.Context())
	f := servertest.New(t, dbtest.PreparedSQLite(t), func(o *server.Options) { o.Traces = exporter })
	const caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	answer := f.Ask("GET", "/v1/users/ann/usage?secret=1", "", "", "Traceparent: "+caller)
	said := answer.Header.Get("Traceparent")
	if !strings.HasPrefix(said, caller[:36]) || said == caller {
		t.Errorf("the answer is at %s", said)
	}
	f.Ask("GET", "/healthz", "", "", "Traceparent: "+strings.TrimSuffix(caller, "1")+"0") // its caller does not want it
	path, document, _ := strings.Cut(<-c.bodies, "{")
	if path != "/v1/traces a b " {
		t.Errorf("it was sent to %q", path)
	}
	var got struct {
		ResourceSpans []struct {
			Resource   json.RawMessage
			ScopeSpans []struct {
				Spans []struct{ TraceID, SpanID, ParentSpanID, Name, StartTimeUnixNano string }
			}
		}
	}
	f.Must(json.Unmarshal([]byte("{"+document), &got))
	span := got.ResourceSpans[0].ScopeSpans[0].Spans[0]
	if span.TraceID != caller[3:35] || span.ParentSpanID != caller[36:52] || span.SpanID != said[36:52] ||
		span.Name != "GET /v1/users/{user}/usage" || len(span.StartTimeUnixNano) != 19 {
		t.Errorf("the span is %+v", span)
	}
	for _, part := range []string{`"alwrity-sub"`, `"deployment.environment"`, `"intValue":"401"`} {
		if !strings.Contains(document, part) {
			t.Errorf("there is no %s in %s", part, document)
		}
	}
	if strings.Contains(document, "ann") || strings.Contains(document, "secret") {
		t.Errorf("a span has a user or a parameter: %s", document)
	}
	select {
	case more := <-c.bodies:
		t.Errorf("what its caller does not want was sent: %s", more)
	default:
	}
}

// Without a collector the place in a trace is passed on, and begins where there is none.
func TestTraceIsPassedOn(t *testing.T) {
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	const caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for header, same := range map[string]bool{caller: true, "nonsense": false, "": false,
		"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01": false} {
		said := f.Ask("GET", "/healthz", "", "", "Traceparent: "+header).Header.Get("Traceparent")
		if (said == caller) != same || trace.Parse(said).IsZero() {
			t.Errorf("%q became %q", header, said)
		}
	}
}
