package report

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Logs shows log rows. Their CSV and JSON lines are event files that `usage import` reads. planName tells what a plan
// is called.
func Logs(entries []usage.Entry, planName func(int64) string) Document {
	return rowsOf(entries, func(e usage.Entry) fields { return logFields(&e, planName(e.PlanID)) }).
		document("time user_id provider model requests input_tokens output_tokens cost pricing status_code id", "no log rows")
}

// logFields are the fields of an event as it is reported, then what recording has added. People read those with titles.
func logFields(e *usage.Entry, plan string) fields {
	table := usage.EntryFields()
	all := make(fields, 0, len(table))
	for i := range table {
		one := field{table[i].Name, "", table[i].Value(e)}
		switch one.name {
		case "id", "provider", "cost":
			one.title = strings.ToUpper(one.name)
		case "user_id":
			one.title, one.value = "USER", name(e.UserID)
		case "model":
			one.title, one.value = "MODEL", orDash(name(e.Model))
		case "time":
			one.title, one.value = "TIME (UTC)", shown(e.Time, text(e.Time.UTC().Format(time.DateTime)))
		case "requests":
			one.title = "CALLS"
		case "input_tokens":
			one.title = "INPUT"
		case "output_tokens":
			one.title = "OUTPUT"
		case "status_code":
			one.title, one.value = "STATUS", shownAs(words, e.StatusCode, entryStatus(e))
		case "reported_cost":
			one.value = nullUnless(e.Reported.Given, e.Reported.USD)
		case "service_tier":
			one.value = orNull(e.ServiceTier)
		case "token_id":
			token := orNull(e.TokenID)
			token.noJSON = e.TokenID == 0
			one.value = token
		case "client_request_id":
			one.value = orNull(e.ClientRequestID)
		case "measured":
			one.value = e.Measured.String()
		case "pricing":
			one.title, one.value = "PRICE", shown(e.Basis, entryBasis(e))
		case "price_id": // of no use elsewhere
			one = field{"plan", "", plan}
		case "plan_id": // it is named before
			continue
		}
		all = append(all, one)
	}
	return append(all, linkFields(e.Links)...)
}

// linkFields are what a log row belongs to; in JSON, those that it has.
func linkFields(l *usage.Links) fields {
	all := usage.LinkFields()
	if l == nil {
		l = &usage.Links{}
	}
	return listOf(all, func(f usage.LinkField) field { return field{f.Name, "", orAbsent(f.Text(l))} })
}

// quantities are the quantities from one on.
func quantities(all pricing.Quantities, from pricing.Quantity) (list fields) {
	for q := from; q < pricing.QuantityCount; q++ {
		list = append(list, field{q.String(), "", amount(q, all[q])})
	}
	return list
}

// amount is an amount of a quantity, as events give it.
func amount(q pricing.Quantity, n int64) any {
	if q.PerUnit() > 1 {
		return pricing.Thousandths(n)
	}
	return n
}

// CountOf writes an amount of a quantity for people: "12.4".
func CountOf(q pricing.Quantity, n int64) string {
	if per := q.PerUnit(); n%per != 0 {
		return q.AmountText(n)
	}
	return Count(n / q.PerUnit())
}

func entryBasis(e *usage.Entry) span {
	switch {
	case !e.Counts():
		return dim.of(Dash)
	case e.Basis == pricing.Unpriced:
		return caution.of(string(e.Basis))
	}
	return text(string(e.Basis))
}

func entryStatus(e *usage.Entry) span {
	status := strconv.Itoa(e.StatusCode)
	if l := e.Links; l != nil {
		switch {
		case l.Voids != "":
			return dim.of(status + " counter-entry")
		case l.ReplacedBy != "":
			return dim.of(status + " corrected")
		case l.VoidedBy != "":
			return dim.of(status + " voided")
		}
	}
	switch {
	case !e.Failed():
		return text(status)
	case e.Billable:
		return bad.of(status + " billable")
	}
	return bad.of(status + " failed")
}

// Archived shows the months that were moved to files in a directory.
func Archived(archives []usage.Archive, dir string) Document {
	return archived(rowsOf(archives, func(a usage.Archive) fields {
		return archivedMonth(a.LogMonth, filepath.Join(dir, a.File), a.SHA256)
	}), "archived")
}

// Archivable shows the months that would be moved to files in a directory.
func Archivable(months []usage.LogMonth, dir string) Document {
	return archived(rowsOf(months, func(m usage.LogMonth) fields {
		return archivedMonth(m, filepath.Join(dir, usage.ArchiveFile(m.Month)), "")
	}), "would be archived; nothing was changed")
}

func archivedMonth(m usage.LogMonth, file, sum string) fields {
	return fields{
		{"month", "MONTH", m.Month.String()},
		{"rows", "ROWS", m.Rows},
		{"cost", "COST", m.Cost},
		{"file", "FILE", file},
		{"sha256", "", orNull(sum)},
	}
}

func archived(months rows, what string) Document {
	return Document{JSON: fields{{"months", "", months}}, CSV: months, Text: func(t *Text) {
		t.list(months, "", "nothing to archive: no month that is over has log rows before then")
		if months.count > 0 {
			t.Note("%s %s", failure.Counted(months.count, "month"), what)
		}
	}}
}

func archiveFields(a usage.Archive) fields {
	return fields{
		{"month", "MONTH", a.Month.String()},
		{"rows", "ROWS", a.Rows},
		{"cost", "COST", a.Cost},
		{"file", "FILE", a.File},
		{"sha256", "SHA-256", shown(a.SHA256, dim.of(a.SHA256))},
		{"archived_at", "ARCHIVED", a.At},
	}
}

// Archives lists the months that were moved to files.
func Archives(archives []usage.Archive) Document {
	return rowsOf(archives, archiveFields).document("month rows cost file archived_at sha256", "no month is archived")
}

// Restored says that an archived month is in the log again.
func Restored(a usage.Archive) Document {
	return archiveFields(a).says("%s is in the log again: %s, %s", a.Month, failure.Counted(a.Rows, "row"),
		a.Cost.Display())
}
