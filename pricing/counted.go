package pricing

import "time"

// Counted returns what the price that holds for a model at a moment counts, where a call has used nothing of it. It
// returns nil where something is counted, where nothing has a price, and where there is none.
func (b *Book) Counted(provider, model string, at time.Time, used *Quantities) []Quantity {
	price, _ := b.Find(provider, model, at)
	if price == nil {
		return nil
	}
	charged, rates := chargeable(b.Providers[provider].CharactersAreInputTokens, price, *used)
	var counted []Quantity
	for q, rate := range rates {
		if rate == 0 {
			continue
		}
		if charged[q] > 0 {
			return nil
		}
		counted = append(counted, Quantity(q))
	}
	return counted
}
