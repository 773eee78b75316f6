package report

import (
	"encoding/json"

	"github.com/alwrity/alwrity-sub/usage"
)

type auditView struct {
	At      moment `json:"at"`
	Actor   string `json:"actor"`
	Action  string `json:"action"`
	Subject string `json:"subject"`
	Before  any    `json:"before"`
	After   any    `json:"after"`
}

func viewAudit(e usage.AuditEntry) auditView {
	return auditView{moment(e.At), e.Actor, e.Action, e.Subject, storedJSON(e.Before), storedJSON(e.After)}
}

// storedJSON returns stored JSON as it is, null where there is none, and text
// that is no JSON as a string: an old row must not make the list unreadable.
func storedJSON(s string) any {
	switch {
	case s == "":
		return nil
	case json.Valid([]byte(s)):
		return json.RawMessage(s)
	}
	return s
}

// Audit shows the changes that admins made.
func Audit(entries []usage.AuditEntry) Document {
	grid := gridOf([]string{"at", "actor", "action", "subject", "before", "after"}, entries, func(e usage.AuditEntry) []Cell {
		return []Cell{TimeCell(e.At), TextCell(e.Actor), TextCell(e.Action), TextCell(e.Subject), TextCell(e.Before), TextCell(e.After)}
	})
	return listDocument(listOf(entries, viewAudit), grid, func(t *Text) error {
		if len(entries) == 0 {
			t.Note("no changes")
			return nil
		}
		columns := []column{{"WHEN", words}, {"WHO", names}, {"WHAT", words}, {"OF", names}, {"BEFORE", names}, {"AFTER", names}}
		return t.table(tableOf(columns, entries, func(e usage.AuditEntry) []span {
			return []span{text(forPeople(e.At)), text(e.Actor), text(e.Action), text(e.Subject), orNone(e.Before), orNone(e.After)}
		}))
	})
}
