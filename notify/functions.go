package notify

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
)

// functions are what templates can call. Each takes texts from a notification's data, and returns a text that it
// can't read as it is: a template never fails because of one.
func functions() map[string]any {
	return map[string]any{
		"money":    money,
		"credit":   credit,
		"day":      dayText,
		"moment":   minuteText,
		"number":   number,
		"counted":  countNoun,
		"amount":   meterAmount,
		"share":    usedOfMax,
		"limit":    limitName,
		"owed":     isPositive,
		"given":    creditNoteValue,
		"goes":     creditNoteEffect,
		"dollars":  dollars,
		"lines":    lines,
		"word":     failure.ShellWord,
		"argument": failure.ShellArgument,
	}
}

// money writes exact dollars for people: $29.00.
func money(text string) string { return formatUSD(text, pricing.USD.Display) }

// dollars writes money in whole cents: $79.00.
func dollars(text string) string { return formatUSD(text, pricing.USD.Rounded) }

func formatUSD(text string, format func(pricing.USD) string) string {
	usd, err := pricing.ParseUSD(text)
	if err != nil {
		return text
	}
	return format(usd)
}

// credit writes an amount that is given back, which is negative on a credit note.
func credit(text string) string { return money(strings.TrimPrefix(text, "-")) }

// creditNoteValue writes what a credit note is worth: what is no longer owed, and what is added to the user's
// credit or taken from it.
func creditNoteValue(total, credited string) string {
	totalUSD, err := pricing.ParseUSD(total)
	if err != nil {
		return total
	}
	creditedUSD, err := pricing.ParseUSD(credited)
	if err != nil {
		creditedUSD = 0 // older notifications do not have it
	}
	return max(creditedUSD-totalUSD, totalUSD-creditedUSD).Rounded()
}

// creditNoteEffect says where the money of a credit note goes: "credit" (to the user's credit), "partly" (to it),
// "taken" (from it), "bill" (only less is owed) or "" (there is none).
func creditNoteEffect(total, credited string) string {
	lessOwed, added := isPositive(strings.TrimPrefix(total, "-")), isPositive(credited)
	switch {
	case lessOwed && added:
		return "partly"
	case added:
		return "credit"
	case strings.HasPrefix(credited, "-"):
		return "taken"
	case lessOwed:
		return "bill"
	}
	return ""
}

// isPositive tells whether an amount of money is more than nothing.
func isPositive(text string) bool {
	usd, err := pricing.ParseUSD(text)
	return err == nil && usd > 0
}

// dayText writes the day of a time: 1 December 2026. Periods and bills are in UTC.
func dayText(text string) string { return formatTime(text, "2 January 2006") }

// minuteText writes a time to the minute.
func minuteText(text string) string { return formatTime(text, "2 January 2006, 15:04 UTC") }

func formatTime(text, layout string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.UTC().Format(layout)
}

// number writes a whole number with thousands separators.
func number(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return text
	}
	return humanize.Comma(n)
}

// countNoun writes how many there are of something: 1 row, 2,000 rows.
func countNoun(text, noun string) string {
	if text == "1" {
		return "1 " + noun
	}
	return number(text) + " " + noun + "s"
}

// meterAmount writes what a meter counts: 1,000 calls, or $5.00.
func meterAmount(meter, text string) string {
	if meter == string(plan.Cost) {
		return dollars(text)
	}
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return text
	}
	return countNoun(text, strings.TrimSuffix(meter, "s"))
}

// usedOfMax writes how much of a limit is used: 800 of 1,000 calls, or $20.00 of $25.00.
func usedOfMax(meter, used, max string) string {
	if meter != string(plan.Cost) {
		return number(used) + " of " + meterAmount(meter, max)
	}
	usedUSD, errUsed := pricing.ParseUSD(used)
	maxUSD, errMax := pricing.ParseUSD(max)
	if errUsed != nil || errMax != nil {
		return used + " of " + max
	}
	used, max = usedUSD.RoundedOf(maxUSD)
	return used + " of " + max
}

// lines splits a text into its lines.
func lines(text string) []string { return strings.Split(text, "\n") }

// limitName writes the name of a limit as a person would say it.
func limitName(name string) string {
	if name == "cost" || strings.HasSuffix(name, "_cost") {
		name = strings.TrimSuffix(name, "cost") + "budget"
	}
	spoken := strings.Split(name, "_")
	for i, word := range spoken {
		if brand, ok := brandNames()[word]; ok {
			spoken[i] = brand
		}
	}
	return strings.Join(spoken, " ")
}

// brandNames are the names of providers as they write them themselves.
func brandNames() map[string]string {
	return map[string]string{
		"gemini": "Gemini", "openai": "OpenAI", "anthropic": "Anthropic", "mistral": "Mistral",
		"huggingface": "Hugging Face", "wavespeed": "WaveSpeed", "tavily": "Tavily", "serper": "Serper",
		"metaphor": "Metaphor", "exa": "Exa", "firecrawl": "Firecrawl", "stability": "Stability",
	}
}

// oneLine makes a text that may come from anyone fit for one line: a line break in it could pretend to be the next
// line of a mail.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r)
	}), " ")
}

// cleanLines makes each line of a text from the configuration fit for one line. A written \n ends a line too, since
// a line break in an environment variable is hard to write.
func cleanLines(text string) string {
	var kept []string
	for line := range strings.Lines(strings.ReplaceAll(text, `\n`, "\n")) {
		if line = oneLine(line); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
