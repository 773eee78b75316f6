package trace

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// settings are what the variables of OpenTelemetry say.
type settings struct {
	endpoint string // "" to send nothing
	headers  map[string]string
	timeout  time.Duration
	resource map[string]string
	sampler  sampler

	delay       time.Duration
	queue, load int // spans that may wait, and that are sent at once
}

// sampler decides which traces are sent.
type sampler struct {
	parent bool    // as the caller has decided, where there is one
	share  float64 // of the others
}

// read reads the variables; lookup returns "" for one that is not set.
func read(lookup func(name string) string, version string) (s settings, err error) {
	r := variables{lookup: lookup}
	if s.endpoint = r.endpoint(); s.endpoint == "" || r.err != nil {
		return s, r.err
	}
	s.headers = r.pairs("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
	s.timeout = r.milliseconds("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
		r.milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", 10*time.Second))
	s.resource = r.pairs("OTEL_RESOURCE_ATTRIBUTES")
	s.resource["service.name"] = cmp.Or(lookup("OTEL_SERVICE_NAME"), s.resource["service.name"], "alwrity-sub")
	s.resource["service.version"] = cmp.Or(s.resource["service.version"], version)
	s.sampler = r.sampler()
	s.delay = r.milliseconds("OTEL_BSP_SCHEDULE_DELAY", 5*time.Second)
	s.queue, s.load = r.count("OTEL_BSP_MAX_QUEUE_SIZE", 2048), r.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)
	return s, r.err
}

// variables reads variables and keeps the first that is wrong.
type variables struct {
	lookup func(name string) string
	err    error
}

func (r *variables) fail(name, wanted string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s is %q: it must be %s", name, r.lookup(name), wanted)
	}
}

// endpoint returns where spans are sent to.
func (r *variables) endpoint() string {
	own, common := r.lookup("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), r.lookup("OTEL_EXPORTER_OTLP_ENDPOINT")
	exporter := r.lookup("OTEL_TRACES_EXPORTER")
	switch {
	case strings.EqualFold(r.lookup("OTEL_SDK_DISABLED"), "true") || exporter == "none":
		return ""
	case exporter != "" && exporter != "otlp":
		r.fail("OTEL_TRACES_EXPORTER", "otlp or none")
	case exporter == "" && own == "" && common == "":
		return ""
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		// A collector takes both of the last two at the same place.
		if p := r.lookup(name); p != "" && p != "http/json" && p != "http/protobuf" {
			r.fail(name, "http/json, which is what is spoken here")
		}
	}
	endpoint := own
	if own == "" {
		endpoint = strings.TrimSuffix(cmp.Or(common, "http://localhost:4318"), "/") + "/v1/traces"
	}
	if u, err := url.Parse(endpoint); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		name := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
		if own == "" {
			name = "OTEL_EXPORTER_OTLP_ENDPOINT"
		}
		r.fail(name, "a URL such as http://localhost:4318")
	}
	return endpoint
}

// pairs reads lists of name=value, percent-encoded; the later ones hold.
func (r *variables) pairs(names ...string) map[string]string {
	found := map[string]string{}
	for _, name := range names {
		for pair := range strings.SplitSeq(r.lookup(name), ",") {
			if strings.TrimSpace(pair) == "" {
				continue
			}
			key, value, ok := strings.Cut(pair, "=")
			text, err := url.PathUnescape(strings.TrimSpace(value))
			if !ok || err != nil || strings.TrimSpace(key) == "" {
				r.err = cmp.Or(r.err, fmt.Errorf("%s must be a list such as name=value,name=value", name)) // it may be secret
				continue
			}
			found[strings.TrimSpace(key)] = text
		}
	}
	return found
}

func (r *variables) milliseconds(name string, fallback time.Duration) time.Duration {
	return time.Duration(r.count(name, int(fallback/time.Millisecond))) * time.Millisecond
}

func (r *variables) count(name string, fallback int) int {
	text := r.lookup(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > math.MaxInt32 {
		r.fail(name, "a whole number of 1 or more")
		return fallback
	}
	return n
}

func (r *variables) sampler() sampler {
	const name, argument = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
	kind, parent := strings.CutPrefix(cmp.Or(r.lookup(name), "parentbased_always_on"), "parentbased_")
	switch kind {
	case "always_on":
		return sampler{parent, 1}
	case "always_off":
		return sampler{parent, 0}
	case "traceidratio":
		share, err := strconv.ParseFloat(cmp.Or(r.lookup(argument), "1"), 64)
		if err != nil || !(share >= 0 && share <= 1) {
			r.fail(argument, "a number from 0 to 1")
		}
		return sampler{parent, share}
	}
	r.fail(name, "always_on, always_off or traceidratio, maybe with parentbased_ in front")
	return sampler{}
}
