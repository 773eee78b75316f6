package trace

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Exporter sends spans to a collector. One that is nil only passes contexts on.
type Exporter struct {
	settings
	version string
	client  *http.Client
	waiting chan Span
	log     *slog.Logger
	failing bool // the collector did not take the last spans, which was said
}

// Span is one request that was answered.
type Span struct {
	Context
	Parent     [8]byte // of the caller; zero for none
	Name       string
	Began      time.Time
	Took       time.Duration
	Attributes map[string]any // texts and whole numbers
	Failed     bool           // by a fault of ours
}

// New returns an exporter as the variables of OpenTelemetry say, nil where they ask for none.
func New(lookup func(name string) string, version string, log *slog.Logger) (*Exporter, error) {
	s, err := read(lookup, version)
	if err != nil || s.endpoint == "" {
		return nil, err
	}
	return &Exporter{settings: s, version: version, client: &http.Client{Timeout: s.timeout},
		waiting: make(chan Span, s.queue), log: log}, nil
}

// Begin returns the place of a request whose caller has sent a header, and the caller's own.
func (e *Exporter) Begin(header string) (here, parent Context) {
	parent = Parse(header)
	switch {
	case e == nil && !parent.IsZero():
		return parent, parent // there is no span of ours to be named
	case e == nil:
		return newTrace(), parent
	case parent.IsZero():
		here = newTrace()
	default:
		here = parent.child()
	}
	if !e.sampler.parent || parent.IsZero() {
		here.Sampled = e.sampler.takes(here)
	}
	return here, parent
}

// takes decides by the trace's id, so that all who see the trace decide alike.
func (s sampler) takes(c Context) bool {
	return s.share >= 1 || float64(binary.BigEndian.Uint64(c.Trace[8:])>>1) < s.share*(1<<63)
}

// End hands a span in. Where too many wait for the collector it is lost: no request waits for it.
func (e *Exporter) End(s Span) {
	if e == nil || !s.Sampled {
		return
	}
	select {
	case e.waiting <- s:
	default:
	}
}

// Run sends what is handed in until the context is done, and then what is left.
func (e *Exporter) Run(ctx context.Context) {
	if e == nil {
		return
	}
	tick := time.NewTicker(e.delay)
	defer tick.Stop()
	var load []Span
	send := func(ctx context.Context) {
		if len(load) > 0 {
			e.send(ctx, load)
			load = load[:0]
		}
	}
	for {
		select {
		case s := <-e.waiting:
			if load = append(load, s); len(load) >= e.load {
				send(ctx)
			}
		case <-tick.C:
			send(ctx)
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer stop()
			for len(e.waiting) > 0 {
				load = append(load, <-e.waiting)
			}
			send(last)
			return
		}
	}
}

// send sends spans. What the collector does not take is lost; it is said once until it takes some again.
func (e *Exporter) send(ctx context.Context, spans []Span) {
	err := e.post(ctx, spans)
	if err != nil && !e.failing {
		e.log.Warn("traces are lost: the collector does not take them", "error", err.Error())
	}
	if err == nil && e.failing {
		e.log.Warn("the collector takes traces again")
	}
	e.failing = err != nil
}

func (e *Exporter) post(ctx context.Context, spans []Span) error {
	body, err := json.Marshal(e.document(spans))
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range e.headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("it answers %s", response.Status)
	}
	return nil
}
