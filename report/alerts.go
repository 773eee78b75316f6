package report

import (
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

type alertView struct {
	ID          int64       `json:"id"`
	UserID      string      `json:"user_id"`
	PeriodStart moment      `json:"period_start"`
	Limit       string      `json:"limit"`
	Meter       plan.Meter  `json:"meter"`
	Threshold   int         `json:"threshold"` // percent
	Used        measure     `json:"used"`
	Max         *measure    `json:"max"`
	Action      plan.Action `json:"action"`
	EventID     *string     `json:"event_id"`
	CreatedAt   moment      `json:"created_at"`
	ReadAt      moment      `json:"read_at"`
}

func viewAlert(a usage.Alert) alertView {
	l := a.Limit
	return alertView{a.ID, a.UserID, moment(a.PeriodStart), l.Name, l.Meter, a.Threshold, measure{l.Meter, a.Used}, maximum(l), l.Action,
		orNull(a.EventID), moment(a.CreatedAt), moment(a.ReadAt)}
}

// Alerts shows a list of alerts.
func Alerts(alerts []usage.Alert) Document {
	header := []string{"id", "user_id", "period_start", "limit", "meter", "threshold", "used", "max", "action", "event_id", "created_at", "read_at"}
	grid := gridOf(header, alerts, func(a usage.Alert) []Cell {
		l := a.Limit
		return []Cell{NumberCell(a.ID), TextCell(a.UserID), TimeCell(a.PeriodStart), TextCell(l.Name), TextCell(string(l.Meter)), NumberCell(int64(a.Threshold)),
			Cell(measure{l.Meter, a.Used}.String()), maximumCell(l), TextCell(string(l.Action)), TextCell(a.EventID), TimeCell(a.CreatedAt), TimeCell(a.ReadAt)}
	})
	return listDocument(listOf(alerts, viewAlert), grid, func(t *Text) error {
		if len(alerts) == 0 {
			t.Note("no alerts")
			return nil
		}
		columns := []column{{"ID", number}, {"WHEN", words}, {"USER", names}, {"LIMIT", words}, {"REACHED", number}, {"USED", number}, {"MAXIMUM", number},
			{"ACTION", words}, {"PERIOD FROM", words}, {"READ", words}}
		return t.table(tableOf(columns, alerts, func(a usage.Alert) []span {
			l := a.Limit
			return []span{text(strconv.FormatInt(a.ID, 10)), text(Time(a.CreatedAt)), text(a.UserID), text(l.Name), thresholdSpan(a.Threshold),
				text(Amount(l.Meter, a.Used)), maximumSpan(l), text(string(l.Action)), text(a.PeriodStart.UTC().Format(time.DateOnly)), readSpan(a)}
		}))
	})
}

func thresholdSpan(percent int) span {
	s := caution
	if percent >= 100 {
		s = bad
	}
	return s.of(strconv.Itoa(percent) + "%")
}

func readSpan(a usage.Alert) span {
	if a.ReadAt.IsZero() {
		return strong.of("no")
	}
	return dim.of(Time(a.ReadAt))
}

type alertsCheckedView struct {
	Users int `json:"users"`
	Added int `json:"added"`
}

// AlertsChecked says how many users were looked at and how many alerts are new.
func AlertsChecked(users, added int) Document {
	grid := Grid{[]string{"users", "added"}, [][]Cell{{NumberCell(int64(users)), NumberCell(int64(added))}}}
	return Document{JSON: alertsCheckedView{users, added}, CSV: grid, Text: func(t *Text) error {
		t.Line("%s checked, %s", Counted(users, "user"), Counted(added, "new alert"))
		return nil
	}}
}

type alertsReadView struct {
	Read int `json:"read"`
}

// AlertsRead says how many alerts were marked as read.
func AlertsRead(n int) Document {
	grid := Grid{[]string{"read"}, [][]Cell{{NumberCell(int64(n))}}}
	return Document{JSON: alertsReadView{n}, CSV: grid, Text: func(t *Text) error {
		t.Line("%s marked as read", Counted(n, "alert"))
		return nil
	}}
}
