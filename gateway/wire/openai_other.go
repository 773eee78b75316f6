package wire

import (
	"slices"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/pricing"
)

// mistralChat is POST …/v1/chat/completions at Mistral: OpenAI's form, but a stream says what was used by itself, and
// a field that Mistral does not know is refused.
var mistralChat = &Format{ // read-only
	name: "mistral.chat", style: OpenAIStyle, tokens: true,
	request: openAIChat.request, answer: openAIChat.answer, event: openAIChat.event, complete: openAIChat.complete,
}

// openAICompletions is POST …/v1/completions, by openai-go's types CompletionNewParams and Completion.
var openAICompletions = &Format{ // read-only
	name: "openai.completions", style: OpenAIStyle, addsUsage: true, tokens: true,
	request:  tree(chatSettings, places{"prompt": textsOrTokens(), "prompt[]": eachPrompt, "suffix": {counts: true}}),
	answer:   tree(openAIUsage, openAIAnswer, errorPlaces, places{"choices[].text": {counts: true}}),
	event:    tree(openAIUsage, openAIAnswer, errorPlaces, choicesOfEvent, places{"choices[].text": {counts: true}}),
	complete: openAIChat.complete,
}

// eachPrompt counts prompts that are asked together: each gets as many answers.
var eachPrompt = &node{ // read-only
	list: func(r *reading) { r.prompts++ },
	take: func(r *reading, v value) {
		if v.kind == 's' {
			r.prompts++
		}
	},
}

// openAIEmbeddings is POST …/v1/embeddings, by openai-go's types EmbeddingNewParams and CreateEmbeddingResponse.
// Mistral has the same.
var openAIEmbeddings = &Format{ // read-only
	name: "openai.embeddings", style: OpenAIStyle, tokens: true,
	request: tree(places{"model": askModel, "input": textsOrTokens()}),
	answer:  tree(openAIUsage, openAIAnswer, errorPlaces),
}

// textsOrTokens is a text, a list of texts, a list of the numbers of tokens, or a list of such lists.
func textsOrTokens() *node {
	n := &node{counts: true, take: func(r *reading, v value) {
		if v.kind == '0' {
			r.text.Add(1)
		}
	}}
	n.elements = n
	return n
}

// openAIImages is POST …/v1/images/generations and …/edits, by openai-go's types ImageGenerateParams,
// ImageEditParams, ImagesResponse and ImageGenStreamEventUnion. Models that are charged by tokens say how many;
// others are charged by the image.
var openAIImages = &Format{ // read-only
	name: "openai.images", style: OpenAIStyle, takesForms: true,
	request: tree(places{
		"model": askModel, "stream": askStream, "n": askAnswers, "prompt": {counts: true},
		"image": {begin: addTokens(tokensOfImage)}, "mask": {},
	}),
	answer: tree(tokenUsage, errorPlaces, places{"model": putModel, "data[]": add(images)}),
	event: tree(tokenUsage, errorPlaces, places{"type": {take: func(r *reading, v value) {
		if kind := v.name(); kind == "image_generation.completed" || kind == "image_edit.completed" {
			r.said.set(images, r.said.amounts[images]+1)
			r.finished++
		}
	}}}),
	endAsk:   func(r *reading) { r.ask.Quantities[pricing.Images] = r.ask.Answers },
	complete: func(r *reading) bool { return r.finished >= r.ask.Answers },
}

// tokenUsage are the figures of images, transcriptions and speech: ImagesResponseUsage, TranscriptionUsageUnion and
// their like in openai-go. Transcriptions are charged by tokens or by the second.
var tokenUsage = places{ // read-only
	"input_tokens": put(allInput), "output_tokens": put(allOutput), "total_tokens": put(allTokens),
	"input_tokens_details.image_tokens": put(imageInput), "input_tokens_details.cached_tokens": put(cachedInput),
	"input_token_details.audio_tokens": put(audioInput), "input_token_details.cached_tokens": put(cachedInput),
	"input_token_details.image_tokens": put(imageInput), "output_token_details.audio_tokens": put(audioOutput),
	"seconds": put(seconds),
}.under("usage")

// openAISpeech is POST …/v1/audio/speech, by openai-go's type AudioSpeechNewParams. The answer is audio, or events
// with stream_format "sse" (https://platform.openai.com/docs/api-reference/audio/speech-audio-done-event).
var openAISpeech = &Format{ // read-only
	name: "openai.speech", style: OpenAIStyle, exact: [figureCount]bool{characters: true},
	request: tree(places{
		"model":         askModel,
		"stream_format": {take: func(r *reading, v value) { r.ask.Stream = v.name() == "sse" }},
		"input":         {counts: true, piece: func(r *reading, p []byte) { r.characters += startsOf(p) }},
	}),
	answer: tree(tokenUsage, errorPlaces),
	event:  tree(tokenUsage, errorPlaces, places{"type": isDone("speech.audio.done")}),
	endAsk: func(r *reading) { r.ask.Quantities[pricing.Characters] = r.characters },
}

// startsOf returns how many characters begin in a piece of a text.
func startsOf(p []byte) (n int64) {
	for _, c := range p {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}

// isDone marks the end of a stream by the type of its last event.
func isDone(kinds ...string) *node {
	return &node{take: func(r *reading, v value) { r.done = r.done || slices.Contains(kinds, v.name()) }}
}

// openAITranscription is POST …/v1/audio/transcriptions and …/translations, by openai-go's types Transcription,
// TranscriptionUsageUnion and TranscriptionTextDoneEvent. As text, SRT or VTT an answer says nothing of its usage.
// Mistral's says it as its chat does (https://docs.mistral.ai/capabilities/audio_transcription).
var openAITranscription = &Format{ // read-only
	name: "openai.transcription", style: OpenAIStyle, takesForms: true, tokens: true,
	request: tree(places{
		"model": askModel, "stream": askStream, "prompt": {counts: true},
		"file": {begin: func(r *reading) { r.ask.Quantities[pricing.Seconds] = audioMilliseconds(r.fileHead, r.fileSize) }},
	}),
	answer: tree(openAIUsage, tokenUsage, errorPlaces, places{"text": {counts: true}, "duration": putLength}),
	event: tree(openAIUsage, tokenUsage, errorPlaces, places{
		"delta": {counts: true}, "type": isDone("transcript.text.done", "transcription.done"),
	}),
	endAsk: func(r *reading) {
		r.ask.Quantities[pricing.InputTokens] += r.ask.Quantities[pricing.Seconds] * audioTokensInMinute / 60_000
	},
}

// audioTokensInMinute are those of gpt-4o-transcribe: $0.006 a minute at $6 for a million
// (https://platform.openai.com/docs/pricing).
const audioTokensInMinute = 1_000

// putLength keeps the length of the audio, which is charged where no usage says otherwise.
var putLength = &node{take: func(r *reading, v value) { // read-only
	if n, ok := v.milliseconds(); ok && !r.said.has(seconds, allInput) {
		r.said.set(seconds, n)
	}
}}
