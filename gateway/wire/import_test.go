package wire_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/gateway/wire"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// usageForms are the usage objects of vendors: a call that is imported from one must use what it does through the
// gateway.
var usageForms = []struct {
	format, in string // where the answer has the object
	names      []string
}{
	{"openai.chat", "usage", []string{"prompt_tokens", "completion_tokens", "prompt_tokens_details.cached_tokens",
		"prompt_tokens_details.cache_write_tokens", "prompt_tokens_details.audio_tokens",
		"prompt_tokens_details.image_tokens", "completion_tokens_details.reasoning_tokens",
		"completion_tokens_details.audio_tokens", "completion_tokens_details.accepted_prediction_tokens"}},
	{"openai.chat", "usage", []string{"prompt_tokens", "completion_tokens", "cache_read_input_tokens",
		"cache_creation_input_tokens"}},
	{"mistral.chat", "usage", []string{"prompt_tokens", "completion_tokens", "prompt_audio_seconds"}},
	{"openai.responses", "usage", []string{"input_tokens", "output_tokens", "input_tokens_details.cached_tokens",
		"input_tokens_details.cache_write_tokens", "output_tokens_details.reasoning_tokens"}},
	{"openai.embeddings", "usage", []string{"prompt_tokens"}},
	{"openai.images", "usage", []string{"input_tokens", "output_tokens", "input_tokens_details.text_tokens",
		"input_tokens_details.image_tokens"}},
	{"openai.transcription", "usage", []string{"input_tokens", "output_tokens", "input_token_details.text_tokens",
		"input_token_details.audio_tokens"}},
	{"openai.transcription", "usage", []string{"seconds"}},
	{"anthropic.messages", "usage", []string{"input_tokens", "output_tokens", "cache_read_input_tokens",
		"cache_creation_input_tokens", "output_tokens_details.thinking_tokens", "server_tool_use.web_search_requests"}},
	{"anthropic.messages", "usage", []string{"input_tokens", "output_tokens", "cache_read_input_tokens",
		"cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens"}},
	{"gemini.generate", "usageMetadata", []string{"promptTokenCount", "candidatesTokenCount", "cachedContentTokenCount",
		"thoughtsTokenCount", "toolUsePromptTokenCount"}},
}

// TestAsImport holds the figures against those that `usage import` reads of the same object.
func TestAsImport(t *testing.T) {
	for i, form := range usageForms {
		t.Run(fmt.Sprintf("%s-%d", form.format, i), func(t *testing.T) {
			compared := 0
			rapid.Check(t, func(t *rapid.T) {
				members := map[string]int64{}
				for i, name := range form.names {
					most := int64(50) // of a part
					if i < 2 {
						most = 100_000
					}
					if rapid.Bool().Draw(t, "has "+name) || i < 2 && rapid.Bool().Draw(t, "has it all the same") {
						members[name] = rapid.Int64Range(0, most).Draw(t, name)
					}
				}
				object := objectOf(members)
				imported, err := imported(object, form.in)
				if err != nil {
					return // it contradicts itself
				}
				compared++
				if got := metered(t, form.format, object, form.in); got != imported {
					t.Fatalf("%s is %v\nimported it is %v", object, got, imported)
				}
			})
			if compared == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

// objectOf returns an object with members, of which a dot leads into another object.
func objectOf(members map[string]int64) string {
	inner, all := map[string][]string{}, []string{}
	for name, n := range members {
		if in, last, nested := strings.Cut(name, "."); nested {
			inner[in] = append(inner[in], fmt.Sprintf("%q:%d", last, n))
		} else {
			all = append(all, fmt.Sprintf("%q:%d", name, n))
		}
	}
	for in, some := range inner {
		all = append(all, fmt.Sprintf("%q:{%s}", in, strings.Join(some, ",")))
	}
	return "{" + strings.Join(all, ",") + "}"
}

func imported(object, in string) (pricing.Quantities, error) {
	reader, err := usage.NewObjectReader()
	if err != nil {
		return pricing.Quantities{}, err
	}
	event, err := reader.Event([]byte(fmt.Sprintf(`{"user_id":"u","provider":"p","model":"m",%q:%s}`, in, object)))
	if err == nil {
		err = event.Quantities.Validate()
	}
	return event.Quantities, err
}

func metered(t *rapid.T, name, object, in string) pricing.Quantities {
	format, ok := wire.Named(name)
	if !ok {
		t.Fatalf("no format is called %q", name)
	}
	used := format.Answer(wire.Ask{Answers: 1}, 200, http.Header{"Content-Type": {"application/json"}},
		[]byte(fmt.Sprintf("{%q:%s}", in, object)))
	return used.Quantities
}
