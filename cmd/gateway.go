package cmd

import (
	"context"
	"errors"
	"time"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/metrics"
)

const (
	keyGatewayUpstreams = "gateway_upstreams"
	keyGatewaySpool     = "gateway_spool"
	keyGatewayOutput    = "gateway_assumed_output"
	keyGatewayGone      = "gateway_caller_gone"
	keyGatewayBroken    = "gateway_bill_broken"
	keyGatewayUnpriced  = "gateway_refuse_unpriced"
	keyFailOpen         = "usage_limits_emergency_fail_open"
)

// gatewayKeys is every setting of the calls that the server carries to vendors.
func gatewayKeys() []key {
	return []key{
		{keyGatewayUpstreams, "", "", "a file of upstreams that change or replace the built-in ones: docs/gateway.md"},
		{keyGatewaySpool, "", "spool", "the directory that keeps what calls have used while the database can't"},
		{keyGatewayOutput, "", "1024", "output tokens that are reserved for a call that sets no bound"},
		{keyGatewayGone, "", "cancel", "cancel, or drain: a stream whose caller has gone is read on for its usage"},
		{keyGatewayBroken, "", "false", "whether an answer that its vendor broke off is charged"},
		{keyGatewayUnpriced, "", "false", "whether a call of a model without a price is refused"},
		{keyFailOpen, "", "false", "true: calls pass while limits can't be read; for emergencies"},
	}
}

// gatewaySettings are what configuration says of the gateway.
type gatewaySettings struct {
	upstreams *gateway.Catalogue
	spool     *gateway.Spool
	gateway.Settings
}

// gateway reads what the gateway needs. The file of upstreams is read for those alone that call them.
func (r *reader) gateway(p Process, calls bool) gatewaySettings {
	s := gatewaySettings{spool: gateway.OpenSpool(r.path(keyGatewaySpool, p.Dir)), Settings: gateway.Settings{
		AssumedOutput: int64(r.integer(keyGatewayOutput, 1, pricing.MaxQuantity)),
		DrainGone:     r.enum(keyGatewayGone, "cancel", "drain") == "drain",
		BillBroken:    r.boolean(keyGatewayBroken), RefuseUnpriced: r.boolean(keyGatewayUnpriced),
		FailOpen: r.boolean(keyFailOpen),
	}}
	if !calls || r.err != nil {
		return s
	}
	var text []byte
	name := r.path(keyGatewayUpstreams, p.Dir)
	if name != "" {
		var err error
		if text, err = failure.ReadFile(name); err != nil {
			r.fail(failure.Invalidf("%s: %s can't be read: %s", r.label(keyGatewayUpstreams), name,
				failure.WithoutPath(err)).Because(err))
			return s
		}
	}
	var err error
	s.upstreams, err = gateway.Read(name, text)
	r.fail(err)
	return s
}

// settleFor is how long calls that have ended may take to be recorded or written to the spool, once the server ends.
const settleFor = 15 * time.Second

// gatewayOptions are what a gateway is made of.
func (g *program) gatewayOptions(s *commands.Services, d *db.DB) gateway.Options {
	settings := g.settings.gateway
	return gateway.Options{
		Upstreams: settings.upstreams, Lookup: g.settings.serve.lookup, Usage: s.Usage, Store: d, Figures: d.Figures,
		Book: s.Catalogue.Book, Clock: g.env.Now, Log: g.logs.both, Spool: settings.spool,
		Version: g.env.Settings.Version, Settings: settings.Settings,
	}
}

// gateway makes what carries calls, and keeps its spool empty until stop is called.
func (g *program) gateway(
	ctx context.Context, s *commands.Services, d *db.DB, m *metrics.Metrics,
) (made *gateway.Gateway, stop func() error) {
	options := g.gatewayOptions(s, d)
	options.Watch = m
	made = gateway.New(options)
	if made.FailOpen {
		g.logs.both.Warn("calls pass while limits can't be read", "setting", key{name: keyFailOpen}.variable())
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		made.Run(running)
	}()
	return made, func() error {
		waiting, give := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
		defer give()
		err := made.Wait(waiting)
		cancel()
		<-done
		if errors.Is(err, context.DeadlineExceeded) {
			g.logs.both.Error("calls were not settled in time: their reservations end as unknown outcomes")
			return nil
		}
		return err
	}
}
