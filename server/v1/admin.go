package v1

import (
	"net/http"
	"strconv"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
)

// audit lists changes that admins made, the newest first.
func audit(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	before, limit := q.Key("after"), q.Page()
	if err := q.Err(); err != nil {
		return err
	}
	found, err := c.Lists.Audit(c.Context(), before, limit)
	if err != nil {
		return err
	}
	if found.More {
		c.Next(w, strconv.FormatInt(found.Rows[len(found.Rows)-1].ID, 10))
	}
	return c.Document(w, http.StatusOK, report.Audit(found.Rows))
}

// doctor answers with what was checked of configuration, database, prices and totals. That a check finds a problem is
// no failure of the request.
func doctor(w http.ResponseWriter, c *web.Call) error {
	if err := c.Query().Err(); err != nil {
		return err
	}
	configuration := *c.Configuration
	configuration.Clock, configuration.Rehearsal = c.Clock(), c.Rehearsal
	checks, err := c.Health.Checks(c.Context(), c.Now, &configuration)
	if err != nil {
		return err
	}
	for i := range checks {
		check := &checks[i]
		if check.Hint == "" {
			check.Hint = web.Hint(&failure.Error{Reason: check.Reason, Args: check.Args})
		}
	}
	return c.Document(w, http.StatusOK, report.Checks(checks))
}
