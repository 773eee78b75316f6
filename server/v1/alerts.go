package v1

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// alerts lists alerts, the newest first.
func alerts(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := usage.AlertQuery{Unread: q.Bool("unread"), Before: q.Key("after"), Limit: q.Page()}
	user := q.Text("user")
	err := q.Err()
	if err != nil {
		return err
	}
	if wanted.User, err = c.UserOf(user); err != nil {
		return err
	}
	found, err := c.Lists.Alerts(c.Context(), wanted)
	if err != nil {
		return err
	}
	if found.More {
		c.Next(w, strconv.FormatInt(found.Rows[len(found.Rows)-1].ID, 10))
	}
	return c.Document(w, http.StatusOK, report.Alerts(found.Rows))
}

// readAlerts marks alerts as read: who is bound to a user, that user's.
func readAlerts(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		IDs []int64 `json:"ids"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	if len(body.IDs) == 0 || len(body.IDs) > usage.PageSize {
		return failure.Invalidf("ids has %d alerts: it must have 1 to %d", len(body.IDs), usage.PageSize)
	}
	for _, id := range body.IDs {
		if id < 1 {
			return failure.Invalidf("the alert id %d is none: ids begin with 1", id)
		}
	}
	user, err := c.UserOf("")
	if err != nil {
		return err
	}
	if user == "" {
		err = c.Lists.MarkRead(c.Context(), c.Audit("alerts read"), body.IDs)
	} else {
		err = c.Lists.MarkReadOf(c.Context(), c.AuditFor(user, "alerts read"), user, body.IDs)
	}
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.AlertsRead(len(body.IDs)))
}
