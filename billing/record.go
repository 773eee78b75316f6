package billing

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// record is a bill in JSON: everything that is known of it, amounts as exact text, and
// null where there is nothing. Fields that billing show has too have its names.
type record struct {
	Number    int64        `json:"number"`
	Kind      Kind         `json:"kind"`
	RefersTo  *int64       `json:"refers_to"`
	UserID    string       `json:"user_id"`
	Email     *string      `json:"email"`
	PlanID    int64        `json:"plan_id"`
	PlanName  string       `json:"plan"`
	Cycle     *plan.Cycle  `json:"cycle"`
	Period    periodRecord `json:"period"`
	IssuedAt  time.Time    `json:"issued_at"`
	DueAt     time.Time    `json:"due_at"`
	Status    Status       `json:"status"`
	SettledAt *time.Time   `json:"settled_at"`
	Reference *string      `json:"reference"`
	Currency  string       `json:"currency"`
	Subtotal  pricing.USD  `json:"subtotal"`
	Rounding  pricing.USD  `json:"rounding"`
	Total     pricing.USD  `json:"total"`
	Cost      pricing.USD  `json:"cost"`
	Terms     *termsRecord `json:"terms"`
	Lines     []lineRecord `json:"lines"`
}

type periodRecord struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

type termsRecord struct {
	Limits           []limitRecord `json:"limits"`
	MarkupMillionths int64         `json:"markup_millionths"`
}

type limitRecord struct {
	Name      string      `json:"name"`
	Meter     plan.Meter  `json:"meter"`
	Providers []string    `json:"providers"`
	Vendors   []string    `json:"vendors"`
	Max       *string     `json:"max"` // in the meter's unit; null is unlimited
	Action    plan.Action `json:"action"`
}

type lineRecord struct {
	Line        int           `json:"line"`
	Kind        LineKind      `json:"kind"`
	Account     Account       `json:"account"`
	Description string        `json:"description"`
	Period      *periodRecord `json:"period"`
	Provider    *string       `json:"provider"`
	Vendor      *string       `json:"vendor"`
	Model       *string       `json:"model"`
	Calls       int64         `json:"calls"`
	Errors      int64         `json:"errors"`
	Unpriced    int64         `json:"unpriced_calls"`
	Input       int64         `json:"input_tokens"`
	Output      int64         `json:"output_tokens"`
	Cached      int64         `json:"cached_input_tokens"`
	Images      int64         `json:"images"`
	Searches    int64         `json:"searches"`
	Pages       int64         `json:"pages"`
	Characters  int64         `json:"characters"`
	Seconds     int64         `json:"seconds"`
	Cost        pricing.USD   `json:"cost"`
	Amount      pricing.USD   `json:"amount"`
	Prices      []priceRecord `json:"unit_prices"`
}

type priceRecord struct {
	From        time.Time              `json:"effective_from"`
	Basis       pricing.Basis          `json:"pricing"`
	Rates       map[string]pricing.USD `json:"rates"`
	AboveInput  *int64                 `json:"above_input_tokens"`
	AboveIn     *pricing.USD           `json:"above_input_token_cost"`
	AboveOutput *pricing.USD           `json:"above_output_token_cost"`
}

// MarshalJSON writes a bill with all that is known of it. UnmarshalJSON reads it back
// as it was.
func (b Bill) MarshalJSON() ([]byte, error) {
	r := record{Number: b.Number, Kind: b.Kind, RefersTo: pointer(b.RefersTo), UserID: b.UserID, Email: pointer(b.Email), PlanID: b.PlanID, PlanName: b.PlanName,
		Cycle: pointer(b.Cycle), Period: periodRecord(b.Period), IssuedAt: b.IssuedAt, DueAt: b.DueAt, Status: b.Status, SettledAt: pointer(b.SettledAt),
		Reference: pointer(b.Reference), Currency: "USD", Subtotal: b.Subtotal, Rounding: b.Rounding, Total: b.Total, Cost: b.Cost, Lines: []lineRecord{}}
	if b.Terms != nil {
		r.Terms = &termsRecord{Limits: []limitRecord{}, MarkupMillionths: b.Terms.MarkupMillionths}
		for _, l := range b.Terms.Limits {
			r.Terms.Limits = append(r.Terms.Limits, recordLimit(l))
		}
	}
	for i, l := range b.Lines {
		r.Lines = append(r.Lines, recordLine(i+1, l))
	}
	return json.Marshal(r)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (b *Bill) UnmarshalJSON(text []byte) error {
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return failure.Invalidf("this is no bill: %s", err).Because(err)
	}
	*b = Bill{Number: r.Number, Kind: r.Kind, RefersTo: valueOf(r.RefersTo), UserID: r.UserID, Email: valueOf(r.Email), PlanID: r.PlanID, PlanName: r.PlanName,
		Cycle: valueOf(r.Cycle), Period: plan.Period(r.Period), IssuedAt: r.IssuedAt, DueAt: r.DueAt, Status: r.Status, SettledAt: valueOf(r.SettledAt),
		Reference: valueOf(r.Reference), Subtotal: r.Subtotal, Rounding: r.Rounding, Total: r.Total, Cost: r.Cost}
	if r.Terms != nil {
		b.Terms = &Terms{MarkupMillionths: r.Terms.MarkupMillionths}
		for _, l := range r.Terms.Limits {
			limit, err := l.limit()
			if err != nil {
				return err
			}
			b.Terms.Limits = append(b.Terms.Limits, limit)
		}
	}
	for _, l := range r.Lines {
		b.Lines = append(b.Lines, l.line())
	}
	return nil
}

func recordLimit(l plan.Limit) limitRecord {
	r := limitRecord{Name: l.Name, Meter: l.Meter, Providers: orEmpty(l.Scope.Providers), Vendors: orEmpty(l.Scope.Vendors), Action: l.Action}
	if !l.Unlimited {
		most := l.Amount(l.Max)
		r.Max = &most
	}
	return r
}

func (r limitRecord) limit() (plan.Limit, error) {
	l := plan.Limit{Name: r.Name, Meter: r.Meter, Scope: plan.Scope{Providers: orNil(r.Providers), Vendors: orNil(r.Vendors)}, Unlimited: r.Max == nil, Action: r.Action}
	if r.Max == nil {
		return l, nil
	}
	if r.Meter == plan.Cost {
		most, err := pricing.ParseUSD(*r.Max)
		l.Max = int64(most)
		return l, err
	}
	var err error
	if l.Max, err = strconv.ParseInt(*r.Max, 10, 64); err != nil {
		err = failure.Invalidf("max is %q: it must be a whole number of %s", pricing.Shorten(*r.Max), r.Meter).Because(err)
	}
	return l, err
}

func recordLine(number int, l Line) lineRecord {
	q := l.Usage.Quantities
	r := lineRecord{Line: number, Kind: l.Kind, Account: l.Kind.Account(), Description: l.Description, Provider: pointer(l.Provider), Vendor: pointer(l.Vendor), Model: pointer(l.Model),
		Calls: l.Usage.Calls, Errors: l.Usage.Errors, Unpriced: l.Usage.Unpriced, Input: q[pricing.InputTokens], Output: q[pricing.OutputTokens],
		Cached: q[pricing.CachedInputTokens], Images: q[pricing.Images], Searches: q[pricing.Searches], Pages: q[pricing.Pages],
		Characters: q[pricing.Characters], Seconds: q[pricing.Seconds], Cost: l.Usage.Cost, Amount: l.Amount, Prices: []priceRecord{}}
	if l.Period != (plan.Period{}) {
		p := periodRecord(l.Period)
		r.Period = &p
	}
	for _, p := range l.Prices {
		price := priceRecord{From: p.From, Basis: p.Basis, Rates: p.Rates}
		if p.Above != nil {
			price.AboveInput, price.AboveIn, price.AboveOutput = &p.Above.OverInputTokens, &p.Above.InputToken, &p.Above.OutputToken
		}
		r.Prices = append(r.Prices, price)
	}
	return r
}

func (r lineRecord) line() Line {
	l := Line{Kind: r.Kind, Description: r.Description, Provider: valueOf(r.Provider), Vendor: valueOf(r.Vendor), Model: valueOf(r.Model), Amount: r.Amount,
		Usage: usage.Amounts{Calls: r.Calls, Errors: r.Errors, Unpriced: r.Unpriced, Cost: r.Cost, Quantities: pricing.Quantities{
			pricing.Requests: r.Calls, pricing.InputTokens: r.Input, pricing.OutputTokens: r.Output, pricing.CachedInputTokens: r.Cached,
			pricing.Images: r.Images, pricing.Searches: r.Searches, pricing.Pages: r.Pages, pricing.Characters: r.Characters, pricing.Seconds: r.Seconds}}}
	if r.Period != nil {
		l.Period = plan.Period(*r.Period)
	}
	for _, p := range r.Prices {
		price := UnitPrice{From: p.From, Basis: p.Basis, Rates: p.Rates}
		if p.AboveInput != nil {
			price.Above = &pricing.LongContext{OverInputTokens: *p.AboveInput, InputToken: valueOf(p.AboveIn), OutputToken: valueOf(p.AboveOutput)}
		}
		l.Prices = append(l.Prices, price)
	}
	return l
}

// pointer is nil, and null in JSON, for a zero value.
func pointer[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func orEmpty(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

func orNil(texts []string) []string {
	if len(texts) == 0 {
		return nil
	}
	return texts
}
