package report_test

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

// A record has all that is known of a bill: it can be made from it as it was.
func TestRecordsReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		bills := someBills(rt)
		text := exported(rt, report.Printer{}.BillsAsRecords, bills)
		if strings.Count(text, "\n") != len(bills) {
			rt.Fatal(text)
		}
		for i, line := range slices.Collect(strings.Lines(text)) {
			if b := readBill(rt, line); !reflect.DeepEqual(b, bills[i]) {
				rt.Fatalf("%+v is not %+v", b, bills[i])
			}
		}
	})
}

// readRecord is a record as a program of someone else reads it; null leaves a field empty.
type readRecord struct {
	Number    int64          `json:"number"`
	Kind      billing.Kind   `json:"kind"`
	RefersTo  int64          `json:"refers_to"`
	UserID    string         `json:"user_id"`
	Email     string         `json:"email"`
	Name      string         `json:"name"`
	Address   string         `json:"address"`
	Country   string         `json:"country"`
	Tax       string         `json:"tax_id"`
	PlanID    int64          `json:"plan_id"`
	Plan      string         `json:"plan"`
	Cycle     plan.Cycle     `json:"cycle"`
	Period    readPeriod     `json:"period"`
	IssuedAt  time.Time      `json:"issued_at"`
	DueAt     time.Time      `json:"due_at"`
	Status    billing.Status `json:"status"`
	SettledAt time.Time      `json:"settled_at"`
	Reference string         `json:"reference"`
	Currency  string         `json:"currency"`
	Subtotal  pricing.USD    `json:"subtotal"`
	Rounding  pricing.USD    `json:"rounding"`
	Total     pricing.USD    `json:"total"`
	Cost      pricing.USD    `json:"cost"`
	Terms     *struct {
		Limits           []readLimit `json:"limits"`
		MarkupMillionths int64       `json:"markup_millionths"`
		Parts            []struct {
			PlanID           int64       `json:"plan_id"`
			Microseconds     int64       `json:"microseconds"`
			Overage          bool        `json:"overage"`
			Limits           []readLimit `json:"limits"`
			MarkupMillionths int64       `json:"markup_millionths"`
		} `json:"parts"`
	} `json:"terms"`
	Lines []readLine `json:"lines"`
}

type readPeriod struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

type readLimit struct {
	Name      string      `json:"name"`
	Meter     plan.Meter  `json:"meter"`
	Providers []string    `json:"providers"`
	Vendors   []string    `json:"vendors"`
	Max       *string     `json:"max"`
	Action    plan.Action `json:"action"`
}

type readLine struct {
	Line         int                   `json:"line"`
	Kind         billing.LineKind      `json:"kind"`
	Account      billing.LedgerAccount `json:"account"`
	Description  string                `json:"description"`
	Period       readPeriod            `json:"period"`
	Provider     string                `json:"provider"`
	Vendor       string                `json:"vendor"`
	Model        string                `json:"model"`
	Calls        int64                 `json:"calls"`
	Errors       int64                 `json:"errors"`
	Unpriced     int64                 `json:"unpriced_calls"`
	Estimated    int64                 `json:"estimated_calls"`
	EstimatedFor pricing.USD           `json:"estimated_cost"`
	Input        int64                 `json:"input_tokens"`
	Output       int64                 `json:"output_tokens"`
	Cached       int64                 `json:"cached_input_tokens"`
	Images       int64                 `json:"images"`
	Searches     int64                 `json:"searches"`
	Pages        int64                 `json:"pages"`
	Characters   int64                 `json:"characters"`
	Seconds      float64               `json:"seconds"`
	CacheWrite   int64                 `json:"cache_write_tokens"`
	CacheWrite1h int64                 `json:"cache_write_1h_tokens"`
	AudioInput   int64                 `json:"audio_input_tokens"`
	ImageInput   int64                 `json:"image_input_tokens"`
	AudioOutput  int64                 `json:"audio_output_tokens"`
	Reasoning    int64                 `json:"reasoning_tokens"`
	Cost         pricing.USD           `json:"cost"`
	Amount       pricing.USD           `json:"amount"`
	Prices       []struct {
		From        time.Time              `json:"effective_from"`
		Basis       pricing.Basis          `json:"pricing"`
		Rates       map[string]pricing.USD `json:"rates"`
		AboveInput  *int64                 `json:"above_input_tokens"`
		AboveIn     pricing.USD            `json:"above_input_token_cost"`
		AboveOutput pricing.USD            `json:"above_output_token_cost"`
		Bands       []struct{}             `json:"bands"`
		Tiers       []struct{}             `json:"tiers"`
		Reported    bool                   `json:"reported"`
	} `json:"unit_prices"`
	Charges []readCharge `json:"charges"`
}

type readCharge struct {
	Quantity string        `json:"quantity"`
	Used     int64         `json:"used"`
	Rate     pricing.USD   `json:"unit_price"`
	Cost     pricing.USD   `json:"cost"`
	Basis    pricing.Basis `json:"pricing"`
	Model    string        `json:"priced_as"`
	Tier     string        `json:"service_tier"`
	Band     string        `json:"band"`
	Over     int64         `json:"above_input_tokens"`
	From     time.Time     `json:"effective_from"`
}

// readBill reads a record, which has no other fields, back into its bill.
func readBill(t fatal, text string) billing.Bill {
	var r readRecord
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.Currency != "USD" {
		t.Fatal(text)
	}
	b := billing.Bill{Number: r.Number, Kind: r.Kind, RefersTo: r.RefersTo, UserID: r.UserID, Email: r.Email,
		Contact: usage.Contact{Name: r.Name, Address: r.Address, Country: r.Country, TaxID: r.Tax},
		PlanID:  r.PlanID, PlanName: r.Plan, Cycle: r.Cycle,
		Period: plan.Period(r.Period), IssuedAt: r.IssuedAt, DueAt: r.DueAt, Status: r.Status, SettledAt: r.SettledAt,
		Reference: r.Reference,
		Subtotal:  r.Subtotal, Rounding: r.Rounding, Total: r.Total, Cost: r.Cost}
	if r.Terms != nil {
		b.Terms = &billing.Terms{MarkupMillionths: r.Terms.MarkupMillionths}
		for _, l := range r.Terms.Limits {
			b.Terms.Limits = append(b.Terms.Limits, l.limit(t))
		}
		for _, p := range r.Terms.Parts {
			part := billing.PartTerms{PlanID: p.PlanID, Microseconds: p.Microseconds, Overage: p.Overage,
				MarkupMillionths: p.MarkupMillionths}
			for _, l := range p.Limits {
				part.Limits = append(part.Limits, l.limit(t))
			}
			b.Terms.Parts = append(b.Terms.Parts, part)
		}
	}
	for i, l := range r.Lines {
		if l.Line != i+1 || l.Account != l.Kind.LedgerAccount() {
			t.Fatal(text)
		}
		b.Lines = append(b.Lines, l.line())
	}
	return b
}

func (r readLimit) limit(t fatal) plan.Limit {
	l := plan.Limit{Name: r.Name, Meter: r.Meter, Unlimited: r.Max == nil, Action: r.Action}
	if len(r.Providers) > 0 {
		l.Scope.Providers = r.Providers
	}
	if len(r.Vendors) > 0 {
		l.Scope.Vendors = r.Vendors
	}
	var err error
	switch {
	case r.Max == nil:
	case r.Meter == plan.Cost:
		var most pricing.USD
		most, err = pricing.ParseUSD(*r.Max)
		l.Max = int64(most)
	default:
		l.Max, err = strconv.ParseInt(*r.Max, 10, 64)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (r readLine) line() billing.Line {
	l := billing.Line{Kind: r.Kind, Description: r.Description, Period: plan.Period(r.Period), Provider: r.Provider,
		Vendor: r.Vendor, Model: r.Model, Amount: r.Amount,
		Usage: usage.Amounts{Calls: r.Calls, Errors: r.Errors, Unpriced: r.Unpriced, Cost: r.Cost,
			Estimated: r.Estimated, EstimatedCost: r.EstimatedFor,
			Quantities: pricing.Quantities{
				pricing.Requests: r.Calls, pricing.InputTokens: r.Input, pricing.OutputTokens: r.Output,
				pricing.CachedInputTokens: r.Cached, pricing.Images: r.Images, pricing.Searches: r.Searches, pricing.Pages: r.Pages,
				pricing.Characters:       r.Characters,
				pricing.CacheWriteTokens: r.CacheWrite, pricing.CacheWrite1hTokens: r.CacheWrite1h,
				pricing.AudioInputTokens: r.AudioInput, pricing.ImageInputTokens: r.ImageInput,
				pricing.AudioOutputTokens: r.AudioOutput, pricing.ReasoningTokens: r.Reasoning}}}
	l.Usage.Quantities[pricing.Seconds] = int64(math.Round(1000 * r.Seconds)) // of which a test has few
	for _, p := range r.Prices {
		price := billing.UnitPrice{From: p.From, Basis: p.Basis, Rates: p.Rates}
		if p.AboveInput != nil {
			price.Above = &pricing.LongContext{OverInputTokens: *p.AboveInput, InputToken: p.AboveIn, OutputToken: p.AboveOutput}
		}
		l.Prices = append(l.Prices, price)
	}
	for _, c := range r.Charges {
		key := billing.ChargeKey{Unit: strings.TrimSuffix(c.Quantity, "s"), Rate: c.Rate, Basis: c.Basis, Model: c.Model,
			Tier: c.Tier, Band: c.Band, Over: c.Over}
		if c.Rate == 0 {
			key.Unit = ""
		}
		l.Charges = append(l.Charges, billing.Charge{ChargeKey: key, From: c.From, Amount: c.Used, Cost: c.Cost})
	}
	return l
}
