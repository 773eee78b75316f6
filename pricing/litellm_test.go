package pricing_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/pricing"
)

func readLiteLLM(t *testing.T, only string) pricing.LiteLLM {
	t.Helper()
	text, err := os.ReadFile("testdata/litellm.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pricing.ParseLiteLLM("litellm.json", text, providersOf(defaultCatalogue(t)), only)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The prices of the excerpt, as a price file has them.
func TestParseLiteLLM(t *testing.T) {
	const want = `
openai "gpt-5.4", input_token: 2.5/1M, output_token: 15/1M, cached_input_token: 0.25/1M, ` +
		`above: {input_tokens: 272000, input_token: 5/1M, output_token: 22.5/1M, cached_input_token: 0.5/1M}, ` +
		`tiers: [{name: "batch", input_token: 1.25/1M, output_token: 7.5/1M}, ` +
		`{name: "flex", input_token: 1.25/1M, output_token: 7.5/1M, cached_input_token: 0.13/1M}, ` +
		`{name: "priority", input_token: 5/1M, output_token: 30/1M, cached_input_token: 0.5/1M}]
openai "ft:gpt-4o-mini-2024-07-18", input_token: 0.3/1M, output_token: 1.2/1M, cached_input_token: 0.15/1M, ` +
		`tiers: [{name: "batch", input_token: 0.15/1M, output_token: 0.6/1M}]
openai "gpt-4o-audio-preview", input_token: 2.5/1M, output_token: 10/1M, ` +
		`audio_input_token: 100/1M, audio_output_token: 200/1M
openai "dall-e-3-flat", image: 0.04
openai "whisper-1", second: 0.0001
openai "tts-1", character: 15/1M
openai "gpt-3.5-turbo-instruct", input_token: 1.5/1M, output_token: 2/1M
openai "gpt-image-1-mini", input_token: 2/1M, output_token: 8/1M, cached_input_token: 0.2/1M, image_input_token: 2.5/1M
anthropic "claude-sonnet-4-20250514", input_token: 3/1M, output_token: 15/1M, cached_input_token: 0.3/1M, ` +
		`cache_write_token: 3.75/1M, cache_write_1h_token: 6/1M, ` +
		`above: {input_tokens: 200000, input_token: 6/1M, output_token: 22.5/1M, cached_input_token: 0.6/1M, ` +
		`cache_write_token: 7.5/1M}
gemini "gemini-3.1-pro-preview", input_token: 2/1M, output_token: 12/1M, cached_input_token: 0.2/1M, ` +
		`above: {input_tokens: 200000, input_token: 4/1M, output_token: 18/1M, cached_input_token: 0.4/1M}, ` +
		`tiers: [{name: "batch", input_token: 1/1M, output_token: 6/1M}, {name: "priority", input_token: 3.6/1M, ` +
		`output_token: 21.6/1M, above: {input_tokens: 200000, input_token: 7.2/1M, output_token: 32.4/1M}}]
gemini "gemini-3-flash-preview", input_token: 0.5/1M, output_token: 3/1M, cached_input_token: 0.05/1M, ` +
		`audio_input_token: 1/1M, tiers: [{name: "priority", output_token: 5.4/1M}]
gemini "reasons-for-less", input_token: 2/1M, output_token: 8/1M, reasoning_token: 3/1M
gemini "veo-3.0-generate-001", second: 0.4
gemini "by-character-too", input_token: 1.25/1M, output_token: 5/1M
mistral "mistral-ocr-plain", page: 0.001
mistral "two-steps", input_token: 0.4/1M, output_token: 2.4/1M, ` +
		`above: {input_tokens: 256000, input_token: 0.5/1M, output_token: 3/1M}
tavily "search", search: 0.008
openai "gpt-4o-mini-tts-2025-12-15", input_token: 2.5/1M, output_token: 10/1M, audio_output_token: 12/1M
openai "sora-2", second: 0.1
mistral "in-two-currencies", input_token: 1/1M, output_token: 3/1M
stability "sd3-two-writings", image: 0.04
`
	got := readLiteLLM(t, "")
	lines := map[string]bool{}
	for _, line := range strings.Split((pricing.Catalogue{Prices: got.Prices}).YAML(), "\n") {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "  - {provider: "), "}")
		lines[strings.Replace(line, ", model:", "", 1)] = true
	}
	for _, line := range strings.Split(strings.TrimSpace(want), "\n") {
		if !lines[line] {
			t.Errorf("missing is %s", line)
		}
		delete(lines, line)
	}
	for line := range lines {
		if line != "" && line != "prices:" && line != "providers:" {
			t.Errorf("there is %s", line)
		}
	}
	if _, err := pricing.ParseCatalogue("x", []byte((pricing.Catalogue{Prices: got.Prices}).YAML())); err != nil {
		t.Error(err)
	}
}

func TestParseLiteLLMNamesWhatItLeaves(t *testing.T) {
	got := readLiteLLM(t, "")
	var skipped []string
	for _, s := range got.Skipped {
		skipped = append(skipped, s.Provider+" "+s.Model+": "+s.Reason)
	}
	all := strings.Join(skipped, "\n")
	for _, want := range []string{
		"openai 1024-x-1024/dall-e-2: input_cost_per_pixel can't be said by a price",
		"openai gpt-image-1: cache_read_input_image_token_cost can't be said by a price",
		"gemini gemini-omni-flash-preview: output_cost_per_video_token can't be said by a price",
		"gemini gemini-exp-1206: it has no price in the file, or one of 0",
		"gemini both-lengths: it has other prices above 128000 and above 200000 tokens",
		"gemini images-in-chat: input_cost_per_image can't be said by a price",
		"mistral mistral-ocr-latest: annotation_cost_per_page can't be said by a price",
		"mistral too-exact: input_cost_per_token: ",
		"mistral text-for-a-number: input_cost_per_token: ",
		"mistral no-price: it has no price in the file",
		"mistral three-steps: tiered_pricing has 3 steps",
		"mistral twice: the file has it at different prices",
		"openai gpt-realtime-whisper: input_cost_per_second: ",
		"openai gpt-realtime-mini-2025-12-15: cache_read_input_audio_token_cost can't be said by a price",
		"gemini gemini-2.5-flash-image: output_cost_per_image_token can't be said by a price",
		"gemini gemini-3-pro-image: input_cost_per_image and output_cost_per_image are both the price of one image",
		"gemini gemini-embedding-2: input_cost_per_audio_per_second can't be said by a price",
		"mistral steps-apart: tiered_pricing has no ranges that can be read",
		"mistral two-fees: input_cost_per_request and output_cost_per_request are both the price of one request",
		"mistral with-a-fee: request_fee can't be said by a price",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("missing is %q in\n%s", want, all)
		}
	}
	if len(skipped) != 20 {
		t.Errorf("%d are skipped:\n%s", len(skipped), all)
	}
	if left := fmt.Sprint(got.LeftOut); left != "map[input_cost_per_character:1 "+
		"input_dbu_cost_per_token:1 output_cost_per_second:1 output_dbu_cost_per_token:1 "+
		"regional_processing_uplift_multiplier_eu:1 search_context_cost_per_query:2]" {
		t.Errorf("left out are %s", left)
	}
	if others := fmt.Sprint(got.Others); others != "map[bedrock_converse:1]" {
		t.Errorf("of others are %s", others)
	}
	one := readLiteLLM(t, "anthropic")
	if len(one.Prices) != 1 || len(one.Skipped) != 0 {
		t.Errorf("of one provider are %+v", one)
	}
}

func TestParseLiteLLMRefusesOtherFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "must be one JSON object",
		"[]":                      "must be one JSON object",
		"providers: []":           "must be one JSON object",
		`{"a": {}} {}`:            "something follows it",
		`{"a": {}`:                "",
		`{"a": 1}`:                "must be one JSON object",
		`{"a": {"b": 1, "b": 2}}`: `"b" appears twice`,
		`{"a": {"mode": 7}}`:      "mode is 7: it must be a text",
	} {
		_, err := pricing.ParseLiteLLM("x.json", []byte(text), nil, "")
		wantInvalid(t, err)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzParseLiteLLM(f *testing.F) {
	text, err := os.ReadFile("testdata/litellm.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(`{"a": {"litellm_provider": "openai", "input_cost_per_token": 1e-06}}`)
	providers := providersOf(defaultCatalogue(f))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := pricing.ParseLiteLLM("x.json", []byte(text), providers, "")
		if err != nil {
			wantInvalid(t, err)
			return
		}
		for _, p := range got.Prices {
			if err := p.Validate(); err != nil || p.Rates == (pricing.Rates{}) && p.Above == nil && p.Tiers == nil {
				t.Errorf("%+v: %v", p, err)
			}
		}
	})
}

// What released files have had: models that stand there twice, and images that cost the same by the image and by the
// pixel.
func TestParseLiteLLMAsItIsReleased(t *testing.T) {
	const text = `{
		"same": {"input_cost_per_token": 2e-07, "litellm_provider": "mistral", "mode": "embedding"},
		"other": {"input_cost_per_token": 2e-07, "litellm_provider": "mistral", "mode": "embedding"},
		"high/1024-x-1024/gpt-image-1": {"input_cost_per_image": 0.167, "input_cost_per_pixel": 1.59263611e-07,
			"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_pixel": 0.0},
		"pixels": {"input_cost_per_image": 0, "input_cost_per_pixel": 1.9e-08, "litellm_provider": "openai",
			"mode": "image_generation"},
		"same": {"litellm_provider": "mistral", "mode": "embedding", "input_cost_per_token": 0.0000002},
		"other": {"input_cost_per_token": 1.5e-07, "litellm_provider": "mistral", "mode": "embedding"}
	}`
	providers := pricing.Providers{"mistral": {}, "openai": {}}
	got, err := pricing.ParseLiteLLM("x.json", []byte(text), providers, "")
	if err != nil {
		t.Fatal(err)
	}
	var prices []string
	for _, p := range got.Prices {
		prices = append(prices, fmt.Sprint(p.Model, " ", p.Rates[pricing.InputTokens], " ", p.Rates[pricing.Images]))
	}
	want := "[same 0.0000002 0 high/1024-x-1024/gpt-image-1 0 0.167]"
	if fmt.Sprint(prices) != want {
		t.Errorf("the prices are %s, not %s", prices, want)
	}
	var skipped []string
	for _, s := range got.Skipped {
		skipped = append(skipped, s.Model+": "+s.Reason)
	}
	want = "[pixels: input_cost_per_pixel can't be said by a price other: the file has it at different prices]"
	if fmt.Sprint(skipped) != want || fmt.Sprint(got.LeftOut) != "map[input_cost_per_pixel:1]" {
		t.Errorf("skipped are %s, not %s; left out %v", skipped, want, got.LeftOut)
	}
}
