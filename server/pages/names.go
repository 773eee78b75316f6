package pages

import (
	"strings"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
)

// spelled are the words of names that are not written as they sound.
//
//nolint:gochecknoglobals // read-only
var spelled = map[string]string{
	"ai": "AI", "openai": "OpenAI", "huggingface": "Hugging Face", "wavespeed": "WaveSpeed", "api": "API",
	"gemini": "Gemini", "anthropic": "Anthropic", "mistral": "Mistral", "tavily": "Tavily", "serper": "Serper",
	"metaphor": "Metaphor", "firecrawl": "Firecrawl", "stability": "Stability", "exa": "Exa", "deepseek": "DeepSeek",
	"openrouter": "OpenRouter", "xai": "xAI",
}

// title writes a name that programs use as people do: image_edit_calls is “Image edit calls”.
func title(name string) string {
	words := strings.Split(report.Visible(name), "_")
	for i, word := range words {
		if as, ok := spelled[word]; ok {
			words[i] = as
		}
	}
	if _, ok := spelled[strings.Split(name, "_")[0]]; !ok && words[0] != "" {
		first := []rune(words[0])
		words[0] = strings.ToUpper(string(first[:1])) + string(first[1:])
	}
	return strings.Join(words, " ")
}

// counts says what a limit counts, where its name may not: “gemini and openai”.
func counts(l plan.Limit) string {
	var names []string
	for _, provider := range l.Scope.Providers {
		names = append(names, title(provider))
	}
	for _, vendor := range l.Scope.Vendors {
		names = append(names, "served by "+title(vendor))
	}
	if len(l.Scope.Providers)+len(l.Scope.Vendors) < 2 && len(l.Scope.Vendors) == 0 {
		return ""
	}
	return strings.Join(names, ", ")
}
