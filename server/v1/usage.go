package v1

import (
	"cmp"
	"net/http"

	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
)

// showUsage answers with a user's period against every limit of the plan.
func showUsage(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	at := q.Time("at")
	if err := q.Err(); err != nil {
		return err
	}
	used, err := c.Usage.Show(c.Context(), c.PathValue("user"), cmp.Or(at, c.Now), c.Now)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Usage(used))
}
