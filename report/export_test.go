package report_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/report/samples"
	"github.com/alwrity/alwrity-sub/usage"
)

// fatal is a test, or a run of a property.
type fatal interface {
	Fatal(args ...any)
}

func exported(t fatal, to func(io.Writer) report.BillWriter, bills []billing.Bill) string {
	var out bytes.Buffer
	w := to(&out)
	for _, b := range bills {
		if err := w.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func asFocus(w io.Writer) report.BillWriter { return report.Printer{}.BillsAsFocus(w, "ALwrity") }

func csvOf(t fatal, text string) (header []string, records [][]string) {
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1:]
}

func focusOf(t fatal, bills []billing.Bill) (header []string, records [][]string) {
	return csvOf(t, exported(t, asFocus, bills))
}

// sumBy adds a column up by another.
func sumBy(t fatal, header []string, records [][]string, by, column string) map[string]pricing.USD {
	sums := map[string]pricing.USD{}
	for _, r := range records {
		text := r[slices.Index(header, column)]
		amount, err := pricing.ParseUSD(text)
		if err != nil && text != "" {
			t.Fatal(err)
		}
		sums[r[slices.Index(header, by)]] += amount
	}
	return sums
}

// Whatever bills there are, a FOCUS export keeps the rules, and sums to the bills.
func TestFocusSums(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bills := someBills(rt)
		header, records := focusOf(rt, bills)
		if faults := focusFaults(header, records); len(faults) > 0 {
			rt.Fatal(faults)
		}
		billed, cost := sumBy(rt, header, records, "InvoiceId", "BilledCost"),
			sumBy(rt, header, records, "InvoiceId", "x_Cost")
		for _, b := range bills {
			if id := fmt.Sprint(b.Number); billed[id] != b.Total || cost[id] != b.Cost {
				rt.Fatal(b.Number, " is billed ", billed[id], " at a cost of ", cost[id], ", want ", b.Total, b.Cost)
			}
		}
	})
}

// A year is bought once: on the bill with which it begins, and not on the eleven after it.
func TestFocusYear(t *testing.T) {
	start := samples.At("2026-11-03T09:30:00Z")
	var bills []billing.Bill
	for month := range 12 {
		p := plan.Period{Start: plan.AddMonths(start, month), End: plan.AddMonths(start, month+1)}
		fee := billing.Line{Kind: billing.Fee, Description: "Basic plan, within the yearly fee", Period: p}
		if month == 0 {
			fee = billing.Line{Kind: billing.Fee, Description: "Basic plan, yearly fee",
				Period: plan.Period{Start: start, End: plan.AddMonths(start, 12)}, Amount: samples.USD("290")}
		}
		bills = append(bills, billing.Bill{Number: int64(month + 1), Kind: billing.Invoice, UserID: "alice", PlanID: 2,
			PlanName: "Basic", Cycle: plan.Yearly, Period: p,
			IssuedAt: p.End, DueAt: p.End, Status: billing.Paid, Lines: []billing.Line{fee}, Subtotal: fee.Amount,
			Total: fee.Amount})
	}
	header, records := focusOf(t, bills)
	if faults := focusFaults(header, records); len(faults) > 0 {
		t.Error(faults)
	}
	if years := sumBy(t, header, records, "PricingUnit", "PricingQuantity"); len(years) != 1 ||
		years["Years"] != pricing.Dollar {
		t.Errorf("bought are %v, want 1 of Years", years)
	}
}

// The amounts of a ledger sum to the bills, it starts no formula, and every text can be
// read back.
func TestLedgerSums(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bills := someBills(rt)
		header, records := csvOf(rt, exported(rt, report.Printer{}.BillsAsLedger, bills))
		sums := sumBy(rt, header, records, "bill", "amount")
		byAccount := sumBy(rt, header, records, "account", "amount")
		var total, accounts pricing.USD
		for _, b := range bills {
			total += b.Total
			if got := sums[fmt.Sprint(b.Number)]; got != b.Total {
				rt.Fatal(b.Number, " sums to ", got, ", want ", b.Total)
			}
		}
		for _, amount := range byAccount {
			accounts += amount
		}
		if accounts != total || byAccount["included_usage"] != 0 {
			rt.Fatal(byAccount, " is not ", total)
		}
		at := 0
		for _, b := range bills {
			for _, l := range b.Lines {
				r := records[at]
				at++
				for name, want := range map[string]string{"user_id": b.UserID, "description": l.Description, "model": l.Model} {
					cell := r[slices.Index(header, name)]
					if usage.UnprotectCell(cell) != want || cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
						rt.Fatal(name, " is ", cell, ", want ", want)
					}
				}
			}
		}
	})
}

// sampleBills returns a bill with everything, made void, its credit note, and a bill of
// a user without a subscription.
func sampleBills() []billing.Bill {
	start := time.Date(2026, 11, 3, 9, 30, 0, 123_456_000, time.UTC)
	p := plan.Period{Start: start, End: plan.AddMonths(start, 1)}
	next := plan.Period{Start: p.End, End: plan.AddMonths(start, 2)}
	spent := usage.Amounts{Calls: 10, Errors: 1, Cost: samples.USD("1.5"),
		Quantities: pricing.Quantities{pricing.Requests: 10, pricing.InputTokens: 900_000, pricing.OutputTokens: 30_000}}
	beyond := usage.Amounts{Calls: 2, Cost: samples.USD("0.500000000001"),
		Quantities: pricing.Quantities{pricing.Requests: 2, pricing.InputTokens: 300_000, pricing.OutputTokens: 10_000}}
	void := billing.Bill{Number: 7, Kind: billing.Invoice, UserID: "alice", Email: "alice@example.com", PlanID: 2,
		PlanName: "Pro", Cycle: plan.Monthly, Period: p,
		IssuedAt: p.End, DueAt: p.End.AddDate(0, 0, 14), Status: billing.Void, SettledAt: p.End.AddDate(0, 0, 3),
		Terms: &billing.Terms{MarkupMillionths: 200_000,
			Limits: []plan.Limit{{Name: "ai_calls", Meter: plan.Calls, Max: 8, Action: plan.Block}}},
		Lines: []billing.Line{
			{Kind: billing.Fee, Description: "Pro plan, monthly fee", Period: next, Amount: samples.USD("79")},
			{Kind: billing.Usage, Description: "gemini gemini-2.5-pro", Period: p, Provider: "gemini", Vendor: "google",
				Model: "gemini-2.5-pro", Usage: spent,
				Prices: []billing.UnitPrice{{From: start.AddDate(0, -1, 0), Basis: pricing.Exact,
					Rates: map[string]pricing.USD{"input_token": samples.USD("0.00000125")}}}},
			{Kind: billing.Overage, Description: "gemini gemini-2.5-pro beyond the plan", Period: p, Provider: "gemini",
				Vendor: "google", Model: "gemini-2.5-pro", Usage: beyond, Amount: samples.USD("0.600000000001")},
			{Kind: billing.Adjustment, Description: "exa, 2026-10-03 to 2026-11-03",
				Period: plan.Period{Start: plan.AddMonths(start, -1), End: start}, Provider: "exa", Vendor: "exa",
				Model: "exa-search",
				Usage: usage.Amounts{Calls: 3, Cost: samples.USD("0.015"),
					Quantities: pricing.Quantities{pricing.Requests: 3, pricing.Searches: 3}}},
			{Kind: billing.Credit, Description: "from your credit", Period: p, Amount: samples.USD("-5")},
			{Kind: billing.Rounding, Description: "rounding to whole cents", Period: p, Amount: samples.USD("-0.000000000001")},
		}, Subtotal: samples.USD("74.600000000001"), Rounding: samples.USD("-0.000000000001"), Total: samples.USD("74.6"),
		Cost: samples.USD("1.515")}
	note := creditNote(void, 8)
	note.IssuedAt, note.SettledAt, note.DueAt, note.Reference = void.SettledAt, void.SettledAt, void.SettledAt,
		"billed twice"
	free := billing.Bill{Number: 9, Kind: billing.Invoice, UserID: "=bob", PlanID: 1, PlanName: "Free",
		Period: plan.CalendarMonth(start), IssuedAt: p.End, DueAt: p.End, Status: billing.Paid, SettledAt: p.End,
		Lines: []billing.Line{{Kind: billing.Usage, Description: "exa exa-search", Period: plan.CalendarMonth(start),
			Provider: "exa", Vendor: "exa", Model: "exa-search",
			Usage: usage.Amounts{Calls: 2, Cost: samples.USD("0.01"),
				Quantities: pricing.Quantities{pricing.Requests: 2, pricing.Searches: 2}}}}, Cost: samples.USD("0.01")}
	return []billing.Bill{void, note, free}
}

func TestExportsGolden(t *testing.T) {
	for name, to := range map[string]func(io.Writer) report.BillWriter{"focus": asFocus,
		"ledger": report.Printer{}.BillsAsLedger, "records": report.Printer{}.BillsAsRecords} {
		t.Run(name, func(t *testing.T) {
			samples.CompareGolden(t, *update, filepath.Join("testdata", "bills-"+name+".txt"),
				[]byte(exported(t, to, sampleBills())))
		})
	}
}

// Without bills there is a header, and of records nothing.
func TestExportsOfNothing(t *testing.T) {
	for _, to := range []func(io.Writer) report.BillWriter{asFocus, report.Printer{}.BillsAsLedger} {
		if text := exported(t, to, nil); strings.Count(text, "\n") != 1 {
			t.Error(text)
		}
	}
	if text := exported(t, report.Printer{}.BillsAsRecords, nil); text != "" {
		t.Error(text)
	}
}

// A fault of the stream is told.
func TestExportsIntoABrokenPipe(t *testing.T) {
	for name, to := range map[string]func(io.Writer) report.BillWriter{"focus": asFocus,
		"ledger": report.Printer{}.BillsAsLedger, "records": report.Printer{}.BillsAsRecords} {
		_, w := io.Pipe()
		if err := w.CloseWithError(io.ErrClosedPipe); err != nil {
			t.Fatal(err)
		}
		out := to(w)
		b := sampleBills()[0]
		if err := out.Write(&b); err == nil {
			err = out.Flush()
			if err == nil {
				t.Error(name, " hides it")
			}
		}
	}
}
