package dbtest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// modelRow is a row of an event file.
type modelRow struct {
	text  string // with its line break
	event usage.Event
	bare  bool // it says nothing of what was not used
	bad   bool
	// numbered: though it is bad, it has a number among the rows of its content.
	numbered bool
}

// importFile imports a file in which new events, repeated ones, conflicts and bad
// rows stand in any order.
func (m *model) importFile() {
	format := draw(m, "format", usage.JSONLines, usage.CSV)
	var rows []modelRow
	var text strings.Builder
	if format == usage.CSV {
		text.WriteString(csvHeader())
	}
	for range m.number("rows", 1, 8) {
		row := m.row(format, rows)
		rows = append(rows, row)
		text.WriteString(row.text)
	}
	var rejects bytes.Buffer
	opts := usage.ImportOptions{Format: format, Strict: m.oneIn(4, "strict"), Rejects: &rejects,
		AllowFuture: m.oneIn(2, "future"), KnownUsers: m.oneIn(3, "known users")}
	if !m.oneIn(3, "no time for all") {
		opts.Time = m.now
	}
	for i := range rows {
		if rows[i].event.Time.IsZero() {
			rows[i].event.Time, rows[i].bad = opts.Time, rows[i].bad || opts.Time.IsZero()
		}
		if !rows[i].bad && rows[i].bare && m.countsNothing(rows[i].event) {
			rows[i].bad, rows[i].numbered = true, true
		}
	}
	dry := m.dryRun(text.String(), opts)
	got, err := m.service.Import(m.ctx, m.now, strings.NewReader(text.String()), opts)
	m.must(err)
	m.rt.Logf("%s import:\n%s", m.now, &text)
	want, rejected := m.imported(rows, opts)
	if format == usage.CSV && rejected != "" {
		rejected = csvHeader() + rejected
	}
	m.equal("import", fmt.Sprint(got.Read, got.Recorded, got.Duplicates, got.Rejected, got.Conflicts, got.Unpriced,
		got.OverLimit, m.read(got.Cost)), want)
	m.equal("dry run", dry, outcomeOf(got))
	// In which order rejects are written is the product's choice, but for the header.
	m.equal("beginning of the rejects", strings.HasPrefix(rejects.String(), csvHeader()),
		strings.HasPrefix(rejected, csvHeader()))
	m.equal("rejects", slices.Sorted(strings.Lines(rejects.String())), slices.Sorted(strings.Lines(rejected)))
}

// dryRun returns what a dry run says that an import would do, and checks that it does nothing.
func (m *model) dryRun(text string, opts usage.ImportOptions) string {
	opts.DryRun, opts.Rejects = true, nil
	before := len(m.logs())
	got, err := m.service.Import(m.ctx, m.now, strings.NewReader(text), opts)
	m.must(err)
	m.equal("rows in the log after a dry run", len(m.logs()), before)
	var cost pricing.Total
	for _, model := range got.DryRun.Models {
		cost = cost.Add(model.Cost)
	}
	m.equal("cost of the models of a dry run", cost.String(), got.Cost.String())
	return outcomeOf(got)
}

func outcomeOf(r usage.ImportResult) string {
	return fmt.Sprint(r.Read, r.Recorded, r.Duplicates, r.Rejected, r.Conflicts, r.Unpriced, r.OverLimit, r.Cost)
}

// row draws a row: an event with an id of its own or without, a repeated one, or
// none.
func (m *model) row(format usage.FileFormat, before []modelRow) modelRow {
	e := normal(m.event())
	e.TokenID = 0 // no row of a file has one
	m.ids++
	e.ID = fmt.Sprint("e", m.ids)
	switch draw(m, "row", "new", "without an id", "again", "repeated", "bad") {
	case "without an id":
		e.ID = ""
	case "again":
		if again, ok := m.again(); ok {
			e = again
		}
	case "repeated":
		if len(before) > 0 {
			return draw(m, "repeats", before...)
		}
	case "bad":
		return modelRow{text: m.badRow(format, e), bad: true}
	}
	bare := m.oneIn(3, "bare")
	if bare && m.oneIn(2, "of nothing") {
		e.Quantities = pricing.Quantities{pricing.Requests: e.Quantities[pricing.Requests]}
	}
	return modelRow{text: rowText(format, e, bare), event: e, bare: bare}
}

// countsNothing tells whether a row that says nothing of what was not used gives nothing that its price counts.
func (m *model) countsNothing(e usage.Event) bool {
	e = normal(e)
	p, _ := m.priceAt(e.Provider, e.Model, e.Time)
	if !counts(e) || p.ID == 0 || e.Reported.Given && (p.Reported || m.providers[e.Provider].CostReported) {
		return false
	}
	p = chargedAt(p, e.Time, e.ServiceTier)
	used, rates := e.Quantities, p.Rates
	if used[pricing.InputTokens] == 0 && rates[pricing.Characters] == 0 &&
		m.providers[e.Provider].CharactersAreInputTokens {
		used[pricing.InputTokens] = used[pricing.Characters]
	}
	if p.Above != nil && used[pricing.InputTokens] > p.Above.OverInputTokens*max(used[pricing.Requests], 1) {
		rates[pricing.InputTokens], rates[pricing.OutputTokens] = p.Above.InputToken, p.Above.OutputToken
	}
	counted := false
	for q := range pricing.QuantityCount {
		if _, isPart := q.Total(); rates[q] == 0 || isPart && !p.Given.Has(q) { // a part costs what its total costs
			continue
		}
		if used[q] > 0 || q == pricing.Requests || q.OneEachCall() && used[pricing.Requests] > 0 {
			return false
		}
		counted = true
	}
	return counted
}

func (m *model) badRow(format usage.FileFormat, e usage.Event) string {
	switch draw(m, "bad", "provider", "user", "quantity", "text") {
	case "provider":
		e.Provider = "gemni"
	case "user":
		e.UserID = ""
	case "quantity":
		e.Quantities[pricing.OutputTokens] = -1
	default:
		return map[usage.FileFormat]string{usage.JSONLines: "{\"user_id\":\"alice\",\n", usage.CSV: "alice,gemini\n"}[format]
	}
	return rowText(format, e, false)
}

func csvHeader() string { return strings.Join(fieldNames(), ",") + "\n" }

func fieldNames() []string {
	names := []string{"id", "user_id", "provider", "model", "vendor", "time", "status_code", "billable", "error_message",
		"retry_count", "endpoint", "method", "response_time_ms", "service_tier", "measured",
		"client_request_id", "reported_cost"}
	for q := range pricing.QuantityCount {
		names = append(names, q.String())
	}
	return names
}

// rowText writes an event as a row; a bare one leaves out what was not used.
func rowText(format usage.FileFormat, e usage.Event, bare bool) string {
	at := ""
	if !e.Time.IsZero() {
		at = e.Time.Format(time.RFC3339Nano)
	}
	fields := []string{e.ID, e.UserID, e.Provider, e.Model, e.Vendor, at, fmt.Sprint(e.StatusCode), fmt.Sprint(e.Billable),
		e.ErrorMessage,
		fmt.Sprint(e.RetryCount), e.Endpoint, e.Method, fmt.Sprint(e.ResponseTimeMS), e.ServiceTier, string(e.Measured),
		e.ClientRequestID, ""}
	if e.Reported.Given {
		fields[len(fields)-1] = e.Reported.USD.String()
	}
	for i, n := range e.Quantities {
		amount := pricing.Quantity(i).AmountText(n)
		if bare && n == 0 && pricing.Quantity(i) != pricing.Requests {
			amount = ""
		}
		fields = append(fields, amount)
	}
	var text strings.Builder
	if format == usage.JSONLines {
		for i, name := range fieldNames() {
			fmt.Fprintf(&text, ",%q:%s", name, jsonText(fields[i]))
		}
		return "{" + text.String()[1:] + "}\n"
	}
	w := csv.NewWriter(&text)
	_ = w.Write(fields) // a strings.Builder takes everything
	w.Flush()
	return text.String()
}

func jsonText(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string never fails
	}
	return string(text)
}

// imported notes what a file has brought, and returns the result and the rejects
// that should have come of it.
func (m *model) imported(rows []modelRow, opts usage.ImportOptions) (result, rejects string) {
	m.nameRows(rows)
	read, recorded, duplicates, rejected, conflicts, unpriced, over, cost := len(rows), 0, 0, 0, 0, 0, 0, new(big.Int)
	for _, row := range rows {
		if row.bad {
			rejected++
			rejects += row.text
		}
	}
	for _, row := range rows {
		if row.bad {
			continue
		}
		f := m.fateOf(row.event, usage.RecordOptions{Strict: opts.Strict, AllowFuture: opts.AllowFuture,
			KnownUser: opts.KnownUsers})
		if !opts.KnownUsers {
			m.accounts[row.event.UserID].seen = true
		}
		switch {
		case f.known:
			duplicates++
		case f.code == failure.Conflict:
			conflicts++
			rejects += row.text
		case f.code != "":
			rejected++
			rejects += row.text
		default:
			recorded++
			cost.Add(cost, big.NewInt(int64(f.entry.Cost)))
			if f.entry.Basis == pricing.Unpriced && counts(f.entry.Event) {
				unpriced++
			}
			if len(m.note(f.entry)) > 0 {
				over++
			}
		}
	}
	return fmt.Sprint(read, recorded, duplicates, rejected, conflicts, unpriced, over, exact(cost)), rejects
}

// nameRows gives rows without an id the one that the import has given them: for the
// same content always the same, with the number of its occurrence in the file. How
// it begins is the product's choice, and learnt from the log.
func (m *model) nameRows(rows []modelRow) {
	log := m.logs()
	occurrences := map[string]int{}
	for i, row := range rows {
		if row.bad && !row.numbered || row.event.ID != "" {
			continue
		}
		content := fmt.Sprintf("%+v", normal(row.event))
		occurrences[content]++
		if row.bad {
			continue
		}
		if _, known := m.rowIDs[content]; !known {
			m.rowIDs[content] = m.beginningOfID(log, row.event, occurrences[content])
		}
		rows[i].event.ID = m.rowIDs[content] + fmt.Sprint("-", occurrences[content])
	}
}

func (m *model) beginningOfID(log []usage.Entry, e usage.Event, occurrence int) string {
	want := m.placed(e).Event
	for _, entry := range log {
		beginning, first := strings.CutSuffix(entry.ID, fmt.Sprint("-", occurrence))
		if _, known := m.events[entry.ID]; known || !first || !strings.HasPrefix(entry.ID, "row-") {
			continue
		}
		if want.ID = entry.ID; entry.Event == want {
			return beginning
		}
	}
	return "row-that was not recorded"
}
