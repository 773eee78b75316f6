package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alwrity/alwrity-sub/gateway"
)

// carried counts the calls that the gateway carries.
type carried struct {
	calls     *prometheus.CounterVec
	overhead  *prometheus.HistogramVec
	upstream  *prometheus.HistogramVec
	firstByte *prometheus.HistogramVec
	estimated *prometheus.CounterVec
	left      *prometheus.CounterVec
	open      prometheus.Counter
}

func newCarried() *carried {
	seconds := func(name, help, label string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help,
			Buckets: buckets}, []string{label})
	}
	return &carried{
		calls: counter("gateway_calls_total", "Calls to vendors' APIs, by how they ended.", "upstream", "provider",
			"outcome"),
		overhead: seconds("gateway_overhead_seconds", "What the gateway has added to calls, by stage.", "stage",
			.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5),
		upstream: seconds("gateway_upstream_seconds", "How long vendors have taken for whole answers.", "upstream",
			.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
		firstByte: seconds("gateway_first_byte_seconds", "How long vendors have taken until their answers began.",
			"upstream", .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60),
		estimated: counter("gateway_estimated_total", "Calls that are charged by an estimate.", "upstream"),
		left:      counter("gateway_disconnects_total", "Calls whose callers did not wait for the answer.", "phase"),
		open: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "gateway_failed_open_total",
			Help: "Calls that have passed though their limits could not be read."}),
	}
}

func (c *carried) all() []prometheus.Collector {
	return []prometheus.Collector{c.calls, c.overhead, c.upstream, c.firstByte, c.estimated, c.left, c.open}
}

// Ended implements gateway.Watch.
func (m *Metrics) Ended(e *gateway.Ended) {
	c := m.carried
	c.calls.WithLabelValues(e.Upstream, e.Provider, string(e.Outcome)).Inc()
	for stage, took := range map[string]time.Duration{"read": e.Read, "reserve": e.Reserve, "settle": e.Settle} {
		c.overhead.WithLabelValues(stage).Observe(took.Seconds())
	}
	if e.Outcome != gateway.Refused {
		c.upstream.WithLabelValues(e.Upstream).Observe(e.Upstreamed.Seconds())
		c.firstByte.WithLabelValues(e.Upstream).Observe(e.FirstByte.Seconds())
	}
	if e.Estimated {
		c.estimated.WithLabelValues(e.Upstream).Inc()
	}
	if e.Gone != "" {
		c.left.WithLabelValues(string(e.Gone)).Inc()
	}
}

// FailedOpen implements gateway.Watch.
func (m *Metrics) FailedOpen() { m.carried.open.Inc() }
