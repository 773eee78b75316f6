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
		return money(text)
	}
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return text
	}
	return counted(text, strings.TrimSuffix(meter, "s"))
}

// share writes how much of what there is: 800 of 1,000 calls, or $20.00 of $25.00.
func share(meter, used, max string) string {
	if meter == string(plan.Cost) {
		return money(used) + " of " + money(max)
	}
	return number(used) + " of " + amount(meter, max)
}

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
