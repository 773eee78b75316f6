package report

import (
	"strconv"

	"github.com/alwrity/alwrity-sub/usage"
)

// Alerts shows a list of alerts.
func Alerts(alerts []usage.Alert) Document {
	return rowsOf(alerts, func(a usage.Alert) fields {
		return fields{
			{"id", "ID", id(a.ID)},
			{"user_id", "USER", name(a.UserID)},
			{"period_start", "PERIOD FROM", day(a.PeriodStart)},
			{"limit", "LIMIT", a.Limit.Name},
			{"meter", "", a.Limit.Meter},
			{"threshold", "REACHED", shown(a.Threshold, threshold(a.Threshold))},
			{"used", "USED", measure{a.Limit.Meter, a.Used}},
			{"max", "MAXIMUM", maximum(a.Limit)},
			{"action", "ACTION", a.Limit.Action},
			{"event_id", "", orNull(a.EventID)},
			{"created_at", "WHEN", a.CreatedAt},
			{"read_at", "READ", shown(a.ReadAt, readAt(a))},
		}
	}).document("id created_at user_id limit threshold used max action period_start read_at", "no alerts")
}

func threshold(percent int) span {
	s := caution
	if percent >= 100 {
		s = bad
	}
	return s.of(strconv.Itoa(percent) + "%")
}

func readAt(a usage.Alert) span {
	if a.ReadAt.IsZero() {
		return strong.of("no")
	}
	return dim.of(Time(a.ReadAt))
}

// AlertsChecked says how many users were looked at and how many alerts are new.
func AlertsChecked(users, added int) Document {
	return fields{{"users", "", users}, {"added", "", added}}.
		says("%s checked, %s", Counted(users, "user"), Counted(added, "new alert"))
}

// AlertsRead says how many alerts were marked as read.
func AlertsRead(n int) Document {
	return fields{{"read", "", n}}.says("%s marked as read", Counted(n, "alert"))
}
