// Package metrics is what Prometheus is told about a server: requests, calls and what they cost since it has started,
// and the state of its database. No label has a user in it, and none has as many values as callers like to make up.
package metrics

import (
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

const namespace = "alwrity"

// other is the value of a label for all that the catalogue does not know.
const other = "other"

// Metrics counts what a server does. Any number may count at the same time.
type Metrics struct {
	registry *prometheus.Registry
	state    *state

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
	refusals *prometheus.CounterVec
	events   *prometheus.CounterVec
	calls    *prometheus.CounterVec
	tokens   *prometheus.CounterVec
	cost     *prometheus.CounterVec
	carried  *carried
}

// New makes metrics of nothing so far. version is the program's.
func New(version string, from Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		state:    newState(from),
		requests: counter("http_requests_total", "Requests by the route that has answered them and the status.", "route",
			"code"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "http_request_seconds",
			Help:    "How long requests have taken, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "inflight",
			Help: "Requests that are being answered."}),
		refusals: counter("refusals_total", "Calls and requests that were refused: by a limit, the subscription, a rate, or "+
			"because of who asked.", "reason"),
		events: counter("events_total", "Events that were reported, by what became of them.", "outcome"),
		calls: counter("calls_total", "Calls of newly recorded events, by provider and whether they failed.", "provider",
			"outcome"),
		tokens: counter("tokens_total", "Tokens of newly recorded events. Kinds other than input and output are parts "+
			"of these two.", "provider", "model", "kind"),
		carried: newCarried(),
		cost: counter("cost_usd_total", "Dollars that newly recorded events cost, approximately: bills are exact.",
			"provider", "model"),
	}
	m.registry.MustRegister(m.carried.all()...)
	m.registry.MustRegister(m.requests, m.seconds, m.inFlight, m.refusals, m.events, m.calls, m.tokens, m.cost, m.state,
		buildInfo(version), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func buildInfo(version string) prometheus.Collector {
	labels := prometheus.Labels{"version": version, "go": ""}
	if info, ok := debug.ReadBuildInfo(); ok {
		labels["go"] = info.GoVersion
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info",
		Help: "1, with the version of the program.", ConstLabels: labels})
	info.Set(1)
	return info
}

// Handler answers with all metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{DisableCompression: true}) // the server packs by itself
}

// Begin counts a request that is being answered until the function that it returns is called.
func (m *Metrics) Begin() (end func()) {
	m.inFlight.Inc()
	return m.inFlight.Dec
}

// Answered counts a request that was answered. route is the pattern of what has answered it, "" for nothing; err is the
// failure that was its answer, nil for none.
func (m *Metrics) Answered(route string, code int, took time.Duration, err error) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
	if reason := refusalOf(err); reason != "" {
		m.refusals.WithLabelValues(reason).Inc()
	}
}

// refusalOf returns why a request was refused, "" where that was not so or where Told hears of it.
func refusalOf(err error) string {
	f, is := errors.AsType[*failure.Error](err)
	if !is || f.Code != failure.Denied {
		return ""
	}
	switch usage.Reason(f.Reason) {
	case usage.LimitExceeded, usage.NotInPlan, usage.IsSuspended, usage.IsCancelled, usage.IsExpired,
		usage.TooManyParallelCalls, usage.RateLimited:
		return ""
	case "":
		return other
	}
	return f.Reason
}

// Told counts what became of a call: it is what usage.Service tells.
func (m *Metrics) Told(t *usage.Told) {
	if t.Refused != "" {
		m.refusals.WithLabelValues(string(t.Refused)).Inc()
	}
	if !t.Reported {
		return
	}
	m.events.WithLabelValues(outcomeOf(t)).Inc()
	if t.Err != nil || t.Status != usage.Recorded {
		return
	}
	e := t.Event
	outcome := "ok"
	if e.Failed() {
		outcome = "failed"
	}
	m.calls.WithLabelValues(e.Provider, outcome).Add(float64(e.Quantities[pricing.Requests]))
	if e.Counts() {
		m.count(e, t.Cost)
	}
}

// count counts the tokens and the cost of a call that is charged.
func (m *Metrics) count(e *usage.Event, cost pricing.USD) {
	model := m.state.model(e)
	for quantity, amount := range e.Quantities {
		if kind := pricing.Quantity(quantity); amount > 0 && kind.IsToken() {
			m.tokens.WithLabelValues(e.Provider, model, strings.TrimSuffix(kind.String(), "_tokens")).Add(float64(amount))
		}
	}
	dollars, rest := cost.Split()
	m.cost.WithLabelValues(e.Provider, model).Add(float64(dollars) + float64(rest)/float64(pricing.Dollar))
}

// outcomeOf is what became of an event that was reported.
func outcomeOf(t *usage.Told) string {
	if t.Err == nil {
		return string(t.Status)
	}
	switch failure.CodeOf(t.Err) {
	case failure.Conflict, failure.Denied:
		return string(failure.CodeOf(t.Err))
	case failure.Invalid, failure.NotFound:
		return "rejected"
	}
	return "unavailable"
}
