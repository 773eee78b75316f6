package pricing

// Counted returns what the price of a call counts, where the call has used nothing of it. It returns nil where
// something is counted, where nothing has a price, and where there is none or the call reports its cost itself.
func (b *Book) Counted(call *Call) []Quantity {
	price, _ := b.Find(call.Provider, call.Model, call.At)
	provider := b.Providers[call.Provider]
	if price == nil || call.Reported.Given && (price.Reported || provider.CostReported) {
		return nil
	}
	due, err := chargeable(provider.CharactersAreInputTokens, price, call)
	if err != nil {
		return nil // whoever rates the call says it
	}
	var counted []Quantity
	for q, rate := range due.rates {
		if rate == 0 {
			continue
		}
		if due.amounts[q] > 0 {
			return nil
		}
		counted = append(counted, Quantity(q))
	}
	return counted
}
