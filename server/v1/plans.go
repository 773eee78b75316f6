package v1

import (
	"cmp"
	"net/http"

	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
)

// plans answers with the plans that hold at a moment.
func plans(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	at := q.Time("at")
	if err := q.Err(); err != nil {
		return err
	}
	found, subscribers, err := c.Catalogue.Plans(c.Context(), c.Now, cmp.Or(at, c.Now))
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Plans(found, subscribers))
}

// planNamed answers with a plan and every limit.
func planNamed(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	at := q.Time("at")
	if err := q.Err(); err != nil {
		return err
	}
	found, subscribers, err := c.Catalogue.Plan(c.Context(), c.Now, c.PathValue("name"))
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Plan(found, subscribers, cmp.Or(at, c.Now)))
}
