package alwrity

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

type dashboardShape struct {
	TotalUsage  usageStats       `json:"total_usage"`
	Current     usageStats       `json:"current_period_usage"`
	Former      usageStats       `json:"current_usage"` // the same, as clients before current_period_usage call it
	Trends      trendShape       `json:"trends"`
	Limits      planLimits       `json:"limits"`
	Alerts      []alertShape     `json:"alerts"`
	Projections projectionShape  `json:"projections"`
	Summary     dashboardSummary `json:"summary"`
}

type projectionShape struct {
	Cost       json.Number `json:"projected_monthly_cost"`
	Limit      json.Number `json:"cost_limit"`
	Percentage json.Number `json:"projected_usage_percentage"`
}

type dashboardSummary struct {
	Calls        int64       `json:"total_api_calls_this_month"`
	Cost         json.Number `json:"total_cost_this_month"`
	UsageStatus  string      `json:"usage_status"`
	UnreadAlerts int64       `json:"unread_alerts"`
}

// dashboardAlerts is how many alerts the dashboard has.
const dashboardAlerts = 5

// dashboard answers with all that the billing page shows first. It reads totals, and of the log a hundred rows at most.
func dashboard(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	user := in.user(c)
	month, _ := in.month()
	if err := in.err(); err != nil {
		return err
	}
	d, err := web.Kept(c, user, fmt.Sprint("dashboard ", int(month)), func() (json.RawMessage, time.Time, error) {
		d, until, err := dashboardOf(c, user)
		if err == nil && month != 0 {
			d.TotalUsage, err = monthStats(c, user, month)
		}
		if err != nil {
			return nil, until, err
		}
		text, err := json.Marshal(d)
		return text, until, err
	})
	if err != nil {
		return err
	}
	return answer(w, d)
}

// dashboardOf makes a dashboard, and says until when it is one if nobody changes anything.
func dashboardOf(c *web.Call, user string) (d dashboardShape, until time.Time, err error) {
	h, err := c.Usage.History(c.Context(), user, c.Now)
	if err != nil {
		return d, until, err
	}
	until = h.Account.StandsUntil(c.Now)
	latest, err := c.Reports.Latest(c.Context(), user, time.Time{}, time.Time{})
	if err != nil {
		return d, until, err
	}
	running, err := c.Reports.Latest(c.Context(), user, h.Running.Period.Start, time.Time{})
	if err != nil {
		return d, until, err
	}
	if d.Trends, err = trendOf(c, user, trendMonths); err != nil {
		return d, until, err
	}
	unread, err := c.Lists.Alerts(c.Context(), usage.AlertQuery{User: user, Unread: true, Limit: dashboardAlerts})
	if err != nil {
		return d, until, err
	}
	counts, err := c.Lists.CountAlerts(c.Context(), user)
	d.Alerts = alertShapes(unread.Rows)
	d.TotalUsage, d.Current = allTimeOf(h, latest, c.Now), statsOf(h.Running, running, h.Account.Plans, c.Now)
	d.Former, d.Limits = d.Current, d.Current.Limits
	d.Projections = projectionOf(h.Running, c.Now)
	d.Summary = dashboardSummary{d.Current.TotalCalls, d.Current.TotalCost, d.Current.UsageStatus, counts.Unread}
	return d, until, err
}

// projectionOf says what the running period will have cost, against the limit of the cost.
func projectionOf(u usage.PeriodUsage, now time.Time) projectionShape {
	cost := u.Projected(now)
	p := projectionShape{json.Number(cost.String()), "0", "0"}
	for _, v := range u.Limits {
		l := v.Limit
		if l.Name != costKey || l.Meter != plan.Cost || l.Unlimited || l.Max == 0 {
			continue
		}
		p.Limit = dollars(pricing.USD(l.Max))
		p.Percentage = json.Number(cost.Scale(int64(100*pricing.Dollar), l.Max).Cents().String())
	}
	return p
}
