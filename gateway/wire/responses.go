package wire

import "github.com/alwrity/alwrity-sub/failure"

// openAIResponses is POST …/v1/responses, by openai-go's types responses.ResponseNewParams, Response, ResponseUsage
// and ResponseStreamEventUnion.
var openAIResponses = &Format{ // read-only
	name: "openai.responses", style: OpenAIStyle, tokens: true,
	request: tree(places{
		"model": askModel, "stream": askStream, "service_tier": askTier, "max_output_tokens": askMost,
		"input": deep(partsOfInput), "input[]": {begin: addTokens(tokensOfMessage)},
		"instructions": {counts: true}, "prompt": deep(places{"id": {}, "version": {}}),
		"tools": schema, "text": schema, "background": {take: refuseBackground},
	}),
	answer: tree(responsePlaces, errorPlaces),
	event: tree(responsePlaces.under("response"), errorPlaces.under("response"), errorPlaces, places{
		"message":     putFailure, // of the event "error"
		"delta":       {counts: true},
		"item.type":   putItem,
		"item.action": {}, "item.action.type": putAction,
		"type": {take: func(r *reading, v value) { r.kind = v.name() }},
	}),
	endEvent: func(r *reading) {
		switch r.kind {
		case "response.completed", "response.incomplete":
			r.done = true
		case "response.failed":
			r.done, r.failed = true, true
		case "response.output_item.done":
			r.endItem()
		}
		r.item, r.action = "", ""
	},
}

// refuseBackground refuses what is answered later, where nothing would say what it has used.
func refuseBackground(r *reading, v value) {
	if v.kind == 't' {
		r.refuse(failure.Invalidf("background is true: answers that come later can't be metered").
			WithReason("background").WithHint("leave background out"))
	}
}

// partsOfInput are members of input items that are no text.
var partsOfInput = places{ // read-only
	"role": {}, "id": {}, "type": {}, "call_id": {}, "status": {}, "detail": {}, "encrypted_content": {},
	"image_url": {begin: addTokens(tokensOfImage)}, "input_audio": {begin: addTokens(tokensOfAudio)},
	"file_data": {begin: addTokens(tokensOfDocument)}, "file_url": {begin: addTokens(tokensOfDocument)},
	"file_id": {begin: addTokens(tokensOfDocument)}, "filename": {},
}

var responsePlaces = places{ // read-only
	"model": putModel, "service_tier": putTier,
	"status":             {take: func(r *reading, v value) { r.failed = r.failed || v.name() == "failed" }},
	"usage.input_tokens": put(allInput), // with the cached ones
	"usage.input_tokens_details.cached_tokens":      put(cachedInput),
	"usage.input_tokens_details.cache_write_tokens": put(cacheWrite5m),
	"usage.output_tokens":                           put(allOutput),
	"usage.output_tokens_details.reasoning_tokens":  put(reasoning),
	"usage.total_tokens":                            put(allTokens),

	// What the answer has at last counts, not what its events have told before.
	"output":               {begin: func(r *reading) { r.said.set(searches, 0) }},
	"output[]":             {begin: func(r *reading) { r.item, r.action = "", "" }, end: (*reading).endItem},
	"output[].type":        putItem,
	"output[].action.type": putAction,
	"output[].content":     deep(notText), "output[].summary[].text": {counts: true}, "output[].arguments": {counts: true},
}

var (
	putItem   = &node{take: func(r *reading, v value) { r.item = v.name() }}   // read-only
	putAction = &node{take: func(r *reading, v value) { r.action = v.name() }} // read-only
)

// endItem counts a search of the web. Of such calls those that search are charged, and not those that open what was
// found or look into it (https://platform.openai.com/docs/guides/tools-web-search).
func (r *reading) endItem() {
	if r.item == "web_search_call" && (r.action == "" || r.action == "search") {
		r.said.set(searches, r.said.amounts[searches]+1)
	}
}
