package v1

import (
	"cmp"
	"net/http"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// showUsage answers with a user's period against every limit of the plan.
func showUsage(w http.ResponseWriter, c *web.Call) error { return answerUsage(w, c, report.Usage) }

// showLimits answers with the limits alone, and when they begin anew.
func showLimits(w http.ResponseWriter, c *web.Call) error { return answerUsage(w, c, report.Limits) }

func answerUsage(w http.ResponseWriter, c *web.Call, show func(usage.PeriodUsage) report.Document) error {
	q := c.Query()
	at := q.Time("at")
	if err := q.Err(); err != nil {
		return err
	}
	used, err := c.Usage.ShowWith(c.Context(), c.PathValue("user"), c.Who.TokenID, cmp.Or(at, c.Now), c.Now)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, show(used))
}

// usageReport answers with usage and cost, broken down as it is asked for.
func usageReport(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := usage.ReportQuery{Provider: q.Name("provider"), From: q.Time("from"), To: q.Time("to")}
	user, month, top := q.Text("user"), q.Text("month"), q.Int("top", 0, 0, 1_000_000)
	by := cmp.Or(q.Name("by"), "provider")
	if err := q.Err(); err != nil {
		return err
	}
	var err error
	if wanted.User, err = c.UserOf(user); err != nil {
		return err
	}
	if wanted.By, err = usage.ParseDimensions(by); err != nil {
		return err
	}
	if wanted, err = wanted.Over(month, c.Now); err != nil {
		return err
	}
	result, err := c.Reports.Report(c.Context(), wanted, top)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Report(result, false))
}

// refusals answers with how many calls were refused, broken down as it is asked for.
func refusals(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := usage.RefusalQuery{From: q.Time("from"), To: q.Time("to")}
	user, month, top := q.Text("user"), q.Text("month"), q.Int("top", 0, 0, 1_000_000)
	by := cmp.Or(q.Name("by"), "reason,limit")
	err := q.Err()
	if err != nil {
		return err
	}
	if wanted.User, err = c.UserOf(user); err != nil {
		return err
	}
	if wanted.By, err = usage.ParseRefusalDimensions(by); err != nil {
		return err
	}
	if wanted, err = wanted.Over(month, c.Now); err != nil {
		return err
	}
	result, err := c.Lists.Refusals(c.Context(), wanted, top)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Refusals(result))
}

// trends answers with usage by month.
func trends(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	named, months := q.Text("user"), q.Int("months", 6, 1, 120)
	if err := q.Err(); err != nil {
		return err
	}
	user, err := c.UserOf(named)
	if err != nil {
		return err
	}
	trend, err := c.Reports.Trend(c.Context(), user, months, c.Now)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Trend(trend))
}

// logs lists recorded calls, the newest first.
func logs(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := usage.LogQuery{Provider: q.Name("provider"), Model: q.Text("model"), From: q.Time("from"), To: q.Time("to"),
		Status: usage.LogStatus(q.Name("status")), Voided: q.Bool("voided"), Measured: q.Name("measured"), Limit: q.Page()}
	user, after := q.Text("user"), q.Text("after")
	err := cmp.Or(q.Err(), wanted.Validate())
	if err != nil {
		return err
	}
	if wanted.User, err = c.UserOf(user); err != nil {
		return err
	}
	if wanted.Status == usage.LogUnpriced {
		if err := c.MustSeeCost(); err != nil {
			return err
		}
	}
	entries, names, err := c.Reports.Logs(c.Context(), wanted, after)
	if err != nil {
		return err
	}
	if len(entries) == wanted.Limit {
		c.Next(w, entries[len(entries)-1].ID)
	}
	return c.Document(w, http.StatusOK, report.Logs(entries, func(id int64) string { return names[id] }))
}

// void takes events back: those with some ids, or all of a user between two moments.
func void(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		IDs      []string `json:"ids"`
		User     string   `json:"user"`
		From     string   `json:"from"`
		To       string   `json:"to"`
		Provider string   `json:"provider"`
		Model    string   `json:"model"`
		Reason   string   `json:"reason"`
		DryRun   bool     `json:"dry_run"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	k := usage.Correction{Audit: c.Audit("usage void"), Reason: body.Reason, DryRun: body.DryRun}
	if (len(body.IDs) > 0) == (body.User != "") {
		return failure.Invalidf("name the events in one way: by ids, or as those of a user between from and to")
	}
	var voided []usage.Voided
	var err error
	if body.User == "" {
		if body.From != "" || body.To != "" || body.Provider != "" || body.Model != "" {
			return failure.Invalidf("from, to, provider and model are for user: ids name their events")
		}
		voided, err = c.Corrections.Void(c.Context(), k, body.IDs)
	} else {
		q := usage.LogQuery{User: body.User, Provider: body.Provider, Model: body.Model}
		if body.From == "" || body.To == "" {
			return failure.Invalidf("user needs from and to: what lies between them is taken back")
		}
		if q.From, err = usage.ParseTime("from", body.From); err != nil {
			return err
		}
		if q.To, err = usage.ParseTime("to", body.To); err != nil {
			return err
		}
		voided, err = c.Corrections.VoidWhere(c.Context(), k, q)
	}
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Voided(voided, !body.DryRun))
}

// correct records an event anew as it should have been. Its body is what was wrong, as an event's fields.
func (a *calls) correct(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	k := usage.Correction{Audit: c.Audit("usage correct"), Reason: q.Text("reason"), DryRun: q.Bool("dry_run"),
		AllowFuture: q.Bool("allow_future")}
	if err := q.Err(); err != nil {
		return err
	}
	text, err := c.JSON()
	if err != nil {
		return err
	}
	var change func(usage.Event) usage.Event
	err = a.readers.Use(func(r *usage.ObjectReader) (err error) {
		change, err = r.Change(text)
		return err
	})
	if err != nil {
		return err
	}
	corrected, err := c.Corrections.Correct(c.Context(), k, c.PathValue("id"), change)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Corrected(corrected, !k.DryRun))
}
