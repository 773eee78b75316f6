package torture_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

// world is what the program is asked to keep the books of, and what is expected of it.
type world struct {
	*arena
	dice      *rand.Rand
	now       time.Time
	customers []*customer
	tariffs   []tariff           // what plans cost and include, by time
	prices    map[string][]price // by provider/model
	papers    []*paper           // in no order that counts
	took      time.Duration      // of the last closing that nobody disturbed
	events    int
	did       map[string]int
}

// price is what a model costs from a moment on, in pico-dollars.
type price struct {
	from                          time.Time
	input, output, request, image int64
}

// tariff is what plans cost, as it is written, and include from a moment on.
type tariff struct {
	from            time.Time
	monthly, yearly map[string]string
	calls, cents    int64 // the limits of Basic, and of Team
	markup          int64 // of Basic, in millionths
}

// tariff returns the one of a moment.
func (w *world) tariff(at time.Time) tariff {
	found := w.tariffs[0]
	for _, t := range w.tariffs {
		if !t.from.After(at) {
			found = t
		}
	}
	return found
}

// price returns what a cycle of a plan costs that is begun at a moment.
func (w *world) price(plan string, months int, at time.Time) int64 {
	if t := w.tariff(at); months == 12 {
		return pico(t.yearly[plan])
	}
	return pico(w.tariff(at).monthly[plan])
}

// pico reads an amount of dollars.
func pico(text string) int64 {
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", 12-len(fraction)), 10, 64)
	if err != nil {
		panic(err) // the tests write these amounts
	}
	return n
}

// plans returns the file of the plans as they are from now on.
func (w *world) plans() string {
	t := w.tariffs[len(w.tariffs)-1]
	var file strings.Builder
	file.WriteString("limits: {calls: {meter: calls}, tokens: {meter: tokens, providers: [acme]}, cost: {meter: cost, " +
		"providers: [zed]}}\nplans:\n")
	more := map[string]string{"Free": "limits: {calls: 5}", "Pro": "limits: {calls: unlimited, cost: 0.1}",
		"Basic": fmt.Sprintf(`overage: allow, overage_markup: "%d.%04d%%", `+
			`limits: {calls: %d, tokens: 150000, cost: {max: 0.1, action: warn}}`,
			t.markup/10_000, t.markup%10_000, t.calls),
		"Team": fmt.Sprintf("overage: allow, limits: {calls: unlimited, tokens: 0, cost: 0.%02d}", t.cents)}
	for _, name := range planNames() {
		fmt.Fprintf(&file, "  - {name: %s, tier: %s, monthly: %s, yearly: %s, description: of a test, features: [], %s}\n",
			name, strings.ToLower(name), t.monthly[name], t.yearly[name], more[name])
	}
	return file.String()
}

func planNames() []string { return []string{"Free", "Basic", "Pro", "Team"} }

const modelPrices = `
providers: [{name: acme, vendor: acme}, {name: zed, vendor: zed}]
prices:
  - {provider: acme, model: small, input_token: 0.000000150001, output_token: 0.0000006}
  - {provider: acme, model: odd, request: 0.000000000001}
  - {provider: zed, model: default, image: 0.037}
`

func newWorld(t testing.TB, a *arena, dice *rand.Rand, customers int) *world {
	w := &world{arena: a, dice: dice, now: time.Date(2027, 11, 27, 7, 0, 0, 0, time.UTC), did: map[string]int{},
		tariffs: []tariff{{monthly: map[string]string{"Free": "0", "Basic": "29.99", "Pro": "79.333333333333", "Team": "199"},
			yearly: map[string]string{"Free": "0", "Basic": "290.005", "Pro": "790.000000000001", "Team": "1990"}, calls: 9,
			cents: 10, markup: 125_001}},
		prices: map[string][]price{"acme/small": {{input: 150_001, output: 600_000}}, "acme/odd": {{request: 1}},
			"zed/": {{image: 37_000_000_000}}}}
	a.must(t, w.now, "init", "--rehearsal", "--plans", a.write(t, "plans.yaml", w.plans()), "--prices",
		a.write(t, "prices.yaml", modelPrices))
	strange := []string{"O'Brien; DROP TABLE users", "用户-7", "%_\\", "a b\"c", "ünï", "🦉", "$1", "-5"}
	for n := range customers {
		c := &customer{id: fmt.Sprintf("user-%04d", n)}
		if n < len(strange) {
			c.id = strange[n]
		}
		w.customers = append(w.customers, c)
	}
	return w
}

// cost returns what a price makes of a call.
func (p price) cost(e *call) int64 {
	return e.said.input*p.input + e.said.output*p.output + e.said.calls*p.request + e.said.images*p.image
}

// rate counts a call, and rates it at the prices that are known now.
func (w *world) rate(e *call) {
	switch {
	case e.gone:
		e.used = used{}
		return
	case e.failed:
		e.used = used{errors: e.said.calls}
		return
	}
	e.used = e.said
	e.used.unpriced = e.said.calls
	for _, p := range w.prices[e.key()] {
		if !p.from.After(e.at) {
			e.used.unpriced, e.used.cost = 0, p.cost(e)
		}
	}
}

func (w *world) rateAll() {
	for _, c := range w.customers {
		for _, e := range c.calls {
			w.rate(e)
		}
	}
}

// use imports calls of some customers, also of periods that are closed.
func (w *world) use(t testing.TB, count int) {
	var file strings.Builder
	for range count {
		c := w.customers[w.dice.IntN(len(w.customers))]
		e := w.call(c)
		c.calls, c.known = append(c.calls, e), true
		file.WriteString(e.row)
		w.did["calls"]++
	}
	w.must(t, w.now, "usage", "import", w.write(t, "calls.jsonl", file.String()))
}

func (w *world) call(c *customer) *call {
	models := []string{"acme/small", "acme/odd", "acme/late", "zed/"}
	back := time.Duration(w.dice.Int64N(int64(12 * 24 * time.Hour)))
	if w.dice.IntN(12) == 0 {
		back *= 8 // of a closed period
	}
	e := &call{owner: c, at: w.now.Add(-back).Truncate(time.Microsecond), failed: w.dice.IntN(10) == 0}
	if !c.closed.IsZero() && w.dice.IntN(15) == 0 {
		e.at = c.closed.Add(-time.Microsecond * time.Duration(w.dice.IntN(2))) // the last or the first of a period
	}
	if e.at.After(w.now) {
		e.at = w.now
	}
	e.provider, e.model, _ = strings.Cut(models[w.dice.IntN(len(models))], "/")
	requests, input, output, images := 1+w.dice.Int64N(3), w.dice.Int64N(90_000), w.dice.Int64N(9_000), 1+w.dice.Int64N(4)
	status := 200
	if e.failed {
		status = 503
	}
	e.said = used{calls: requests, input: input, output: output, images: images}
	w.rate(e)
	w.events++
	e.id = fmt.Sprintf("call-%d", w.events)
	row, _ := json.Marshal(map[string]any{"id": e.id, "user_id": c.id, "provider": e.provider,
		"model": e.model, "time": e.at.Format(time.RFC3339Nano),
		"requests": requests, "input_tokens": input, "output_tokens": output, "images": images, "status_code": status})
	e.row = string(row) + "\n"
	return e
}

// setPrices changes what models cost: of one the price becomes known late, for all of its
// past, and is put right by a rerating.
func (w *world) setPrices(t testing.TB) {
	amount := 1 + w.dice.Int64N(3_000_000)
	text := fmt.Sprintf("0.%012d", amount)
	if w.prices["acme/late"] == nil {
		from := w.now.AddDate(0, -2, 0)
		w.must(t, w.now, "pricing", "set", "acme", "late", "--input-token-cost", text, "--effective-from",
			from.Format(time.RFC3339Nano))
		w.prices["acme/late"] = []price{{from: from, input: amount}}
	} else {
		w.must(t, w.now, "pricing", "set", "acme", "small", "--input-token-cost", text, "--output-token-cost", text,
			"--effective-from", w.now.Format(time.RFC3339Nano), "--force")
		w.prices["acme/small"] = append(w.prices["acme/small"], price{from: w.now, input: amount, output: amount})
	}
	w.must(t, w.now, "pricing", "rerate")
	w.rateAll()
	w.did["rerate"]++
}

// reprice changes what plans cost and include from a moment on, whatever is closed by then.
// Of the prices nothing changes for those who have the plans before their next cycle.
func (w *world) reprice(t testing.TB, at time.Time) {
	next := w.tariffs[len(w.tariffs)-1]
	next.from, next.monthly, next.yearly = at, maps.Clone(next.monthly), maps.Clone(next.yearly)
	for _, name := range []string{"Basic", "Pro"} {
		next.monthly[name] = fmt.Sprintf("%d.%03d", 20+w.dice.IntN(80), w.dice.IntN(1000))
		next.yearly[name] = fmt.Sprintf("%d.%012d", 200+w.dice.IntN(800), w.dice.Int64N(1_000_000_000_000))
	}
	next.calls, next.cents, next.markup = 2+w.dice.Int64N(12), 1+w.dice.Int64N(30), w.dice.Int64N(2_000_000)
	w.tariffs = append(w.tariffs, next)
	w.must(t, at, "plans", "apply", "-f", w.write(t, "plans.yaml", w.plans()))
	w.did["reprice"]++
}
