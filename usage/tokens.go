package usage

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Fields of tokens that vendors divide otherwise than we do.
var inputField = pricing.InputTokens.String()           // read-only
var cachedPart = pricing.CachedInputTokens.String()     // read-only
var writePart = pricing.CacheWriteTokens.String()       // read-only
var hourWritePart = pricing.CacheWrite1hTokens.String() // read-only

// isInputPart tells whether a name gives a part of an input that it counts as within it.
func isInputPart(n Name) bool {
	return n.How == asIs && (n.Field == cachedPart || n.Field == writePart || n.Field == hourWritePart)
}

// setTokens sets the fields of tokens. Where none stands beside a total, each is what its name says.
func (r *eventReader) setTokens() error {
	if !r.beside {
		for _, cell := range r.tokens {
			if err := r.setField(cell.column, cell.text); err != nil {
				return err
			}
		}
		return nil
	}
	if err := r.dropLangfuseSums(); err != nil {
		return err
	}
	for place := range mostPlaces {
		var sums tokenSums
		for _, cell := range r.tokens {
			if cell.column.place == place {
				if err := sums.add(cell); err != nil {
					return err
				}
			}
		}
		if err := r.setSums(&sums, r.parts&(1<<place) != 0); err != nil {
			return err
		}
	}
	return nil
}

// dropLangfuseSums leaves out what Langfuse repeats of usage_details: sums that, by its version, have the tokens of a
// cache within them or not. Others stay, and must agree.
func (r *eventReader) dropLangfuseSums() error {
	var details tokenSums
	isDetail := func(c *column) bool { return strings.HasPrefix(c.Path, "usage_details.") }
	for _, cell := range r.tokens {
		if isDetail(cell.column) {
			if err := details.add(cell); err != nil {
				return err
			}
		}
	}
	r.tokens = slices.DeleteFunc(r.tokens, func(cell *cell) bool {
		own, beside := details.uncached, details.besideInput
		if cell.column.Field == pricing.OutputTokens.String() {
			own, beside = details.output, details.besideOutput
		}
		c := cell.column
		if isDetail(c) || !own.given() || c.Field == "" || c.How != asTotal && c.How != uncached {
			return false
		}
		sum, err := parseCount(c.name, cell.text)
		return err == nil && own.amount <= sum && sum <= own.amount+beside
	})
	return nil
}

// mostPlaces is above the number of places at which usage objects stand.
const mostPlaces = 64

// tokenSums are the tokens of one usage object.
type tokenSums struct {
	total, uncached, output, cached, writes, fiveMinutes, hour tokenCount
	besideInput, besideOutput                                  int64
	parts                                                      []*cell // that are beside a total, and fields of their own
}

// tokenCount is a number of tokens, and the name that gave it.
type tokenCount struct {
	cell   *cell
	amount int64
}

func (n tokenCount) given() bool { return n.cell != nil }

// add notes the tokens of a cell.
func (s *tokenSums) add(cell *cell) error {
	c := cell.column
	amount, err := parseCount(c.name, cell.text)
	if err != nil {
		return err
	}
	switch c.How {
	case besideInput:
		s.besideInput += amount
		s.parts = append(s.parts, cell)
		return nil
	case besideOutput:
		s.besideOutput += amount
		s.parts = append(s.parts, cell)
		return nil
	}
	to := s.place(c.Name)
	if to.given() && to.amount != amount {
		return failure.Invalidf("%s is given twice, as %q and as %q", c.Field, failure.Shorten(string(to.cell.text)),
			failure.Shorten(string(cell.text)))
	}
	*to = tokenCount{cell, amount}
	return nil
}

// place returns where the tokens of a name are kept.
func (s *tokenSums) place(n Name) *tokenCount {
	switch {
	case n.How == asTotal && n.Field == inputField:
		return &s.total
	case n.How == asTotal:
		return &s.output
	case n.How == uncached:
		return &s.uncached
	case n.How == cacheWriteSum:
		return &s.writes
	case n.Field == cachedPart:
		return &s.cached
	case n.Field == hourWritePart:
		return &s.hour
	}
	return &s.fiveMinutes
}

// setSums sets the fields of the tokens of one usage object. Within says that it has parts of the input, too, that our
// names or OpenAI's count as within it.
func (r *eventReader) setSums(s *tokenSums, within bool) error {
	kept := s.fiveMinutes
	if s.writes.given() {
		kept = tokenCount{s.writes.cell, s.writes.amount - s.hour.amount}
		if kept.amount < 0 || s.fiveMinutes.given() && s.fiveMinutes.amount != kept.amount {
			return failure.Invalidf("%s is %d, and its parts are %d and %d tokens", s.writes.cell.column.name, s.writes.amount,
				s.fiveMinutes.amount, s.hour.amount)
		}
	}
	input, cached := s.total, s.cached.amount+kept.amount+s.hour.amount
	switch {
	case !s.total.given():
		if cached > 0 && within {
			return failure.Invalidf("whether input_tokens has the cached tokens within it can't be told: the row gives them " +
				"by names that say so, and by names that say the opposite")
		}
		first := cmp.Or(s.uncached.cell, s.cached.cell, kept.cell, s.hour.cell)
		input = tokenCount{first, s.uncached.amount + cached}
	case s.uncached.given() && s.uncached.amount != s.total.amount:
		return failure.Invalidf("input_tokens is given twice, as %d and as %d", s.uncached.amount, s.total.amount)
	}
	input.amount += s.besideInput
	output := tokenCount{s.output.cell, s.output.amount + s.besideOutput}
	return cmp.Or(
		r.setCount(pricing.InputTokens, input, input.given() || s.besideInput > 0),
		r.setCount(pricing.OutputTokens, output, output.given() || s.besideOutput > 0),
		r.setCount(pricing.CachedInputTokens, s.cached, s.cached.given()),
		r.setCount(pricing.CacheWriteTokens, kept, kept.given()),
		r.setCount(pricing.CacheWrite1hTokens, s.hour, s.hour.given()),
		r.setParts(s.parts),
	)
}

// setCount sets a quantity to a number of tokens, where it is given.
func (r *eventReader) setCount(of pricing.Quantity, count tokenCount, given bool) error {
	if !given {
		return nil
	}
	return r.setField(quantityColumns[of], strconv.AppendInt(nil, count.amount, 10))
}

func (r *eventReader) setParts(parts []*cell) error {
	for _, cell := range parts {
		if cell.column.field == nil {
			continue
		}
		if err := r.setField(cell.column, cell.text); err != nil {
			return err
		}
	}
	return nil
}

// checkSum returns an invalid failure for a row whose sum of all tokens is above those that were read: some are not.
// Mistral's sum has the tokens of audio, which is counted by the second.
func (r *eventReader) checkSum() error {
	if r.sum == nil || r.row.Quantities[pricing.Seconds] > 0 {
		return nil
	}
	sum, err := parseCount(r.sum.column.name, r.sum.text)
	if err != nil {
		return err
	}
	if input, output := r.row.Quantities[pricing.InputTokens], r.row.Quantities[pricing.OutputTokens]; sum > input+output {
		return failure.Invalidf("%s is %d, and input_tokens and output_tokens are %d and %d: some tokens are not read",
			r.sum.column.name, sum, input, output)
	}
	return nil
}
