package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

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

// storedJSON returns what stored JSON says, null where there is none, and text
// that is no JSON as a string: an old row must not make the list unreadable. The
// two databases store the fields of an object in orders of their own; read, they
// come out alike.
func storedJSON(s string) any {
	if s == "" {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return s
	}
	return value
}

// storedText returns stored JSON as one text that is the same from both
// databases.
func storedText(s string) string {
	value := storedJSON(s)
	if text, ok := value.(string); ok || value == nil {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		return s
	}
	return string(text)
}

// changedFields says in one line what differs between two stored objects.
func changedFields(before, after string) string {
	was, is := fields("", storedJSON(before)), fields("", storedJSON(after))
	if len(was) == 0 && len(is) > 0 {
		return "new"
	}
	if len(is) == 0 && len(was) > 0 {
		return "withdrawn"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if old, ok := was[name]; !ok {
			parts = append(parts, name+" "+is[name])
		} else if old != is[name] {
			parts = append(parts, name+" "+old+" → "+is[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, ok := is[name]; !ok {
			parts = append(parts, name+" no longer "+was[name])
		}
	}
	return strings.Join(parts, "; ")
}

// fields flattens a stored object: a nested field is named "limits.gemini_calls".
func fields(prefix string, value any) map[string]string {
	flat := map[string]string{}
	object, ok := value.(map[string]any)
	if !ok {
		return flat
	}
	for name, field := range object {
		if nested, ok := field.(map[string]any); ok {
			maps.Copy(flat, fields(prefix+name+".", nested))
			continue
		}
		flat[prefix+name] = fmt.Sprint(field)
	}
	return flat
}

// Audit shows the changes that admins made.
func Audit(entries []usage.AuditEntry) Document {
	grid := gridOf([]string{"at", "actor", "action", "subject", "before", "after"}, entries, func(e usage.AuditEntry) []Cell {
		return []Cell{TimeCell(e.At), TextCell(e.Actor), TextCell(e.Action), TextCell(e.Subject), TextCell(storedText(e.Before)), TextCell(storedText(e.After))}
	})
	return listDocument(listOf(entries, viewAudit), grid, func(t *Text) error {
		if len(entries) == 0 {
			t.Note("no changes")
			return nil
		}
		columns := []column{{"WHEN", words}, {"WHO", names}, {"WHAT", words}, {"OF", names}, {"CHANGE", names}}
		return t.table(tableOf(columns, entries, func(e usage.AuditEntry) []span {
			return []span{text(Time(e.At)), text(e.Actor), text(e.Action), text(e.Subject), orNone(changedFields(e.Before, e.After))}
		}))
	})
}
