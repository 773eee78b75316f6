package pricing_test

import (
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

func TestVendorOfOwnModels(t *testing.T) {
	ps := providersOf(defaultCatalogue(t))
	own := map[string]string{"gemini": "google", "openai": "openai", "anthropic": "anthropic", "mistral": "mistral",
		"huggingface": "huggingface",
		"wavespeed":   "wavespeed", "tavily": "tavily", "serper": "serper", "metaphor": "metaphor", "exa": "exa",
		"firecrawl": "firecrawl"}
	for provider, vendor := range own {
		for _, model := range []string{"", "default", "anything", "wavespeed/kling", "tencent/Hunyuan", "qwen3"} {
			if got := ps[provider].VendorOf(model); got != vendor {
				t.Errorf("%s %q is served by %s, want %s", provider, model, got, vendor)
			}
		}
	}
	if len(ps) != len(own)+4 {
		t.Errorf("there are %d providers", len(ps))
	}
}

func TestVendorOfMediaModels(t *testing.T) {
	ps := providersOf(defaultCatalogue(t))
	byModel := map[string]string{
		"wan-2.5": "wavespeed", "seedance": "wavespeed", "infinitetalk": "wavespeed", "kling": "wavespeed",
		"minimax": "wavespeed", "speech-02": "wavespeed",
		"qwen": "wavespeed", "ideogram": "wavespeed", "flux": "wavespeed", "kontext": "wavespeed", "wavespeed": "wavespeed",
		"alibaba":   "wavespeed",
		"cosyvoice": "wavespeed", "tencent": "huggingface", "hunyuan": "huggingface", "stable-diffusion": "stability",
		// The first rule that matches wins, whatever stands first in the name.
		"tencent/qwen-hunyuan": "wavespeed", "stable-diffusion-flux": "wavespeed", "stable-diffusion/tencent": "huggingface",
	}
	others := map[string]string{"video": "wavespeed", "audio": "wavespeed", "image_edit": "wavespeed",
		"stability": "stability"}
	for provider, other := range others {
		for model, vendor := range byModel {
			for _, name := range []string{model, strings.ToUpper(model), "org/" + model + "-v1", "Org/" +
				strings.ToTitle(model) + ":x"} {
				if got := ps[provider].VendorOf(name); got != vendor {
					t.Errorf("%s %q is served by %s, want %s", provider, name, got, vendor)
				}
			}
		}
		for _, model := range []string{"", "default", "wan-2-5", "speech02", "stable diffusion", "unheard-of"} {
			if got := ps[provider].VendorOf(model); got != other {
				t.Errorf("%s %q is served by %s, want %s", provider, model, got, other)
			}
		}
	}
}

func TestVendorOfRuleInUpperCase(t *testing.T) {
	p := pricing.Provider{Vendor: "v", VendorRules: []pricing.VendorRule{{Contains: "KLING", Vendor: "w"},
		{Contains: "kling-9", Vendor: "x"}}}
	if got := p.VendorOf("Kling-9"); got != "w" {
		t.Errorf("got %s, want w: the first match wins, upper and lower case alike", got)
	}
}

func TestFindProvider(t *testing.T) {
	ps := providersOf(defaultCatalogue(t))
	if p, err := ps.Find("gemini"); err != nil || p.Vendor != "google" {
		t.Errorf("got %+v, %v", p, err)
	}
	tests := []struct{ name, hint string }{
		{"gemni", "did you mean gemini?"},
		{"GEMINI", "did you mean gemini?"},
		{"open_ai", "did you mean openai?"},
		{"fire-crawl", "did you mean firecrawl?"},
		{"imageedit", "did you mean image_edit?"},
		{"zzzzzzzz", "known are: anthropic, audio, exa, "},
		{"", "known are: anthropic, audio, exa, "},
		{"\x00\x1b[31m", "known are: "},
		{strings.Repeat("gemini", 2000), "known are: "},
	}
	for _, tt := range tests {
		_, err := ps.Find(tt.name)
		wantInvalid(t, err)
		var f *failure.Error
		if !asFailure(err, &f) {
			continue
		}
		if !strings.HasPrefix(f.Hint, tt.hint) {
			t.Errorf("the hint for %q is %q, want %q", tt.name, f.Hint, tt.hint)
		}
		if strings.ContainsAny(f.Message, "\x00\x1b") || len(f.Message) > 500 {
			t.Errorf("the message is %q", f.Message)
		}
	}
}
