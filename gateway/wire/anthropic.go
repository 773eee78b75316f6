package wire

import "strings"

// Messages: POST …/v1/messages, by anthropic-sdk-go's types MessageNewParams, Message, MessageStreamEventUnion, Usage
// and MessageDeltaUsage.
var anthropicMessages = &Format{ // read-only
	name: "anthropic.messages", style: AnthropicStyle, tokens: true,
	request: anthropicRequest,
	answer: tree(anthropicUsage(allOutput).under("usage"), errorPlaces, places{
		"model": putModel, "content": deep(anthropicNotText),
	}),
	event: tree(
		anthropicUsage(firstOutput).under("message.usage"), // of message_start
		anthropicUsage(allOutput).under("usage"),           // of message_delta: the sums so far, of those that it names
		errorPlaces,
		places{
			"message.model": putModel,
			"delta":         deep(anthropicNotText), "content_block.text": {counts: true}, "content_block.name": {counts: true},
			"type": {take: func(r *reading, v value) { r.done = r.done || string(v.text) == "message_stop" }},
		}),
}

// anthropicCount is POST …/v1/messages/count_tokens, which is free
// (https://docs.anthropic.com/en/docs/build-with-claude/token-counting).
var anthropicCount = &Format{ // read-only
	name: "anthropic.count", style: AnthropicStyle, request: anthropicRequest, answer: tree(errorPlaces),
	endAsk: makeFree,
}

func makeFree(r *reading) { r.ask = Ask{Model: r.ask.Model, Answers: 1, Free: true} }

var anthropicRequest = tree(places{ // read-only
	"model": askModel, "stream": askStream, "max_tokens": askMost, "service_tier": askTier,
	"system": deep(anthropicParts), "messages": deep(anthropicParts), "messages[]": {begin: addTokens(tokensOfMessage)},
	"tools": schema,
})

// anthropicUsage are the figures of a usage object. input_tokens has none of the cached ones within it.
func anthropicUsage(output figure) places {
	return places{
		"input_tokens": put(uncached), "output_tokens": put(output),
		"cache_read_input_tokens": put(cachedInput), "cache_creation_input_tokens": put(cacheWrites),
		"cache_creation.ephemeral_5m_input_tokens": put(cacheWrite5m),
		"cache_creation.ephemeral_1h_input_tokens": put(cacheWrite1h),
		"output_tokens_details.thinking_tokens":    put(reasoning),
		"server_tool_use.web_search_requests":      put(searches),
		"service_tier":                             putTier,
	}
}

// anthropicNotText are members of what is produced that are no text: signatures and results are in no output.
var anthropicNotText = places{ // read-only
	"type": {}, "id": {}, "tool_use_id": {}, "signature": {}, "data": {}, "encrypted_content": {}, "citations": {},
	"citation": {}, "stop_reason": {}, "stop_sequence": {}, "index": {}, "container": {},
}

// anthropicParts are members of messages that are no text, or that hold JSON of the caller's.
var anthropicParts = places{ // read-only
	"role": {}, "type": {}, "id": {}, "tool_use_id": {}, "cache_control": {}, "signature": {}, "data": {},
	"encrypted_content": {}, "encrypted_index": {}, "input": schema,
	"source":            {begin: beginMedium, end: endSource},
	"source.type":       {take: func(r *reading, v value) { r.item = v.name() }},
	"source.media_type": putMedium, "source.data": {counts: true},
	"source.content": {counts: true, elements: deep(places{"type": {}, "source": {begin: addTokens(tokensOfImage)}})},
}

// beginMedium notes what was counted before an image or a document.
func beginMedium(r *reading) { r.countBreak(); r.before, r.medium, r.item = r.text, "", "" }

var putMedium = &node{take: func(r *reading, v value) { r.medium = v.name() }} // read-only

// endSource counts an image or document by its number: one that is a text of its own has been counted as such.
func endSource(r *reading) {
	if r.item != "text" && r.item != "content" {
		r.endMedium()
	}
}

// endMedium counts what has been read since beginMedium as one image, document, audio or video.
func (r *reading) endMedium() {
	r.text = r.before
	switch kind, _, _ := strings.Cut(r.medium, "/"); kind {
	case "audio":
		r.text.Add(tokensOfAudio)
	case "video":
		r.text.Add(tokensOfVideo)
	case "application", "text":
		r.text.Add(tokensOfDocument)
	default:
		r.text.Add(tokensOfImage)
	}
}
