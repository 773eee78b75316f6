package notify

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// functions are what templates can call. Each takes what a notice has in its data, and
// gives back as it stands what it can't read: a template never fails over it.
func functions() map[string]any {
	return map[string]any{
		"money":   money,
		"credit":  credit,
		"day":     day,
		"moment":  momentText,
		"number":  number,
		"counted": counted,
		"amount":  amount,
		"share":   share,
		"limit":   limit,
		"owed":    owed,
		"given":   given,
		"goes":    goes,
		"dollars": dollars,
		"lines":   lines,
	}
}

// money writes exact dollars for people: $29.00.
func money(text string) string {
	usd, err := pricing.ParseUSD(text)
	if err != nil {
		return text
	}
	return usd.Display()
}

// credit writes what is given back, which a credit note has as an amount below zero.
func credit(text string) string { return money(strings.TrimPrefix(text, "-")) }

// given writes what a credit note is worth: what is no longer owed, and what goes to the
// user's credit, or comes from it.
func given(total, credited string) string {
	back, err := pricing.ParseUSD(total)
	if err != nil {
		return total
	}
	more, err := pricing.ParseUSD(credited)
	if err != nil {
		more = 0 // of a notice from before it was told
	}
	return max(more-back, back-more).Roundly()
}

// goes says where the money of a credit note goes: "credit" (to the user's), "partly" (to
// it), "taken" (from it), "bill" (only less is owed) or "" (there is none).
func goes(total, credited string) string {
	less, toCredit, fromCredit := owed(strings.TrimPrefix(total, "-")), owed(credited), strings.HasPrefix(credited, "-")
	switch {
	case less && toCredit:
		return "partly"
	case toCredit:
		return "credit"
	case fromCredit:
		return "taken"
	case less:
		return "bill"
	}
	return ""
}

// dollars writes money in whole cents: $79.00.
func dollars(text string) string {
	usd, err := pricing.ParseUSD(text)
	if err != nil {
		return text
	}
	return usd.Roundly()
}

// owed tells whether an amount of money is more than nothing.
func owed(text string) bool {
	usd, err := pricing.ParseUSD(text)
	return err == nil && usd > 0
}

// day writes the day of a time: 1 December 2026. Periods and bills count in UTC.
func day(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.UTC().Format("2 January 2006")
}

// momentText writes a time to the minute.
func momentText(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.UTC().Format("2 January 2006, 15:04 UTC")
}

// number writes a whole number with thousands separators.
func number(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return text
	}
	return humanize.Comma(n)
}

// counted writes how many there are of something: 1 row, 2,000 rows.
func counted(text, word string) string {
	if text == "1" {
		return "1 " + word
	}
	return number(text) + " " + word + "s"
}

// amount writes what a meter counts: 1,000 calls, or $5.00.
func amount(meter, text string) string {
	if meter == string(plan.Cost) {
		return dollars(text)
	}
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return text
	}
	return counted(text, strings.TrimSuffix(meter, "s"))
}

// share writes how much of what there is: 800 of 1,000 calls, or $20.00 of $25.00.
func share(meter, used, max string) string {
	if meter == string(plan.Cost) {
		return dollarsOf(used, max)
	}
	return number(used) + " of " + amount(meter, max)
}

// dollarsOf writes how much money of what is allowed, in whole cents.
func dollarsOf(used, max string) string {
	u, err := pricing.ParseUSD(used)
	if err != nil {
		return used + " of " + max
	}
	m, err := pricing.ParseUSD(max)
	if err != nil {
		return used + " of " + max
	}
	a, of := u.RoundlyOf(m)
	return a + " of " + of
}

// lines splits a text at its line ends.
func lines(text string) []string { return strings.Split(text, "\n") }

// limit writes the name of a limit as a person would say it.
func limit(name string) string {
	if name == "cost" || strings.HasSuffix(name, "_cost") {
		name = strings.TrimSuffix(name, "cost") + "budget"
	}
	said := strings.Split(name, "_")
	for i, word := range said {
		if brand, ok := brands()[word]; ok {
			said[i] = brand
		}
	}
	return strings.Join(said, " ")
}

// brands are the names of providers as they write themselves.
func brands() map[string]string {
	return map[string]string{"gemini": "Gemini", "openai": "OpenAI", "anthropic": "Anthropic", "mistral": "Mistral", "huggingface": "Hugging Face",
		"wavespeed": "WaveSpeed", "tavily": "Tavily", "serper": "Serper", "metaphor": "Metaphor", "exa": "Exa", "firecrawl": "Firecrawl", "stability": "Stability"}
}

// words writes a name such as due_at as words.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// clean makes a text that may come from anyone fit for one line: a line break in it
// could pretend to be the next line of a mail.
func clean(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r)
	}), " ")
}

// cleanLines makes each line of a text of our own fit; \n written out ends one, too, since
// a variable of the environment is hard to write otherwise.
func cleanLines(text string) string {
	var kept []string
	for line := range strings.Lines(strings.ReplaceAll(text, `\n`, "\n")) {
		if line = clean(line); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
