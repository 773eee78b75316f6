package report

import (
	"fmt"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// GatewayStatus shows what of the gateway is configured, and what waits to be settled.
func GatewayStatus(s gateway.Status) Document {
	upstreams := rowsOf(s.Upstreams, upstreamFields)
	cost := pricing.Total{}
	for _, r := range s.Killed {
		cost = cost.Add(pricing.TotalOf(r.Cost))
	}
	facts := fields{
		{"spool", "", fields{{"directory", "", s.Spool.Dir}, {"waiting", "", s.Spool.Waiting},
			{"rejected", "", s.Spool.Rejected}}},
		{"held_reservations", "", s.Held},
		{"killed", "", fields{{"reservations", "", len(s.Killed)}, {"cost_at_most", "", cost}}},
		{"unknown_outcomes", "", fields{{"days", "", usage.UnknownDays}, {"calls", "", s.Unknown.Calls},
			{"cost_at_most", "", s.Unknown.Cost}}},
	}
	said := fields{
		{"", "SPOOL", shown(s.Spool.Dir, spoolSpan(s.Spool))},
		{"", "HELD", failure.Counted(int(s.Held), "reservation")},
		{"", "KILLED", shown("", unsettledSpan(int64(len(s.Killed)), cost, " not settled yet"))},
		{"", "UNKNOWN", shown("", unsettledSpan(s.Unknown.Calls, s.Unknown.Cost,
			fmt.Sprintf(" in %d days", usage.UnknownDays)))},
	}
	return Document{JSON: append(fields{{"upstreams", "", upstreams}}, facts...), CSV: upstreams, Text: func(t *Text) {
		t.list(upstreams, "", "no upstreams")
		t.Gap()
		t.facts(said)
	}}
}

func upstreamFields(s gateway.UpstreamStatus) fields {
	if s.Upstream == nil {
		s.Upstream = &gateway.Upstream{}
	}
	url := ""
	if s.URL != nil {
		url = s.URL.String()
	}
	keys := rowsOf(s.Variables, func(v gateway.Variable) fields {
		return fields{{"variable", "", v.Name}, {"set", "", v.Set}}
	})
	return fields{
		{"name", "UPSTREAM", s.Name}, {"provider", "PROVIDER", s.Provider}, {"url", "URL", name(url)},
		{"callable", "", s.Callable}, {"keys", "", jsonOnly(keys)},
		{"", "KEY", peopleOnly(shown("", keySpan(s)))},
	}
}

// keySpan says which variables have keys, and never what they have.
func keySpan(s gateway.UpstreamStatus) span {
	var set, missing []string
	for _, v := range s.Variables {
		if v.Set {
			set = append(set, v.Name)
		} else {
			missing = append(missing, v.Name)
		}
	}
	switch {
	case len(s.Variables) == 0:
		return dim.of("needs none")
	case len(set) > 0:
		return good.of(strings.Join(set, ", ") + " is set")
	}
	return dim.of(strings.Join(missing, " or ") + " is missing")
}

func spoolSpan(s gateway.SpoolState) span {
	switch {
	case s.Rejected > 0:
		return bad.of(fmt.Sprintf("%s: %d waiting, %d rejected, in rejected.txt", s.Dir, s.Waiting, s.Rejected))
	case s.Waiting > 0:
		return caution.of(fmt.Sprintf("%s: %d waiting", s.Dir, s.Waiting))
	}
	return good.of(s.Dir + ": empty")
}

func unsettledSpan(calls int64, cost pricing.Total, more string) span {
	if calls == 0 {
		return good.of("no calls" + more)
	}
	return caution.of(fmt.Sprintf("%s%s, %s at most", failure.Counted(int(calls), "call"), more, cost.Display()))
}

// GatewayModels shows what can be called at what price.
func GatewayModels(models []gateway.Model) Document {
	prices := listOf(models, func(m gateway.Model) pricing.Price { return m.Price })
	list := rowsOf(models, func(m gateway.Model) fields {
		upstream := ""
		if m.Upstream != nil {
			upstream = m.Upstream.Name
		}
		return append(fields{{"upstream", "UPSTREAM", upstream}, {"callable", "", m.Callable}}, priceFields(m.Price)...)
	})
	return Document{JSON: list, CSV: list, Text: func(t *Text) {
		t.list(list, "upstream "+priceColumns(prices), "nothing can be called: no upstream has a key")
		if len(models) > 0 {
			t.Note("%s, each price for one unless it says /1M (a million)", failure.Counted(len(models), "model"))
		}
	}}
}

// GatewayTried shows what has become of a call that tried an upstream.
func GatewayTried(r gateway.Tried) Document {
	measured, cost := "reported", valueOf(r.Cost)
	if r.Estimated {
		measured = "estimated"
	}
	if r.Spooled {
		cost = shown(nil, caution.of("not known yet: it is in the spool"))
	}
	tokens := fmt.Sprintf("%s in, %s out (%s)", Count(r.Quantities[pricing.InputTokens]),
		Count(r.Quantities[pricing.OutputTokens]), measured)
	all := fields{
		{"upstream", "UPSTREAM", r.Upstream}, {"provider", "PROVIDER", r.Provider}, {"model", "MODEL", orDash(r.Model)},
		{"user_id", "USER", name(r.User)}, {"event_id", "EVENT", r.EventID}, {"status_code", "STATUS", id(r.Status)},
		{"latency_ms", "LATENCY", shown(r.Latency.Milliseconds(), text(fmt.Sprintf("%d ms", r.Latency.Milliseconds())))},
		{"cost", "COST", cost}, {"", "TOKENS", peopleOnly(tokens)}, {"measured", "", measured},
		{"input_tokens", "", r.Quantities[pricing.InputTokens]}, {"output_tokens", "", r.Quantities[pricing.OutputTokens]},
		{"answer", "ANSWER", name(r.Answer)}, {"denied", "", orNull(r.Denied)},
	}
	return all.document(func(t *Text) {
		t.facts(all.pick(""))
		if r.Denied != "" {
			t.Note("a customer's call would not have passed: %s", r.Denied)
		}
	})
}
