package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/usage"
)

// storedJSON returns what stored JSON says, null where there is none, and text that is no JSON as a string: an old row
// must not make the list unreadable. The two databases store the fields of an object in orders of their own; read, they
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

// storedValue is what stored JSON says, in CSV as one text that is the same from both databases.
func storedValue(s string) value {
	of := storedJSON(s)
	text, isText := of.(string)
	if !isText && of != nil {
		again, _ := json.Marshal(of) // it was read from JSON
		text = string(again)
	}
	return value{json: of, csv: usage.ProtectCell(text)}
}

// changedFields says in one line what differs between two stored objects.
func changedFields(before, after string) string {
	was, is := flatten("", storedJSON(before)), flatten("", storedJSON(after))
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

// flatten flattens a stored object: a nested field is named "limits.gemini_calls".
func flatten(prefix string, value any) map[string]string {
	all := map[string]string{}
	object, _ := value.(map[string]any)
	for name, field := range object {
		if nested, ok := field.(map[string]any); ok {
			maps.Copy(all, flatten(prefix+name+".", nested))
			continue
		}
		all[prefix+name] = fmt.Sprint(field)
	}
	return all
}

// Audit shows the changes that admins made.
func Audit(entries []usage.AuditEntry) Document {
	return rowsOf(entries, func(e usage.AuditEntry) fields {
		return fields{
			{"at", "WHEN", e.At},
			{"actor", "WHO", name(e.Actor)},
			{"action", "WHAT", e.Action},
			{"subject", "OF", name(e.Subject)},
			{"before", "", storedValue(e.Before)}, {"after", "", storedValue(e.After)},
			{"", "CHANGE", peopleOnly(orDash(name(changedFields(e.Before, e.After))))},
		}
	}).document("", "no changes")
}
