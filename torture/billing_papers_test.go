package torture_test

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What others get of the books: exports and statements of bills, reports of usage, archives of the log.

// checkPapers compares them with the calculation.
func (w *world) checkPapers(t testing.TB) {
	t.Helper()
	months := map[string]map[int64]*paper{}
	for _, b := range w.papers {
		month := b.month()
		if months[month] == nil {
			months[month] = map[int64]*paper{}
		}
		months[month][b.number] = b
	}
	for month, bills := range months {
		w.checkExport(t, month, "csv", map[string]string{"number": "bill", "kind": "line_kind"}, bills)
		w.checkExport(t, month, "focus", focusColumns(), bills)
	}
	w.checkStatements(t)
	w.checkReport(t)
	w.checkShown(t)
}

// focusColumns are the names that FOCUS has for what we compare.
func focusColumns() map[string]string {
	return map[string]string{"number": "InvoiceId", "kind": "x_LineKind", "provider": "x_Provider", "model": "x_Model",
		"requests": "x_Requests", "errors": "x_Errors", "unpriced_calls": "x_UnpricedRequests",
		"input_tokens": "x_InputTokens", "output_tokens": "x_OutputTokens", "images": "x_Images", "cost": "x_Cost",
		"amount": "BilledCost"}
}

// month returns the month whose exports have a bill.
func (b *paper) month() string {
	at := b.issued
	if b.kind == "bill" {
		at = b.period.end.Add(-time.Microsecond)
	}
	return at.Format("2006-01")
}

// checkExport compares the lines of a month's bills; columns have other names than ours in some formats.
func (w *world) checkExport(t testing.TB, month, format string, names map[string]string, bills map[int64]*paper) {
	t.Helper()
	file := filepath.Join(w.dir, "export")
	w.must(t, w.now, "billing", "export", "--format", format, "--month", month, "--file", file)
	got, want := map[int64]string{}, map[int64]string{}
	eachRow(t, file, func(column func(string) string) {
		text := func(name string) string { return column(or(names[name], name)) }
		money := func(name string) int64 { return pico(or(text(name), "0")) }
		whole := func(name string) int64 {
			n, err := strconv.ParseInt(or(text(name), "0"), 10, 64)
			if err != nil {
				t.Error(err)
			}
			return n
		}
		u := used{calls: whole("requests"), errors: whole("errors"), unpriced: whole("unpriced_calls"),
			input: whole("input_tokens"), output: whole("output_tokens"), images: whole("images"), cost: money("cost")}
		got[whole("number")] += fmt.Sprintln(text("kind"), text("provider"), text("model"), u, money("amount"))
	})
	for number, b := range bills {
		for _, l := range b.lines {
			want[number] += fmt.Sprintln(l.kind, l.provider, l.model, l.used, l.amount)
		}
	}
	for number := range bills {
		if got[number] != want[number] {
			t.Errorf("%s of %s, bill %d:\n%swant\n%s", format, month, number, got[number], want[number])
		}
		delete(got, number)
	}
	if len(got) > 0 {
		t.Errorf("%s of %s has bills of other months: %v", format, month, got)
	}
}

// eachRow reads a CSV file.
func eachRow(t testing.TB, path string, row func(column func(string) string)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range rows[1:] {
		row(func(name string) string {
			i := slices.Index(rows[0], name)
			if i < 0 {
				t.Fatalf("%s has no column %s", path, name)
			}
			return cells[i]
		})
	}
}

// checkStatements requires that a statement says what is to be paid, of some bills.
func (w *world) checkStatements(t testing.TB) {
	t.Helper()
	for n, b := range w.papers {
		if n%29 != 0 || b.kind != "bill" {
			continue
		}
		file := filepath.Join(w.dir, "statement.html")
		w.must(t, w.now, "billing", "statement", "--number", fmt.Sprint(b.number), "--html", file, "--", b.user)
		page, err := os.ReadFile(file)
		if total := dollars(b.total); err != nil || !strings.Contains(string(page), total) {
			t.Errorf("the statement of bill %d does not say %s", b.number, total)
		}
	}
}

// dollars writes whole cents as people do.
func dollars(pico int64) string {
	text := fmt.Sprintf("%d.%02d", pico/1_000_000_000_000, pico/oneCent%100)
	for i := strings.Index(text, ".") - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return "$" + text
}

// row is usage as reports have it.
type row struct {
	User, Provider, Model string
	Calls, Errors         int64
	Input                 int64 `json:"input_tokens"`
	Output                int64 `json:"output_tokens"`
	Unpriced              int64 `json:"unpriced_calls"`
	Cost                  string
}

func (r row) used() used {
	return used{calls: r.Calls, errors: r.Errors, unpriced: r.Unpriced, input: r.Input, output: r.Output,
		cost: pico(r.Cost)}
}

// checkReport compares all usage there is.
func (w *world) checkReport(t testing.TB) {
	t.Helper()
	var got struct{ Rows []row }
	w.answer(t, w.now, &got, "usage", "report", "--from", "2020-01-01", "--to",
		w.now.AddDate(0, 0, 2).Format(time.DateOnly), "--by", "user,provider,model")
	sums := map[string]used{}
	for _, r := range got.Rows {
		sums[r.User+"/"+r.Provider+"/"+r.Model] = r.used()
	}
	for key, want := range w.sums(time.Time{}, w.now.AddDate(1, 0, 0)) {
		want.images = 0
		if sums[key] != want {
			t.Errorf("the report has for %s %+v, want %+v", key, sums[key], want)
		}
	}
}

// sums returns what was used between two moments, by user, provider and model.
func (w *world) sums(from, to time.Time) map[string]used {
	sums := map[string]used{}
	for _, c := range w.customers {
		for _, e := range c.calls {
			if key := c.id + "/" + e.key(); !e.at.Before(from) && e.at.Before(to) {
				sums[key] = sums[key].plus(e.used, 1)
			}
		}
	}
	return sums
}

// checkShown compares the running periods of some customers.
func (w *world) checkShown(t testing.TB) {
	t.Helper()
	for n, c := range w.customers {
		if n%5 != 0 || !c.known {
			continue
		}
		var got struct{ Totals row }
		w.answer(t, w.now, &got, "usage", "show", "--", c.id)
		want := used{}
		for _, e := range c.calls {
			if c.month(w.now).has(e.at) {
				want = want.plus(e.used, 1)
			}
		}
		want.images = 0
		if got.Totals.used() != want {
			t.Errorf("%q has used %+v, want %+v", c.id, got.Totals.used(), want)
		}
	}
}

// checkArchive archives the months that are over, and brings them back: nothing is lost or changed by it.
func (w *world) checkArchive(t testing.TB) {
	t.Helper()
	log := func() map[string][]string {
		return map[string][]string{"log": w.dumpTable(t, "api_usage_logs", []string{"log_id"}),
			"voids": w.dumpTable(t, "usage_voids", nil)}
	}
	before, dir := log(), t.TempDir()
	end := time.Date(w.now.Year(), w.now.Month(), 1, 0, 0, 0, 0, time.UTC)
	w.must(t, w.now, "usage", "archive", "--before", end.Format(time.RFC3339), "--to", dir)
	w.must(t, w.now, "reconcile")
	w.checkReport(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing was archived: %v", err)
	}
	got := map[string]used{}
	for _, file := range files {
		eachArchived(t, file, func(r archived) {
			key := r.UserID + "/" + r.Provider + "/" + r.Model
			got[key] = got[key].plus(r.used(), 1)
		})
	}
	for key, want := range w.sums(time.Time{}, end) {
		if got[key] != want {
			t.Errorf("archived of %s are %+v, want %+v", key, got[key], want)
		}
	}
	if e := w.archivedCall(end); e != nil {
		w.refused(t, w.now, 3, []string{"usage", "void", "--reason", "archived", "--", e.id})
	}
	for _, file := range files {
		w.must(t, w.now, "usage", "restore", file)
	}
	w.must(t, w.now, "reconcile")
	mustEqual(t, "a log that was archived and brought back", log(), before)
	for range 5 {
		w.amend(t, w.now)
	}
	w.must(t, w.now, "reconcile")
	w.checkReport(t)
}

// archivedCall returns a call before a moment.
func (w *world) archivedCall(before time.Time) *call {
	for _, c := range w.customers {
		for _, e := range c.calls {
			if e.at.Before(before) {
				return e
			}
		}
	}
	return nil
}

// archived is a row of an archive.
type archived struct {
	UserID          string `json:"user_id"`
	Provider, Model string
	Requests        int64
	Input           int64 `json:"input_tokens"`
	Output          int64 `json:"output_tokens"`
	Images          int64
	Status          int `json:"status_code"`
	Cost, Pricing   string
}

// used returns what a row adds to sums.
func (r archived) used() used {
	if r.Status == 503 {
		return used{errors: r.Requests}
	}
	u := used{calls: r.Requests, input: r.Input, output: r.Output, images: r.Images, cost: pico(r.Cost)}
	if r.Pricing == "unpriced" {
		u.unpriced = r.Requests
	}
	return u
}

func eachArchived(t testing.TB, path string, row func(archived)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(unzipped)
	for lines.Scan() {
		var r archived
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		row(r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}
