package alwrity

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

type alertShape struct {
	ID            int64   `json:"id"`
	Type          string  `json:"type"`
	Threshold     int     `json:"threshold_percentage"`
	Provider      *string `json:"provider,omitempty"` // the client's schema has no null
	Title         string  `json:"title"`
	Message       string  `json:"message"`
	Severity      string  `json:"severity"`
	IsSent        bool    `json:"is_sent"`
	SentAt        *string `json:"sent_at,omitempty"`
	IsRead        bool    `json:"is_read"`
	ReadAt        *string `json:"read_at,omitempty"`
	BillingPeriod string  `json:"billing_period"`
	CreatedAt     string  `json:"created_at"`
}

func alertShapes(found []usage.Alert) []alertShape {
	shapes := []alertShape{}
	for _, a := range found {
		shapes = append(shapes, alertOf(a))
	}
	return shapes
}

func alertOf(a usage.Alert) alertShape {
	l := a.Limit
	s := alertShape{
		ID: a.ID, Threshold: a.Threshold, Provider: providerOf(l), IsSent: true, SentAt: stampOrNull(a.CreatedAt),
		IsRead: !a.ReadAt.IsZero(), ReadAt: stampOrNull(a.ReadAt), CreatedAt: stamp(a.CreatedAt),
		BillingPeriod: periodName(plan.Period{Start: a.PeriodStart}),
		Title:         fmt.Sprintf("%d%% of %s used", a.Threshold, l.Name),
		Message: fmt.Sprintf("%s of %s %s were used when this was noted", l.Amount(a.Used), l.Amount(l.Max),
			l.Unit()),
	}
	s.Type, s.Severity = "usage_warning", "info"
	if l.Meter == plan.Cost {
		s.Type = "cost_warning"
	}
	switch {
	case a.Threshold >= 100:
		s.Type, s.Severity, s.Title = "limit_reached", "error", l.Name+" is used up"
	case a.Threshold >= 90:
		s.Severity = "warning"
	}
	return s
}

// providerOf returns the provider that a limit's name says, nil where it says none.
func providerOf(l plan.Limit) *string {
	name := shownAs(strings.TrimSuffix(l.Name, "_"+string(l.Meter)))
	if l.Meter == plan.Cost || !slices.Contains(shownProviders(), name) {
		return nil
	}
	return &name
}

// alerts answers with a user's alerts, the newest first.
func alerts(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	q := usage.AlertQuery{User: in.user(c), Unread: in.yes("unread_only"), Standing: true,
		Limit: in.number("limit", 50, 1, 100)}
	if err := in.err(); err != nil {
		return err
	}
	page, err := c.Lists.Alerts(c.Context(), q)
	if err != nil {
		return err
	}
	counts, err := c.Lists.CountAlerts(c.Context(), q.User)
	if err != nil {
		return err
	}
	total := counts.All
	if q.Unread {
		total = counts.Unread
	}
	return answer(w, map[string]any{"alerts": alertShapes(page.Rows), "total": total, "unread_count": counts.Unread})
}

// markRead marks an alert as read, which only its user may.
func markRead(w http.ResponseWriter, c *web.Call) error {
	text := c.PathValue("alert")
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		in := inputOf(c)
		in.wrong("int_parsing", "It must be a whole number", text, "path", "alert_id")
		return in.err()
	}
	found, err := c.Lists.Alert(c.Context(), id)
	if failure.Is(err, failure.NotFound) {
		return refuse(http.StatusNotFound, "Alert not found")
	}
	if err != nil {
		return err
	}
	if err := c.MustActFor(found.UserID); err != nil {
		return err
	}
	if err := c.Lists.MarkRead(c.Context(), c.AuditFor(found.UserID, "alerts read"), []int64{id}); err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, enveloped{Success: true, Message: "Alert marked as read"})
}
