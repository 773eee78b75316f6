package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report/dashboard"
	"github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/report/statement"
	"github.com/alwrity/alwrity-sub/usage"
)

type namedPage struct {
	name string
	page page.Page
}

func revenuePages() []namedPage {
	none := revenueOf(nil)
	one := revenue()
	one.Months = monthsOf("", "", "", "303.1")
	loss := revenue()
	loss.Months = monthsOf("-12", "0", "0.04", "-3")
	return []namedPage{
		{"page-revenue", dashboard.Revenue(revenue(), `Words & "Co" <b>`, 10)},
		{"page-revenue-none", dashboard.Revenue(none, "", 10)},
		{"page-revenue-one", dashboard.Revenue(one, "", 2)},
		{"page-revenue-loss", dashboard.Revenue(loss, "", 10)},
		{"page-revenue-many", dashboard.Revenue(manyUsers(3000), "Alwrity", 10)},
	}
}

func written(t *testing.T, p page.Page) string {
	t.Helper()
	var out bytes.Buffer
	if err := p(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// With ALWRITY_PAGES=DIR every page is written there too, to be looked at.
func keepPage(t *testing.T, name, text string) {
	t.Helper()
	if dir := os.Getenv("ALWRITY_PAGES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Pages are as testdata has them: read the difference, look at the page with
// scripts/screenshots.sh, and if it is what you wanted, run: go test ./report -update
func TestPages(t *testing.T) {
	for _, p := range append(revenuePages(), statementPages()...) {
		t.Run(p.name, func(t *testing.T) {
			text := written(t, p.page)
			keepPage(t, p.name+".html", text)
			compareGolden(t, filepath.Join("testdata", p.name+".html"), []byte(text))
			wellFormed(t, text)
			selfContained(t, text)
		})
	}
}

// wellFormed wants every element closed, in order, and each id once.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.Entity = true, xml.HTMLEntity
	ids := map[string]bool{}
	rows := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if start.Name.Local == "tr" {
			rows++
		}
		for _, a := range start.Attr {
			if a.Name.Local == "id" {
				if ids[a.Value] {
					t.Errorf("the id %s is there twice", a.Value)
				}
				ids[a.Value] = true
			}
		}
	}
	for _, used := range regexp.MustCompile(`aria-labelledby="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !ids[used[1]] {
			t.Errorf("there is no %s to label something by", used[1])
		}
	}
	if rows > 400 && strings.Contains(text, "user-") {
		t.Errorf("the page has %d rows: thousands of users are too long a list", rows)
	}
}

// selfContained wants nothing that a browser would fetch or run.
func selfContained(t *testing.T, text string) {
	t.Helper()
	for _, bad := range []string{"http:", "https:", "//", "<script", "<link", "<img", "<iframe", "<object", "<embed",
		"url(", "@import", "javascript:",
		"<b>", "ZgotmplZ", "\x1b", "\u202e"} {
		if i := strings.Index(strings.ToLower(text), strings.ToLower(bad)); i >= 0 {
			t.Errorf("the page has %q in it: …%s…", bad, text[max(0, i-60):min(len(text), i+60)])
		}
	}
	if m := regexp.MustCompile(`<[^>]* (on\w+|src|href|srcset|action)=`).FindString(text); m != "" {
		t.Errorf("the page has an attribute that fetches or runs something: %s", m)
	}
	for _, need := range []string{"<title>", `lang="en"`, "<h1>", "viewport", "prefers-color-scheme: dark",
		"@media print"} {
		if !strings.Contains(text, need) {
			t.Errorf("the page has no %s", need)
		}
	}
}

func sender() statement.Sender {
	return statement.Sender{Company: "Words & Co GmbH", Address: "Lindenstraße 12\n10969 Berlin\nGermany",
		Email: "billing@words.example", TaxID: "DE 123 456 789",
		PaymentNote: "Please transfer the amount to DE02 1203 0000 0000 2020 51 and name the number of this " +
			"bill.\\nQuestions? Write to billing@words.example."}
}

func uses(b billing.Bill) []usage.LimitUse { return billing.LimitUsage(b, proPlan().Limits) }

// statements are one bill or credit note of every kind.
func statements() []statement.Statement {
	open := proBill()
	paid := hostileBill()
	paid.Status, paid.SettledAt, paid.Reference = billing.Paid, at("2026-11-03T09:00:00Z"), "transfer 4711"
	void := bill(19, "Ζωή Παπαδοπούλου", "Basic", line(billing.Fee, "Basic plan, monthly fee", "29"))
	void.Status, void.SettledAt = billing.Void, at("2026-11-05T00:00:00Z")
	note := bill(22, "Ζωή Παπαδοπούλου", "Basic", line(billing.Fee, "Basic plan, monthly fee", "-29"))
	note.Kind, note.RefersTo, note.Status, note.Reference = billing.CreditNote, 19, billing.Paid, "charged by mistake"
	late := bill(23, "Дмитрий Шостакович", "Pro", line(billing.Fee, "Pro plan, monthly fee", "79"))
	late.Email, late.Status, late.DueAt = "", billing.PastDue, at("2026-11-10T00:00:00Z")
	free := bill(24, wide, "Free", used("gemini", "google", "gemini-2.5-flash", 1, 90_000, 20_000, "0.0795"))
	free.Status, free.Cycle = billing.Paid, ""
	return []statement.Statement{{Bill: open, Uses: uses(open)}, {Bill: paid}, {Bill: void, CorrectedBy: 22}, {Bill: note},
		{Bill: late}, {Bill: free, Uses: uses(free)}}
}

// exactStatement has the longest amounts there can be, and many corrections.
func exactStatement() statement.Statement {
	lines := []billing.Line{line(billing.Fee, "Pro plan, monthly fee", "79"),
		line(billing.Proration, "Max plan, unused from 2026-10-20 on", "-1238.574564762232")}
	for i, amount := range []string{"0", "0.018745585345", "0", "0", "-9223372.036854775807", "0"} {
		l := used("gemini", "google", fmt.Sprintf("gemini-2.5-pro-preview-with-a-long-name-%d", i), 1, 120_000, 2_000,
			"0.00123")
		l.Kind, l.Amount = billing.Adjustment, usd(amount)
		if l.Amount < 0 {
			l.Usage.Cost = l.Amount
		}
		l.Period = plan.CalendarMonth(at(fmt.Sprintf("2026-0%d-15T00:00:00Z", 8+i/4)))
		lines = append(lines, l)
	}
	b := bill(17, "alice", "Pro", append(lines, used("openai", "openai", "gpt-5", 2, 7, 9, "1238.574564762232"))...)
	limits := append(proPlan().Limits,
		plan.Limit{Name: "cents", Meter: plan.Cost, Max: int64(usd("3.333333333333")), Action: plan.Block})
	return statement.Statement{Bill: b, Uses: billing.LimitUsage(b, limits)}
}

// carriedStatement is the credit note of a bill that was paid, partly from credit.
func carriedStatement(credit, paid string) statement.Statement {
	lines := []billing.Line{line(billing.Fee, "Pro plan, monthly fee", "-79")}
	if credit != "0" {
		lines = append(lines, line(billing.Credit, "from your credit", credit))
	}
	if paid != "0" {
		lines = append(lines, line(billing.Carried, "paid: carried over to your credit", paid))
	}
	note := bill(2, "alice", "Pro", lines...)
	note.Kind, note.RefersTo, note.Status = billing.CreditNote, 1, billing.Paid
	return statement.Statement{Bill: note}
}

// longStatement has hundreds of lines.
func longStatement() statement.Statement {
	lines := []billing.Line{line(billing.Fee, "Pro plan, monthly fee", "79")}
	for i := range 300 {
		lines = append(lines, used([]string{"gemini", "openai", "anthropic"}[i/100], "google",
			fmt.Sprintf("model-%03d", i%100), int64(i+1), int64(1000*i), int64(77*i), fmt.Sprintf("0.%09d", 1+i*7919)))
	}
	b := bill(31, "alice", "Pro", lines...)
	return statement.Statement{Bill: b, Uses: uses(b)}
}

func statementPages() []namedPage {
	var pages []namedPage
	for i, name := range []string{"open", "paid", "void", "credit-note", "late", "free"} {
		pages = append(pages, namedPage{"page-statement-" + name, statement.HTML(statements()[i:i+1], sender(), now())})
	}
	pages = append(pages, namedPage{"page-statement-exact",
		statement.HTML([]statement.Statement{exactStatement()}, sender(), now())},
		namedPage{"page-statement-carried",
			statement.HTML([]statement.Statement{carriedStatement("0", "79")}, sender(), now())})
	return append(pages, namedPage{"page-statement-all",
		statement.HTML(statements(), statement.Sender{Company: "Alwrity"}, now())})
}
