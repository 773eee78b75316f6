package wire

import (
	"strings"

	"github.com/alwrity/alwrity-sub/pricing"
)

// geminiGenerate is POST …/models/{model}:generateContent and :streamGenerateContent, by google.golang.org/genai's
// types GenerateContentResponse and GenerateContentResponseUsageMetadata. A stream is of events with ?alt=sse, and
// else one list, whose elements come one by one
// (https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent).
var geminiGenerate = streamsLists(&Format{ // read-only
	name: "gemini.generate", style: GeminiStyle, tokens: true,
	readPath: geminiPath,
	request:  geminiRequest,
	answer:   tree(geminiAnswer, errorPlaces).bothCases(),
	event:    tree(geminiAnswer, errorPlaces).bothCases(),
	complete: func(r *reading) bool { return r.finished >= r.ask.Answers },
	endUsed: func(r *reading, used *Used) {
		if r.queries > 0 {
			used.Extra = []Extra{{Model: GroundingModel, Quantities: pricing.Quantities{
				pricing.Requests: 1, pricing.Searches: r.queries}}}
		}
	},
})

// GroundingModel is the name by which the catalogue has the price of answers that were grounded by a search. Older
// models are charged for each such answer, newer ones for each search (https://ai.google.dev/gemini-api/docs/pricing).
const GroundingModel = "gemini-grounding-search"

// geminiEmbed is POST …/models/{model}:embedContent and :batchEmbedContents. Most answers have no usage.
var geminiEmbed = &Format{ // read-only
	name: "gemini.embed", style: GeminiStyle, tokens: true,
	readPath: geminiPath,
	request:  tree(places{"content": deep(geminiParts), "requests[].content": deep(geminiParts)}).bothCases(),
	answer:   tree(geminiAnswer, errorPlaces).bothCases(),
}

// geminiCount is POST …/models/{model}:countTokens, which is free (https://ai.google.dev/gemini-api/docs/tokens).
var geminiCount = &Format{ // read-only
	name: "gemini.count", style: GeminiStyle,
	readPath: geminiPath, request: geminiRequest, answer: tree(errorPlaces), endAsk: makeFree,
}

// streamsLists makes a format whose streams may be lists of what else would be events.
func streamsLists(f *Format) *Format {
	f.listed, f.inList = true, f.event.own()
	f.inList.end = func(r *reading) { r.eventEnds() }
	return f
}

// geminiPath reads the model and the verb of "/v1beta/models/{model}:{verb}".
func geminiPath(r *reading, path string) {
	_, last, found := cutLast(path, "models/")
	if !found {
		last = path[strings.LastIndexByte(path, '/')+1:]
	}
	model, verb, _ := cutLast(last, ":")
	r.ask.Model, r.ask.Stream = model, verb == "streamGenerateContent"
}

// cutLast is strings.Cut at the last place.
func cutLast(s, at string) (before, after string, found bool) {
	if i := strings.LastIndex(s, at); i >= 0 {
		return s[:i], s[i+len(at):], true
	}
	return s, "", false
}

var geminiRequest = tree(places{ // read-only
	"contents": deep(geminiParts), "contents[]": {begin: addTokens(tokensOfMessage)},
	"systemInstruction": deep(geminiParts), "tools": schema,
	"generationConfig.maxOutputTokens": askMost, "generationConfig.candidateCount": askAnswers,
	"generationConfig.responseSchema": schema, "generationConfig.responseJsonSchema": schema,
	"serviceTier": askTier,
	// What countTokens may have around it.
	"generateContentRequest": deep(geminiParts),
}).bothCases()

// geminiParts are members of contents that are no text.
var geminiParts = places{ // read-only
	"role": {}, "thoughtSignature": {}, "functionCall": schema, "functionResponse": schema,
	"inlineData": {begin: beginMedium, end: (*reading).endMedium}, "inlineData.mimeType": putMedium,
	"fileData": {begin: beginMedium, end: (*reading).endMedium}, "fileData.mimeType": putMedium,
}

var geminiAnswer = places{ // read-only
	"usageMetadata.promptTokenCount":        put(allInput), // with the cached ones
	"usageMetadata.toolUsePromptTokenCount": put(besideInput),
	"usageMetadata.cachedContentTokenCount": put(cachedInput),
	"usageMetadata.candidatesTokenCount":    put(allOutput),
	"usageMetadata.responseTokenCount":      put(allOutput),
	"usageMetadata.thoughtsTokenCount":      put(besideOutput),
	"usageMetadata.totalTokenCount":         put(allTokens),
	"usageMetadata.serviceTier":             putTier,

	"usageMetadata.promptTokensDetails[]":                modalities(audioInput, imageInput),
	"usageMetadata.promptTokensDetails[].modality":       putModality,
	"usageMetadata.promptTokensDetails[].tokenCount":     putModalityCount,
	"usageMetadata.candidatesTokensDetails[]":            modalities(audioOutput, none),
	"usageMetadata.candidatesTokensDetails[].modality":   putModality,
	"usageMetadata.candidatesTokensDetails[].tokenCount": putModalityCount,

	"modelVersion":                                      putModel,
	"candidates[].content":                              deep(geminiNotText),
	"candidates[].finishReason":                         finishReason,
	"candidates[].groundingMetadata.webSearchQueries":   {begin: func(r *reading) { r.queries = 0 }},
	"candidates[].groundingMetadata.webSearchQueries[]": {begin: func(r *reading) { r.queries++ }},
	"promptFeedback.blockReason":                        {take: func(r *reading, v value) { r.done = true }},
}

var geminiNotText = places{ // read-only
	"role": {}, "thoughtSignature": {}, "inlineData": {}, "fileData": {}, "functionCall": schema,
}

// modalities is {"modality":"AUDIO","tokenCount":12}, of which the tokens of audio and images are figures of their own.
func modalities(audio, image figure) *node {
	return &node{
		begin: func(r *reading) { r.modality, r.inModality = "", 0 },
		end: func(r *reading) {
			switch {
			case r.modality == "AUDIO":
				r.said.set(audio, r.inModality)
			case r.modality == "IMAGE" && image != none:
				r.said.set(image, r.inModality)
			}
		},
	}
}

var (
	putModality      = &node{take: func(r *reading, v value) { r.modality = v.name() }}       // read-only
	putModalityCount = &node{take: func(r *reading, v value) { r.inModality, _ = v.count() }} // read-only
)
