package statement_test

import (
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ledongthuc/pdf"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/report/samples"
	"github.com/alwrity/alwrity-sub/report/statement"
	"github.com/alwrity/alwrity-sub/usage"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pdfOf writes statements as PDF and returns the file, and what is drawn on each page.
func pdfOf(t *testing.T, name string, statements []statement.Statement, from statement.Sender,
	size statement.PaperSize) (file string, pages []string) {
	t.Helper()
	page, _, err := statement.PDF(statements, from, size, samples.Now())
	if err != nil {
		t.Fatal(err)
	}
	file = samples.Written(t, page)
	samples.KeepPage(t, name+".pdf", file)
	r, err := pdf.NewReader(strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("%s is no PDF: %v", name, err)
	}
	for i := range r.NumPage() {
		content, err := io.ReadAll(r.Page(i + 1).V.Key("Contents").Reader())
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, string(content))
	}
	return file, pages
}

// drawn is a text as it stands in the content of a page: UTF-16, with some bytes escaped.
func drawn(text string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = append(b, byte(unit>>8), byte(unit))
	}
	return strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`, "\r", `\r`).Replace(string(b))
}

func shows(page, text string) bool { return strings.Contains(page, "("+drawn(text)+")") }

// What a bill says stands on its PDF, in Latin, Greek and Cyrillic.
func TestPDF(t *testing.T) {
	for i, texts := range [][]string{
		{"Words & Co GmbH", "10969 Berlin", "Bill 17", "$102.71", "was due on 15 Nov 2026", "alice@example.com",
			"1 Oct – 31 Oct 2026", "Pro, monthly",
			"Pro plan, monthly fee", "$57.677419354839", "gemini gemini-2.5-pro",
			"$4.5000000375", "included", "Beyond the plan", "$1.604928"},
		{"Bill 18", "paid on 3 Nov 2026, thank you", `=1+1\x1b[31m<b>\n\u202e`, "Pro plan, <script>alert(1)</script> fee",
			"Total"},
		{"Bill 19", "void: taken back by credit note 22", "Ζωή Παπαδοπούλου"},
		{"Credit note 22", "credited: it takes back bill 19 (charged by mistake)", "Takes back", "Total credited", "$29.00",
			"-$29.00"},
		{"Bill 23", "Дмитрий Шостакович", "overdue", "How to pay", "Questions? Write to billing@words.example."},
		{"Bill 24", "nothing is to be paid", "����", "gemini tokens", "5.5%"},
	} {
		_, pages := pdfOf(t, fmt.Sprintf("statement-%d", i), statements()[i:i+1], sender(), statement.A4)
		for _, text := range texts {
			if !shows(strings.Join(pages, ""), text) {
				t.Errorf("statement %d does not say %q", i, text)
			}
		}
		for n, page := range pages {
			if want := fmt.Sprintf("Page %d of %d", n+1, len(pages)); !shows(page, want) {
				t.Errorf("statement %d: page %d does not say %q", i, n+1, want)
			}
		}
		if len(pages) > 2 {
			t.Errorf("statement %d has %d pages", i, len(pages))
		}
		if last := pages[len(pages)-1]; i == 0 &&
			(!shows(last, "Total to pay") || !shows(last, "Rounding to whole cents") || !shows(last, "127.5%")) {
			t.Error("the last page of the first statement has no total, or not what was used of the plan")
		}
	}
}

// An amount is never cut or broken, however long it is: that would be another amount.
func TestExactPDF(t *testing.T) {
	_, pages := pdfOf(t, "statement-exact", []statement.Statement{exactStatement()}, sender(), statement.A4)
	page := samples.Written(t, statement.HTML([]statement.Statement{exactStatement()}, sender(), samples.Now()))
	for _, amount := range []string{"-$9,223,372.036854775807", "-$1,238.574564762232", "$1,238.574564762232",
		"$0.018745585345"} {
		if !shows(strings.Join(pages, ""), amount) {
			t.Errorf("the PDF has no %s in one piece", amount)
		}
		if !regexp.MustCompile(`<td class="n[^>]*>` + regexp.QuoteMeta(amount) + "</td>").MatchString(page) {
			t.Errorf("the page has no %s that can't be broken", amount)
		}
	}
	if strings.Contains(page, "table-layout") || len(pages) > 2 {
		t.Errorf("columns have a fixed width, or there are %d pages", len(pages))
	}
}

// A customer sees what is billed and how much was used, and not what that costs us, nor our prices and mark-up.
func TestWithoutCost(t *testing.T) {
	all := append(statements(), exactStatement())
	for i := range all {
		all[i].WithCost = false
	}
	unpriced := all[0].Bill.Lines[3]
	unpriced.Usage.Calls, unpriced.Usage.Unpriced, unpriced.Model = 9, 9, "later"
	rated := samples.UsageLine("gemini", "google", "rated-again", 0, 0, 0, "0.77")
	rated.Kind, rated.Usage = billing.Adjustment, usage.Amounts{Cost: rated.Usage.Cost}
	all[0].Bill.Lines = append(all[0].Bill.Lines, unpriced, rated)
	page := samples.Written(t, statement.HTML(all, sender(), samples.Now()))
	_, pages := pdfOf(t, "statement-without-cost", all, sender(), statement.A4)
	pdf := strings.Join(pages, "")
	for _, want := range []string{"2,400,000 input tokens", "included", "gemini gemini-2.5-pro beyond the plan",
		"$1.604928", "$0.013", "Total to pay"} {
		if !strings.Contains(page, want) || !strings.Contains(pdf, drawn(want)) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, cost := range []string{"$4.5000000375", "$0.412", "$0.63", "$0.0795", "$0.00123", "$1,238.574564762232</td>",
		"at cost", "At cost", "per 1M", "0 each", "at its exact cost", "mark-up", "plus 30%", "without a price", "default",
		"rated-again", "$0.00369", "of $"} {
		if strings.Contains(page, cost) && cost != "$1,238.574564762232</td>" || strings.Contains(pdf, drawn(cost)) {
			t.Errorf("a customer is told %q", cost)
		}
	}
}

// What corrections leave as it was is one line for each period.
func TestCorrectionsAreFolded(t *testing.T) {
	page := samples.Written(t, statement.HTML([]statement.Statement{exactStatement()}, sender(), samples.Now()))
	for _, want := range []string{"3 corrections of usage within the plan", "1 Aug – 31 Aug 2026", "$0.00369</td>",
		"details on request", "gemini-2.5-pro-preview-with-a-long-name-5"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "long-name-0") {
		t.Error("what is folded is there, too")
	}
}

// Where the money of a credit note goes is what it says first and last.
func TestCarriedPDF(t *testing.T) {
	for _, c := range []struct{ credit, paid, amount, claim, last string }{
		{"0", "79", "$79.00", "added to your credit: it takes back bill 1", "Added to your credit"},
		{"20", "59", "$79.00", "added to your credit: it takes back bill 1", "Added to your credit"},
		{"20.004", "0", "$79.00", "credited: it takes back bill 1, of which $20.00 went to your credit",
			"Added to your credit"},
		{"0", "0", "$79.00", "credited: it takes back bill 1", "Total credited"},
	} {
		_, pages := pdfOf(t, "statement-carried", []statement.Statement{carriedStatement(c.credit, c.paid)}, sender(),
			statement.A4)
		for _, want := range []string{c.amount, c.claim, c.last} {
			if !shows(pages[0], want) {
				t.Errorf("%s from credit, %s paid: the note does not say %q", c.credit, c.paid, want)
			}
		}
	}
}

// Several statements in one file each have pages of their own, counted on their own.
func TestSeveralPDF(t *testing.T) {
	_, pages := pdfOf(t, "statement-all", statements(), statement.Sender{}, statement.USLetter)
	if len(pages) != 7 || !shows(pages[1], "Page 2 of 2") || !shows(pages[2], "Page 1 of 1") ||
		shows(pages[2], "continued") {
		t.Errorf("there are %d pages", len(pages))
	}
}

// Hundreds of lines go on over pages, each with the head of the table; the total stands
// under a line, and is on one page alone.
func TestLongPDF(t *testing.T) {
	file, pages := pdfOf(t, "statement-long", []statement.Statement{longStatement()}, sender(), statement.A4)
	rows, totals := 0, 0
	for n, page := range pages {
		on := strings.Count(page, drawn("model-"))
		rows += on
		if on == 0 && shows(page, "What you used of your plan") {
			continue // it comes after the lines
		}
		if n > 0 && (!shows(page, "continued") || !shows(page, "At cost") || on == 0) {
			t.Errorf("page %d has no head, or is without lines", n+1)
		}
		if shows(page, "Total to pay") {
			totals++
		}
	}
	if rows != 300 || totals != 1 || len(pages) < 10 {
		t.Errorf("%d lines and %d totals on %d pages", rows, totals, len(pages))
	}
	if again, _ := pdfOf(t, "statement-long", []statement.Statement{longStatement()}, sender(),
		statement.A4); again != file {
		t.Error("written again, the file is another one")
	}
	if len(file) > 200_000 {
		t.Errorf("the file has %d bytes", len(file))
	}
}

// However many lines there are, the total is never alone on its page.
func TestTotalIsNeverAlone(t *testing.T) {
	var all []statement.Statement
	for n := range 45 {
		lines := []billing.Line{samples.Line(billing.Fee, "Pro plan, monthly fee", "79")}
		for i := range n {
			lines = append(lines, samples.UsageLine("exa", "exa", fmt.Sprintf("model-%03d", i), 1, 0, 0, "0.001"))
		}
		all = append(all, statement.Statement{Bill: samples.Bill(int64(n+1), "alice", "Pro", lines...)})
	}
	_, pages := pdfOf(t, "total", all, sender(), statement.A4)
	totals := 0
	for i, page := range pages {
		if !shows(page, "Total to pay") {
			continue
		}
		totals++
		if !strings.Contains(page, drawn("model-")) && !shows(page, "Pro plan, monthly fee") {
			t.Errorf("the total is alone on page %d", i+1)
		}
	}
	if totals != len(all) || len(pages) < len(all)+10 {
		t.Errorf("%d totals on %d pages", totals, len(pages))
	}
}

// Who is told that a character can't be printed needs it for nothing else.
func TestMissingGlyphs(t *testing.T) {
	for i, want := range []bool{false, false, false, false, false, true} {
		_, lacks, err := statement.PDF(statements()[i:i+1], sender(), statement.A4, samples.Now())
		if err != nil || lacks != want {
			t.Errorf("statement %d lacks glyphs: %v, %v", i, lacks, err)
		}
	}
}

func TestParsePaperSize(t *testing.T) {
	for text, want := range map[string]statement.PaperSize{"a4": statement.A4, "A4": statement.A4,
		"Letter": statement.USLetter} {
		if got, err := statement.ParsePaperSize(text); got != want || err != nil {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	if _, err := statement.ParsePaperSize("a5"); err == nil {
		t.Error("a5 is taken")
	}
}

func sender() statement.Sender {
	return statement.Sender{Company: "Words & Co GmbH", Address: "Lindenstraße 12\n10969 Berlin\nGermany",
		Email: "billing@words.example", TaxID: "DE 123 456 789",
		PaymentNote: "Please transfer the amount to DE02 1203 0000 0000 2020 51 and name the number of this " +
			"bill.\\nQuestions? Write to billing@words.example."}
}

func uses(b billing.Bill) []usage.LimitUse { return billing.LimitUsage(b, samples.ProPlan().Limits) }

// statements are one bill or credit note of every kind.
func statements() []statement.Statement {
	open := samples.ProBill()
	paid := samples.HostileBill()
	paid.Status, paid.SettledAt, paid.Reference = billing.Paid, samples.At("2026-11-03T09:00:00Z"), "transfer 4711"
	void := samples.Bill(19, "Ζωή Παπαδοπούλου", "Basic", samples.Line(billing.Fee, "Basic plan, monthly fee", "29"))
	void.Status, void.SettledAt = billing.Void, samples.At("2026-11-05T00:00:00Z")
	note := samples.Bill(22, "Ζωή Παπαδοπούλου", "Basic", samples.Line(billing.Fee, "Basic plan, monthly fee", "-29"))
	note.Kind, note.RefersTo, note.Status, note.Reference = billing.CreditNote, 19, billing.Paid, "charged by mistake"
	late := samples.Bill(23, "Дмитрий Шостакович", "Pro", samples.Line(billing.Fee, "Pro plan, monthly fee", "79"))
	late.Email, late.Status, late.DueAt = "", billing.PastDue, samples.At("2026-11-10T00:00:00Z")
	free := samples.Bill(24, samples.Wide, "Free",
		samples.UsageLine("gemini", "google", "gemini-2.5-flash", 1, 90_000, 20_000, "0.0795"))
	free.Status, free.Cycle = billing.Paid, ""
	all := []statement.Statement{{Bill: open, Uses: uses(open)}, {Bill: paid}, {Bill: void, CorrectedBy: 22}, {Bill: note},
		{Bill: late}, {Bill: free, Uses: uses(free)}}
	for i := range all {
		all[i].WithCost = true
	}
	return all
}

// exactStatement has the longest amounts there can be, and many corrections.
func exactStatement() statement.Statement {
	lines := []billing.Line{samples.Line(billing.Fee, "Pro plan, monthly fee", "79"),
		samples.Line(billing.Proration, "Max plan, unused from 2026-10-20 on", "-1238.574564762232")}
	for i, amount := range []string{"0", "0.018745585345", "0", "0", "-9223372.036854775807", "0"} {
		l := samples.UsageLine("gemini", "google", fmt.Sprintf("gemini-2.5-pro-preview-with-a-long-name-%d", i), 1, 120_000,
			2_000,
			"0.00123")
		l.Kind, l.Amount = billing.Adjustment, samples.USD(amount)
		if l.Amount < 0 {
			l.Usage.Cost = l.Amount
		}
		l.Period = plan.CalendarMonth(samples.At(fmt.Sprintf("2026-0%d-15T00:00:00Z", 8+i/4)))
		lines = append(lines, l)
	}
	b := samples.Bill(17, "alice", "Pro",
		append(lines, samples.UsageLine("openai", "openai", "gpt-5", 2, 7, 9, "1238.574564762232"))...)
	partly := &b.Lines[len(b.Lines)-1].Usage
	partly.Estimated, partly.EstimatedCost = 1, samples.USD("0.25")
	limits := append(samples.ProPlan().Limits,
		plan.Limit{Name: "cents", Meter: plan.Cost, Max: int64(samples.USD("3.333333333333")), Action: plan.Block})
	return statement.Statement{Bill: b, Uses: billing.LimitUsage(b, limits), WithCost: true}
}

// carriedStatement is the credit note of a bill that was paid, partly from credit.
func carriedStatement(credit, paid string) statement.Statement {
	lines := []billing.Line{samples.Line(billing.Fee, "Pro plan, monthly fee", "-79")}
	if credit != "0" {
		lines = append(lines, samples.Line(billing.Credit, "from your credit", credit))
	}
	if paid != "0" {
		lines = append(lines, samples.Line(billing.Carried, "paid: carried over to your credit", paid))
	}
	note := samples.Bill(2, "alice", "Pro", lines...)
	note.Kind, note.RefersTo, note.Status = billing.CreditNote, 1, billing.Paid
	return statement.Statement{Bill: note, WithCost: true}
}

// longStatement has hundreds of lines.
func longStatement() statement.Statement {
	lines := []billing.Line{samples.Line(billing.Fee, "Pro plan, monthly fee", "79")}
	for i := range 300 {
		lines = append(lines, samples.UsageLine([]string{"gemini", "openai", "anthropic"}[i/100], "google",
			fmt.Sprintf("model-%03d", i%100), int64(i+1), int64(1000*i), int64(77*i), fmt.Sprintf("0.%09d", 1+i*7919)))
	}
	b := samples.Bill(31, "alice", "Pro", lines...)
	return statement.Statement{Bill: b, Uses: uses(b), WithCost: true}
}

func TestHTML(t *testing.T) {
	now := samples.Now()
	pages := map[string]page.Page{
		"page-statement-exact":   statement.HTML([]statement.Statement{exactStatement()}, sender(), now),
		"page-statement-carried": statement.HTML([]statement.Statement{carriedStatement("0", "79")}, sender(), now),
		"page-statement-all":     statement.HTML(statements(), statement.Sender{Company: "Alwrity"}, now),
	}
	customers := statements()[:1]
	customers[0].WithCost = false
	pages["page-statement-without-cost"] = statement.HTML(customers, sender(), now)
	for i, name := range []string{"open", "paid", "void", "credit-note", "late", "free"} {
		pages["page-statement-"+name] = statement.HTML(statements()[i:i+1], sender(), now)
	}
	for name, p := range pages {
		t.Run(name, func(t *testing.T) { samples.CheckPage(t, *update, name, p) })
	}
}
