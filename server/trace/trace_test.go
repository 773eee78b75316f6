package trace_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/server/trace"
)

const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestParse(t *testing.T) {
	for header, want := range map[string]string{
		good:                               good,
		"cc" + good[2:] + "-more":          good, // a later version
		good[:53] + "03":                   good,
		good[:53] + "00":                   good[:53] + "00",
		"":                                 "",
		good + "-more":                     "",
		"ff" + good[2:]:                    "",
		strings.ToUpper(good):              "",
		strings.Replace(good, "4", "g", 1): "",
		strings.ReplaceAll(good, "-", "_"): "",
		good[:36] + "0000000000000000-01":  "",
		"00-" + strings.Repeat("0", 32) + good[35:]: "",
		good[:54]: "",
	} {
		c := trace.Parse(header)
		if got := c.String(); c.IsZero() != (want == "") || want != "" && got != want {
			t.Errorf("%q is %s", header, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Fuzz(func(t *testing.T, header string) {
		if c := trace.Parse(header); !c.IsZero() && trace.Parse(c.String()) != c {
			t.Errorf("%q became %s", header, c)
		}
	})
}

func TestSettings(t *testing.T) {
	for name, tt := range map[string]struct {
		set   string
		sends bool
		fault string
	}{
		"nothing":           {"", false, ""},
		"an endpoint":       {"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", true, ""},
		"only its own":      {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://c/in", true, ""},
		"the default place": {"OTEL_TRACES_EXPORTER=otlp", true, ""},
		"disabled":          {"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 OTEL_SDK_DISABLED=true", false, ""},
		"none":              {"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 OTEL_TRACES_EXPORTER=none", false, ""},
		"grpc": {"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc", false,
			"PROTOCOL"},
		"another exporter": {"OTEL_TRACES_EXPORTER=zipkin", false, "OTEL_TRACES_EXPORTER"},
		"no URL":           {"OTEL_EXPORTER_OTLP_ENDPOINT=c:4318", false, "a URL"},
		"a bad share": {"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=traceidratio OTEL_TRACES_SAMPLER_ARG=2", false,
			"0 to 1"},
		"bad headers":   {"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_HEADERS=hush", false, "HEADERS must be a list"},
		"a bad sampler": {"OTEL_TRACES_EXPORTER=otlp OTEL_TRACES_SAMPLER=some", false, "always_on"},
	} {
		variables := map[string]string{}
		for _, pair := range strings.Fields(tt.set) {
			key, value, _ := strings.Cut(pair, "=")
			variables[key] = value
		}
		e, err := trace.New(func(name string) string { return variables[name] }, "1", slog.New(slog.DiscardHandler))
		if (e != nil) != tt.sends || (err != nil) != (tt.fault != "") ||
			err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: %v, %v", name, e != nil, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("a secret is told: %v", err)
		}
	}
}

func TestSampler(t *testing.T) {
	variables := map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
		"OTEL_TRACES_SAMPLER_ARG": "0.25"}
	e, err := trace.New(func(name string) string { return variables[name] }, "1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for range 4000 {
		if here, _ := e.Begin(""); here.Sampled {
			taken++
		}
	}
	if taken < 800 || taken > 1200 {
		t.Errorf("%d of 4000 traces are sent", taken)
	}
	here, parent := e.Begin(good)
	if !here.Sampled || parent.String() != good || here.Trace != parent.Trace || here.Span == parent.Span {
		t.Errorf("%s below %s", here, parent)
	}
}
