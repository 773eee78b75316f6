package v1

import (
	"bytes"
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/report/statement"
	"github.com/alwrity/alwrity-sub/server/web"
)

// bills lists bills and credit notes by number.
func bills(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := billing.Query{After: q.Key("after"), Limit: q.Page()}
	user, month, status := q.Text("user"), q.Text("month"), q.Text("status")
	err := q.Err()
	if err != nil {
		return err
	}
	if wanted.UserID, err = c.UserOf(user); err != nil {
		return err
	}
	if wanted.Statuses, err = billing.ParseStatuses(status); err != nil {
		return err
	}
	if month != "" {
		if wanted.Month, err = plan.ParseMonth(month); err != nil {
			return err
		}
	}
	found, err := c.Billing.Bills(c.Context(), wanted)
	if err != nil {
		return err
	}
	if found.More {
		c.Next(w, strconv.FormatInt(found.Rows[len(found.Rows)-1].Number, 10))
	}
	return c.Document(w, http.StatusOK, report.Bills(found.Rows))
}

// billOf returns the bill that a path names, which must be of somebody whom the caller may act for.
func billOf(c *web.Call) (billing.Bill, error) {
	number, err := strconv.ParseInt(c.PathValue("number"), 10, 64)
	if err != nil || number < 1 {
		return billing.Bill{}, failure.Invalidf("the number of the bill is %q: it must be a whole number from 1 on",
			failure.Shorten(c.PathValue("number")))
	}
	b, err := c.Billing.Show(c.Context(), number)
	if err == nil {
		err = c.MustActFor(b.UserID)
	}
	return b, err
}

// bill answers with a bill line by line.
func bill(w http.ResponseWriter, c *web.Call) error {
	if err := c.Query().Err(); err != nil {
		return err
	}
	b, err := billOf(c)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Bill(b))
}

// billStatement answers with a bill as its user gets it: a page, or a PDF.
func billStatement(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	format, paper, withCost := q.Name("format"), cmp.Or(q.Name("paper"), string(statement.A4)), q.Bool("with_cost")
	if err := q.Err(); err != nil {
		return err
	}
	if withCost {
		if err := c.MustSeeCost(); err != nil {
			return err
		}
	}
	if format == "" && strings.Contains(c.Header.Get("Accept"), pdfType) {
		format = "pdf"
	}
	size, err := statement.ParsePaperSize(paper)
	if err != nil {
		return err
	}
	b, err := billOf(c)
	if err != nil {
		return err
	}
	found, err := c.Billing.Statements(c.Context(), b.UserID, billing.StatementQuery{Number: b.Number, WithCost: withCost})
	if err != nil {
		return err
	}
	name := "bill-" + strconv.FormatInt(b.Number, 10)
	switch format {
	case "pdf":
		pdf, _, err := statement.PDF(found, c.Sender, size, c.Now)
		if err != nil {
			return err
		}
		return writePage(w, pdf, pdfType, name+".pdf")
	case "", "html":
		return writePage(w, statement.HTML(found, c.Sender, c.Now), "text/html; charset=utf-8", name+".html")
	}
	return failure.UnknownName(failure.Invalid, "format", format, []string{"html", "pdf"})
}

const pdfType = "application/pdf"

// writePage answers with a page, which runs no script and reaches nothing, whatever stands in it.
func writePage(w http.ResponseWriter, p page.Page, kind, name string) error {
	var body bytes.Buffer
	if err := p(&body); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Disposition", `inline; filename="`+name+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox")
	web.Write(w, http.StatusOK, kind, body.Bytes())
	return nil
}

// previewBill answers with what a user's next bill would be.
func previewBill(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	named := q.Text("user")
	if err := q.Err(); err != nil {
		return err
	}
	user, err := c.UserOf(named)
	if err != nil {
		return err
	}
	if user == "" {
		return failure.Invalidf("user is missing: say whose bill")
	}
	due, running, err := c.Billing.Preview(c.Context(), user, c.Now)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Preview(due, running))
}

// markPaid notes that a bill has been paid.
func markPaid(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		ID         string `json:"id"`
		Reference  string `json:"ref"`
		FromCredit bool   `json:"from_credit"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadOptionalJSON(&body)); err != nil {
		return err
	}
	if body.FromCredit && body.Reference != "" {
		return failure.Invalidf("ref and from_credit exclude each other")
	}
	b, err := billOf(c)
	if err != nil {
		return err
	}
	paid, err := c.Billing.MarkPaid(c.Context(), c.Audit("billing mark-paid"), b.Number, billing.Payment(body))
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.PaidBill(paid))
}

// voidBill takes a bill back by a credit note, which is the answer.
func voidBill(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	b, err := billOf(c)
	if err != nil {
		return err
	}
	note, err := c.Billing.Void(c.Context(), c.Audit("billing void"), b.Number, body.Reason)
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Bill(note))
}

// credits lists the credit that users got and what bills used up of it, the oldest first.
func credits(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	wanted := billing.CreditQuery{After: q.Key("after"), Limit: q.Page()}
	user := q.Text("user")
	err := q.Err()
	if err != nil {
		return err
	}
	if wanted.UserID, err = c.UserOf(user); err != nil {
		return err
	}
	found, err := c.Billing.Credits(c.Context(), wanted)
	if err != nil {
		return err
	}
	if found.More {
		c.Next(w, strconv.FormatInt(found.Rows[len(found.Rows)-1].ID, 10))
	}
	return c.Document(w, http.StatusOK, report.Credits(found.Rows))
}

// credit gives a user credit.
func credit(w http.ResponseWriter, c *web.Call) error {
	var body struct {
		ID        string `json:"id"`
		User      string `json:"user"`
		Amount    string `json:"amount"`
		Reason    string `json:"reason"`
		Reference string `json:"ref"`
	}
	if err := cmp.Or(c.Query().Err(), c.ReadJSON(&body)); err != nil {
		return err
	}
	amount, err := pricing.ParseUSD(body.Amount)
	if err != nil {
		return failure.Within(err, "amount")
	}
	given, err := c.Billing.Credit(c.Context(), c.Audit("billing credit"), billing.CreditEntry{Key: body.ID,
		UserID: body.User, Amount: amount, Reason: body.Reason, Reference: body.Reference})
	if err != nil {
		return err
	}
	return c.Document(w, http.StatusOK, report.Credit(given))
}
