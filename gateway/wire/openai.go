package wire

import "strings"

// Chat completions: POST …/chat/completions, by OpenAI's types ChatCompletionNewParams, ChatCompletion,
// ChatCompletionChunk and CompletionUsage. Many others speak it: Mistral, HuggingFace's router, WaveSpeed, Gemini's
// OpenAI form, Ollama, vLLM.
var openAIChat = &Format{ // read-only
	name: "openai.chat", style: OpenAIStyle, addsUsage: true, tokens: true,
	request: tree(chatSettings, places{
		"messages": deep(partsOfMessages), "messages[]": {begin: addTokens(tokensOfMessage)},
		"tools": schema, "functions": schema, "response_format": schema, "prediction": deep(nil),
	}),
	answer:   tree(openAIUsage, openAIAnswer, errorPlaces, places{"choices[].message": deep(notText)}),
	event:    tree(openAIUsage, openAIAnswer, errorPlaces, choicesOfEvent, places{"choices[].delta": deep(notText)}),
	complete: func(r *reading) bool { return r.finished >= r.ask.Answers },
}

var chatSettings = places{ // read-only
	"model": askModel, "stream": askStream, "service_tier": askTier, "n": askAnswers,
	"max_completion_tokens": askMost, "max_tokens": askMost,
	"stream_options.include_usage": {take: func(r *reading, v value) { r.ask.UsageAsked = v.kind == 't' }},
}

var choicesOfEvent = places{ // read-only
	"choices":                 {begin: func(r *reading) { r.listed = true }},
	"choices[]":               {begin: func(r *reading) { r.choices++ }},
	"choices[].finish_reason": finishReason,
}

// openAIUsage are the figures of a usage object. Its names mean what they mean in usage/names.go.
var openAIUsage = places{ // read-only
	"":                                    {begin: func(r *reading) { r.hasUsage = true }},
	"prompt_tokens":                       put(allInput),
	"completion_tokens":                   put(allOutput),
	"total_tokens":                        put(allTokens),
	"prompt_tokens_details.cached_tokens": put(cachedInput),
	"cached_tokens":                       put(cachedInput),
	"cache_read_input_tokens":             put(cachedInput), // LiteLLM's proxy and others, within prompt_tokens
	"cache_creation_input_tokens":         put(cacheWrites),
	"prompt_tokens_details.cache_write_tokens":   put(cacheWrite5m),
	"prompt_tokens_details.audio_tokens":         put(audioInput),
	"prompt_tokens_details.image_tokens":         put(imageInput),
	"completion_tokens_details.reasoning_tokens": put(reasoning),
	"completion_tokens_details.audio_tokens":     put(audioOutput),
	"prompt_audio_seconds":                       put(seconds),
	"service_tier":                               putTier,
	"cost":                                       {take: func(r *reading, v value) { r.cost = v.dollars() }},
	"is_byok":                                    {take: func(r *reading, v value) { r.ownKey = v.kind == 't' }},
	"cost_details.upstream_inference_cost":       {take: func(r *reading, v value) { r.beyond = v.dollars() }},
}.under("usage", "x_groq.usage") // Groq's own place, which HuggingFace's router passes on

var openAIAnswer = places{"model": putModel, "service_tier": putTier} // read-only

// finishReason is null until an answer ends; some servers write "".
var finishReason = &node{take: func(r *reading, v value) { // read-only
	if v.kind == 's' && len(v.text) > 0 {
		r.finished++
	}
}}

// notText are members of a message that are no text of it.
var notText = places{ // read-only
	"role": {}, "id": {}, "type": {}, "annotations": {}, "audio.transcript": {counts: true},
}

// partsOfMessages are members of messages that are no text: media count by their number, not by their bytes.
var partsOfMessages = places{ // read-only
	"role": {}, "id": {}, "type": {}, "tool_call_id": {}, "detail": {},
	"image_url": {begin: addTokens(tokensOfImage)}, "input_audio": {begin: addTokens(tokensOfAudio)},
	"file": {begin: addTokens(tokensOfDocument)}, "video_url": {begin: addTokens(tokensOfVideo)},
	"document_url": {begin: addTokens(tokensOfDocument)}, // Mistral's
}

// What is held for a part of a request, in tokens. A message has three beside its texts (OpenAI's cookbook, "How to
// count tokens with tiktoken"). An image has at most about 1,600 at Anthropic
// (https://docs.anthropic.com/en/docs/build-with-claude/vision) and 85 + 8·170 at OpenAI
// (https://platform.openai.com/docs/guides/images-vision). Of audio, documents and videos only the answer says how long
// they are: two minutes of audio at Gemini's 32 a second, 20 pages at its 258 each, a minute of video at its 263 a
// second (https://ai.google.dev/gemini-api/docs/tokens).
const (
	tokensOfMessage  = 3
	tokensOfImage    = 1_600
	tokensOfAudio    = 3_840
	tokensOfDocument = 5_160
	tokensOfVideo    = 15_780
)

func addTokens(n int64) func(*reading) { return func(r *reading) { r.text.Add(n) } }

// errorPlaces are where vendors say what went wrong.
var errorPlaces = places{ // read-only
	"error": putFailure, "error.message": putFailure, "message": putErrorFailure, "errors[]": putErrorFailure,
	"detail": putErrorFailure, "detail.error": putErrorFailure, "detail.message": putErrorFailure,
	"detail[].msg": putErrorFailure, // FastAPI's
}

var (
	putFailure = &node{take: func(r *reading, v value) { r.fail(v) }} // read-only
	// putErrorFailure counts in answers with the status of an error alone.
	putErrorFailure = &node{take: func(r *reading, v value) { // read-only
		if r.failed {
			r.fail(v)
		}
	}}
)

// longestFailure is what is kept of what a vendor says, in bytes.
const longestFailure = 1_000

// fail keeps what went wrong, as it is said first.
func (r *reading) fail(v value) {
	if v.kind != 's' || len(v.text) == 0 || r.failure != "" {
		return
	}
	r.failure = strings.ToValidUTF8(string(v.text[:min(len(v.text), longestFailure)]), "")
}
