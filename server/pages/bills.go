package pages

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/report/statement"
	"github.com/alwrity/alwrity-sub/server/web"
)

func (p *pages) billRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /billing/bills", Scope: access.ScopeRead, Do: p.bills},
		{Pattern: "GET /billing/bills/{file}", Scope: access.ScopeRead, Do: p.bill},
	}
}

// billsData is the page of a user's bills.
type billsData struct {
	Says    string // what is owed
	Running []fact // the bill of the running period, so far
	Bills   []billRow
	Pay     string // how to pay; "" where nothing is owed
}

func (p *pages) bills(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	all, err := c.Billing.AllBills(c.Context(), billing.Query{UserID: user})
	if err != nil {
		return err
	}
	_, running, err := c.Billing.Expected(c.Context(), user, c.Now)
	if err != nil && !failure.Is(err, failure.NotFound) {
		return err
	}
	d := billsData{Says: "Nothing is owed."}
	d.Bills, _ = billRows(all, c.Now, len(all))
	if owed, ok := owed(all, c.Now); ok {
		d.Says, d.Pay = owed.Value+" to pay, "+owed.Note+".", c.Sender.PaymentNote
	}
	d.Running = runningBill(running)
	return p.show(w, c, http.StatusOK, page{template: "billlist", title: "Bills", section: "/billing/bills", data: d})
}

// runningBill is what the running period would be billed if it ended now, line by line; usage itself costs nothing.
func runningBill(b billing.Bill) (lines []fact) {
	for _, l := range b.Lines {
		if l.Amount != 0 {
			lines = append(lines, fact{l.Description, cents(l.Amount), ""})
		}
	}
	if len(lines) > 0 {
		lines = append(lines, fact{"Together", cents(b.Total), "billed on " + moment(b.Period.End)})
	}
	return lines
}

type billRow struct {
	Number, Name, Period, Issued, Total, Status, State string
}

// billRows are the newest bills first, so many at most.
func billRows(bills []billing.Bill, now time.Time, most int) (rows []billRow, more bool) {
	for _, b := range slices.Backward(bills) {
		if len(rows) == most {
			return rows, true
		}
		row := billRow{Number: strconv.FormatInt(b.Number, 10), Name: "Bill", Period: periodText(b.Period),
			Issued: basis.Day(b.IssuedAt), Total: cents(b.Total), Status: string(b.Status)}
		if b.Kind == billing.CreditNote {
			row.Name, row.Status = "Credit note", "corrects "+strconv.FormatInt(b.RefersTo, 10)
		}
		switch {
		case b.Kind == billing.CreditNote:
		case b.Status == billing.Paid:
			row.State = "good"
			if b.Total == 0 {
				row.Status = "nothing to pay"
			}
		case b.Status.Unpaid() && b.DueAt.Before(now):
			row.Status, row.State = "overdue", "full"
		case b.Status.Unpaid():
			row.Status = "due " + basis.Day(b.DueAt)
		}
		rows = append(rows, row)
	}
	return rows, false
}

// bill writes a bill of a user as a page or PDF, by its number with the ending of the file.
func (p *pages) bill(w http.ResponseWriter, c *web.Call) error {
	user, err := userToShow(c)
	if err != nil {
		return err
	}
	name, ending, _ := strings.Cut(c.PathValue("file"), ".")
	number, err := strconv.ParseInt(name, 10, 64)
	if err != nil || number < 1 || ending != "html" && ending != "pdf" {
		return failure.NotFoundf("there is no bill %s", failure.Shorten(c.PathValue("file")))
	}
	statements, err := c.Billing.Statements(c.Context(), user,
		billing.StatementQuery{Number: number, WithCost: p.ShowCost})
	if err != nil {
		return err
	}
	written, kind := statement.HTML(statements, c.Sender, c.Now), "text/html; charset=utf-8"
	if ending == "pdf" {
		kind = "application/pdf"
		if written, _, err = statement.PDF(statements, c.Sender, statement.A4, c.Now); err != nil {
			return err
		}
	}
	var body bytes.Buffer
	if err := written(&body); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Content-Disposition", fmt.Sprintf(`inline; filename="bill-%d.%s"`, number, ending))
	if ending == "html" {
		h.Set("Content-Security-Policy", policyFor(body.Bytes()))
	}
	_, _ = w.Write(body.Bytes()) // who has gone is not there to be told
	return nil
}

// policyFor is the policy of a page that has its style within it: that style, by its hash, and nothing else.
func policyFor(html []byte) string {
	_, rest, _ := bytes.Cut(html, []byte("<style>"))
	style, _, _ := bytes.Cut(rest, []byte("</style>"))
	sum := sha256.Sum256(style)
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}
