package gateway

import (
	"cmp"
	"context"
	"slices"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Status is how the gateway stands, as any process can see it that has its configuration, database and spool.
type Status struct {
	Upstreams []UpstreamStatus
	Spool     SpoolState
	Held      int64               // reservations that hold something now, whoever took them
	Killed    []usage.Reservation // of calls whose process was killed, as far as no server has settled them yet
	Unknown   usage.Unknown       // of those that are settled, of the days that usage.UnknownDays says
}

// UpstreamStatus is an upstream, and what of it is configured.
type UpstreamStatus struct {
	*Upstream
	Variables []Variable // its keys are in these; any one is enough
	Callable  bool       // it has a key, or needs none
}

// Variable is one that may have keys, and never what it has.
type Variable struct {
	Name string
	Set  bool
}

// mostKilled is how many reservations of killed processes are listed.
const mostKilled = 1000

// Status says how the gateway stands. It reads the database and the spool, and changes nothing.
func (g *Gateway) Status(ctx context.Context) (Status, error) {
	var s Status
	for _, up := range g.Upstreams.Upstreams {
		of := UpstreamStatus{Upstream: up, Callable: g.Configured(up)}
		for _, name := range up.Keys {
			of.Variables = append(of.Variables, Variable{name, len(NewKeys([]string{name}, g.Lookup).all) > 0})
		}
		s.Upstreams = append(s.Upstreams, of)
	}
	var err error
	if s.Spool, err = g.Spool.State(); err != nil {
		return s, err
	}
	now := g.Clock()
	if s.Killed, err = g.Store.Unsettled(ctx, now, mostKilled); err != nil {
		return s, err
	}
	figures, err := g.Figures(ctx, now)
	s.Held, s.Unknown = figures.Held, figures.Unknown
	return s, err
}

// Model is a model that an upstream is asked for, with its price now. pricing.DefaultModel stands for any that has none
// of its own.
type Model struct {
	Upstream *Upstream
	Callable bool // the upstream has a key, or needs none
	Price    pricing.Price
}

// Models returns what can be called at what price, upstream by upstream; with all also what no key is there for. An
// unknown provider is an invalid failure; "" stands for every one.
func (g *Gateway) Models(ctx context.Context, provider string, all bool) ([]Model, error) {
	book, err := g.Book(ctx)
	if err != nil {
		return nil, err
	}
	if provider != "" {
		if _, err := book.Providers.Find(provider); err != nil {
			return nil, err
		}
	}
	prices := book.All(g.Clock())
	var models []Model
	for _, up := range g.Upstreams.Upstreams {
		callable, of := g.Configured(up), up.providers()
		if !callable && !all {
			continue
		}
		for _, p := range prices {
			if slices.Contains(of, p.Provider) && p.Provider == cmp.Or(provider, p.Provider) {
				models = append(models, Model{up, callable, p})
			}
		}
	}
	return models, nil
}

// providers are all under which calls of the upstream are recorded.
func (u *Upstream) providers() []string {
	var all []string
	for _, p := range u.Paths {
		for _, provider := range providersOf(&Route{Upstream: u, Path: p}) {
			if !slices.Contains(all, provider) {
				all = append(all, provider)
			}
		}
	}
	return all
}
