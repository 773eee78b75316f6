package report

import (
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

type reservationView struct {
	ID          string      `json:"id"`
	UserID      string      `json:"user_id"`
	Provider    string      `json:"provider"`
	Model       string      `json:"model"`
	Vendor      string      `json:"vendor"`
	PeriodStart moment      `json:"period_start"`
	Calls       int64       `json:"calls"`
	Tokens      int64       `json:"tokens"`
	Cost        pricing.USD `json:"cost"`
	Status      string      `json:"status"` // held, expired, settled, released
	CreatedAt   moment      `json:"created_at"`
	ExpiresAt   moment      `json:"expires_at"`
	ClosedAt    moment      `json:"closed_at"`
	EventID     *string     `json:"event_id"`
}

func viewReservation(r usage.Reservation, status string) reservationView {
	return reservationView{r.ID, r.UserID, r.Provider, r.Model, r.Vendor, moment(r.PeriodStart), r.Calls, r.Tokens, r.Cost, status,
		moment(r.CreatedAt), moment(r.ExpiresAt), moment(r.ClosedAt), orNull(r.EventID)}
}

func reservationHeader() []string {
	return []string{"id", "user_id", "provider", "model", "vendor", "period_start", "calls", "tokens", "cost", "status",
		"created_at", "expires_at", "closed_at", "event_id"}
}

func (v reservationView) cells() []Cell {
	return []Cell{TextCell(v.ID), TextCell(v.UserID), TextCell(v.Provider), TextCell(v.Model), TextCell(v.Vendor), TimeCell(time.Time(v.PeriodStart)),
		NumberCell(v.Calls), NumberCell(v.Tokens), MoneyCell(v.Cost), TextCell(v.Status), TimeCell(time.Time(v.CreatedAt)),
		TimeCell(time.Time(v.ExpiresAt)), TimeCell(time.Time(v.ClosedAt)), TextCell(orEmpty(v.EventID))}
}

// Reservations shows reservations as they stand at a moment.
func Reservations(list []usage.Reservation, now time.Time) Document {
	views := listOf(list, func(r usage.Reservation) reservationView {
		status := string(r.Status)
		if r.Status == usage.Held && !r.HoldsAt(now) {
			status = "expired"
		}
		return viewReservation(r, status)
	})
	return listDocument(views, gridOf(reservationHeader(), views, reservationView.cells), func(t *Text) error {
		if len(views) == 0 {
			t.Note("no reservations")
			return nil
		}
		columns := []column{{"ID", words}, {"USER", names}, {"PROVIDER", words}, {"MODEL", names}, {"CALLS", number}, {"TOKENS", number},
			{"COST", money}, {"STATUS", words}, {"UNTIL", words}}
		return t.table(tableOf(columns, views, func(v reservationView) []span {
			return []span{text(v.ID), text(v.UserID), text(v.Provider), orNone(v.Model), text(Count(v.Calls)), text(Count(v.Tokens)),
				text(v.Cost.Display()), text(v.Status), text(Time(time.Time(v.ExpiresAt)))}
		}))
	})
}

// Released shows a reservation that was given back.
func Released(r usage.Reservation) Document {
	view := viewReservation(r, string(r.Status))
	return Document{JSON: view, CSV: Grid{reservationHeader(), [][]Cell{view.cells()}}, Text: func(t *Text) error {
		t.Line("%s %s: %s, %s and %s of %s can be used again", r.Status, r.ID,
			Counted(r.Calls, "call"), Counted(r.Tokens, "token"), r.Cost.Display(), r.UserID)
		return nil
	}}
}
