package usage

import (
	"slices"
	"strings"
)

// Name is a name that stands in event files. Names are compared by their words, so promptTokenCount, prompt_token_count
// and "Prompt Token Count" are the same; a dot leads into an object.
type Name struct {
	Path   string
	Field  string // of the event that it gives, "" for what is known and says nothing of its own
	How    how    // how its text is read
	Yields bool   // it counts only where no other name gives the field
	// Provider is whose rows have the name: that of a row that names none.
	Provider string
	Only     string // the provider whose rows may have the name
}

// NameGroup is the names that one format has, at the places where its objects stand: "" is the row itself.
type NameGroup struct {
	Format string
	Places []string
	Names  []Name
}

// how says how a text becomes the value of a field.
type how uint8

const (
	asIs       how = iota
	inSeconds      // decimal seconds, of a field in milliseconds
	inMS           // decimal milliseconds
	anyTime        // a time as people write it, or seconds or milliseconds since 1970
	asStatus       // a word for success or failure, or an HTTP status
	asLevel        // ERROR is a failed call
	asSuccess      // false is a failed call
	asFailure      // anything but nothing, "none", 0 and false is a failed call, and its message if it has several words
	asFailed       // true is a failed call
	fromCache      // anything but nothing and false: the answer came out of a cache, and the provider was not asked
	inBatch        // beside anything the call was one of a batch
	asKind         // what a row is: a part of a streamed answer is none
	asSum          // of all tokens: more than what was read of them is tokens that were not read
	asTier         // "default", "standard" and "auto" are none
	asCurrency     // USD, and nothing else
	asMoney        // decimal US dollars, also as a floating-point number
	asCost         // of an export of our log it follows from the event, of Helicone's it is what was reported
	asDay          // of OpenRouter's activity it is the time, else it says nothing that is known
	asOwnKey       // true: the provider behind OpenRouter was called with a key of the caller's own
	ownKeyCost     // what that provider has charged: beside the cost then, and else within it
	besideCost     // always beside the cost
	asCredits      // of the one provider whose credits are known

	// Tokens of a usage object. What is beside a total is added to it.
	asTotal       // all of the input or output, with what was cached
	uncached      // the input without what was read from a cache or written to it, where that stands beside it
	besideCached  // beside the input, where that is uncached; else within it
	besideInput   // always beside the input
	besideOutput  // always beside the output
	cacheWriteSum // as besideCached; has those that are kept for an hour, too
)

// usagePlaces are where the usage object of a vendor's answer stands: alone, within the answer, or within that of a
// batch.
var usagePlaces = []string{ // read-only
	"", "usage.", "response.usage.", "response.body.usage.", "message.usage.", "result.message.usage.",
}

// nameGroups are all names that are read, beside those of the event's own fields.
var nameGroups = []NameGroup{ // read-only
	{"ALwrity", []string{""}, []Name{
		{Path: "tokens_input", Field: "input_tokens", How: asTotal},
		{Path: "tokens_output", Field: "output_tokens", How: asTotal},
		{Path: "model_used", Field: "model"}, {Path: "timestamp", Field: "time", How: anyTime},
		{Path: "response_time", Field: "response_time_ms", How: inSeconds},
		{Path: "search_count", Field: "searches"}, {Path: "image_count", Field: "images"},
		{Path: "page_count", Field: "pages"}, {Path: "tokens_total", How: asSum},
		{Path: "cost_total", Field: "reported_cost", How: asMoney}, {Path: "cost_input"}, {Path: "cost_output"},
	}},
	{"an export of our log", []string{""}, []Name{
		{Path: "cost", Field: "reported_cost", How: asCost}, {Path: "plan"},
	}},
	{"OpenAI, Mistral and others of their form", usagePlaces, []Name{
		{Path: "prompt_tokens", Field: "input_tokens", How: asTotal},
		{Path: "completion_tokens", Field: "output_tokens", How: asTotal},
		{Path: "input_tokens", Field: "input_tokens", How: uncached},
		{Path: "output_tokens", Field: "output_tokens", How: asTotal},
		{Path: "cached_tokens", Field: "cached_input_tokens"},
		{Path: "prompt_tokens_details.cached_tokens", Field: "cached_input_tokens"},
		{Path: "prompt_tokens_details.cache_write_tokens", Field: "cache_write_tokens"},
		{Path: "prompt_tokens_details.audio_tokens", Field: "audio_input_tokens"},
		{Path: "prompt_tokens_details.image_tokens", Field: "image_input_tokens"},
		{Path: "prompt_tokens_details.text_tokens"}, {Path: "prompt_tokens_details.video_tokens"},
		{Path: "completion_tokens_details.reasoning_tokens", Field: "reasoning_tokens"},
		{Path: "completion_tokens_details.audio_tokens", Field: "audio_output_tokens"},
		{Path: "completion_tokens_details.text_tokens"}, {Path: "completion_tokens_details.image_tokens"},
		{Path: "completion_tokens_details.accepted_prediction_tokens"},
		{Path: "completion_tokens_details.rejected_prediction_tokens"},
		{Path: "input_tokens_details.cached_tokens", Field: "cached_input_tokens"},
		{Path: "input_tokens_details.cache_write_tokens", Field: "cache_write_tokens"},
		{Path: "input_tokens_details.audio_tokens", Field: "audio_input_tokens"},
		{Path: "input_tokens_details.image_tokens", Field: "image_input_tokens"},
		{Path: "input_tokens_details.text_tokens"},
		{Path: "input_token_details.cached_tokens", Field: "cached_input_tokens"},
		{Path: "input_token_details.audio_tokens", Field: "audio_input_tokens"},
		{Path: "input_token_details.image_tokens", Field: "image_input_tokens"},
		{Path: "input_token_details.text_tokens"},
		{Path: "output_tokens_details.reasoning_tokens", Field: "reasoning_tokens"},
		{Path: "output_tokens_details.thinking_tokens", Field: "reasoning_tokens"},
		{Path: "output_tokens_details.audio_tokens", Field: "audio_output_tokens"},
		{Path: "output_tokens_details.text_tokens"}, {Path: "output_tokens_details.image_tokens"},
		{Path: "output_token_details.audio_tokens", Field: "audio_output_tokens"},
		{Path: "output_token_details.text_tokens"},
		{Path: "total_tokens", How: asSum}, {Path: "prompt_audio_seconds", Field: "seconds"},
		{Path: "seconds", Field: "seconds"}, {Path: "service_tier", Field: "service_tier", How: asTier},
	}},
	{"Anthropic", usagePlaces, []Name{
		{Path: "cache_read_input_tokens", Field: "cached_input_tokens", How: besideCached},
		{Path: "cache_creation_input_tokens", Field: "cache_write_tokens", How: cacheWriteSum},
		{Path: "cache_write_input_tokens", Field: "cache_write_tokens", How: cacheWriteSum},
		{Path: "cache_creation.ephemeral_5m_input_tokens", Field: "cache_write_tokens", How: besideCached},
		{Path: "cache_creation.ephemeral_1h_input_tokens", Field: "cache_write_1h_tokens", How: besideCached},
		{Path: "uncached_input_tokens", Field: "input_tokens", How: uncached},
		{Path: "server_tool_use.web_search_requests", Field: "searches"}, {Path: "server_tool_use.web_fetch_requests"},
	}},
	{"OpenAI's answers and batches", []string{"", "response.", "response.body."}, []Name{
		{Path: "created", Field: "time", How: anyTime, Yields: true},
		{Path: "created_at", Field: "time", How: anyTime, Yields: true},
		{Path: "status_code", Field: "status_code"}, {Path: "request_id", Field: "id", Yields: true},
		{Path: "model", Field: "model", Yields: true},
		{Path: "service_tier", Field: "service_tier", How: asTier, Yields: true},
		{Path: "error.message", Field: "error_message", How: asFailure}, {Path: "error.code", How: asFailure},
		{Path: "error.type", How: asFailure}, {Path: "error.param"}, {Path: "num_model_requests", Field: "requests"},
		{Path: "status", How: asStatus}, {Path: "parallel_tool_calls"}, {Path: "max_tool_calls"},
		{Path: "max_output_tokens"}, {Path: "prompt_cache_key"}, {Path: "prompt_cache_retention"},
	}},
	{"OpenAI's answers and batches", []string{"response.body."}, []Name{
		{Path: "object", Field: "service_tier", How: inBatch},
	}},
	{"Anthropic's answers and batches", []string{"message.", "result.message."}, []Name{
		{Path: "id", Field: "id", Yields: true}, {Path: "model", Field: "model", Yields: true},
	}},
	{"Anthropic's answers and batches", []string{"result."}, []Name{
		{Path: "type", How: asStatus}, {Path: "error.error.message", Field: "error_message", How: asFailure},
		{Path: "error.error.type", How: asFailure},
	}},
	{"Gemini", []string{"", "usage_metadata.", "response.usage_metadata."}, []Name{
		{Path: "prompt_token_count", Field: "input_tokens", How: asTotal},
		{Path: "tool_use_prompt_token_count", How: besideInput},
		{Path: "cached_content_token_count", Field: "cached_input_tokens"},
		{Path: "candidates_token_count", Field: "output_tokens", How: asTotal},
		{Path: "response_token_count", Field: "output_tokens", How: asTotal},
		{Path: "thoughts_token_count", Field: "reasoning_tokens", How: besideOutput},
		{Path: "total_token_count", How: asSum}, {Path: "traffic_type"},
		{Path: "service_tier", Field: "service_tier", How: asTier},
		{Path: "prompt_tokens_details.audio", Field: "audio_input_tokens"},
		{Path: "prompt_tokens_details.image", Field: "image_input_tokens"},
		{Path: "prompt_tokens_details.text"}, {Path: "prompt_tokens_details.video"}, {Path: "prompt_tokens_details.document"},
		{Path: "candidates_tokens_details.audio", Field: "audio_output_tokens"},
		{Path: "candidates_tokens_details.text"}, {Path: "candidates_tokens_details.image"},
		{Path: "candidates_tokens_details.video"},
		{Path: "prompt_tokens_details.token_count"}, {Path: "candidates_tokens_details.token_count"}, // beside a modality
		{Path: "cache_tokens_details.*"}, {Path: "tool_use_prompt_tokens_details.*"},
	}},
	{"Gemini", []string{"", "response."}, []Name{
		{Path: "model_version", Field: "model", Yields: true}, {Path: "response_id", Field: "id", Yields: true},
		{Path: "create_time", Field: "time", How: anyTime, Yields: true},
	}},
	{"LiteLLM", []string{""}, []Name{
		{Path: "user", Field: "user_id"}, {Path: "end_user", Field: "user_id"},
		{Path: "custom_llm_provider", Field: "provider"}, {Path: "start_time", Field: "time", How: anyTime},
		{Path: "end_time"}, {Path: "completion_start_time"},
		{Path: "request_duration_ms", Field: "response_time_ms", How: inMS},
		{Path: "spend", Field: "reported_cost", How: asMoney}, {Path: "status", How: asStatus},
		{Path: "metadata.status", How: asStatus}, {Path: "cache_hit", How: fromCache}, {Path: "cache_key"},
		{Path: "metadata.usage_object.cache_read_input_tokens", Field: "cached_input_tokens"},
		{Path: "metadata.usage_object.cache_creation_input_tokens", Field: "cache_write_tokens"},
		{Path: "metadata.usage_object.prompt_tokens_details.cached_tokens", Field: "cached_input_tokens"},
		{Path: "metadata.additional_usage_values.cache_read_input_tokens", Field: "cached_input_tokens"},
		{Path: "metadata.additional_usage_values.cache_creation_input_tokens", Field: "cache_write_tokens"},
		{Path: "metadata.additional_usage_values.prompt_tokens_details.cached_tokens", Field: "cached_input_tokens"},
		{Path: "metadata.error_information.error_message", Field: "error_message", How: asFailure, Yields: true},
		{Path: "metadata.error_information.error_code", How: asFailure},
	}},
	{"Bedrock's invocation logs", []string{""}, []Name{
		{Path: "input.input_token_count", Field: "input_tokens", How: uncached},
		{Path: "input.cache_read_input_token_count", Field: "cached_input_tokens", How: besideCached},
		{Path: "input.cache_write_input_token_count", Field: "cache_write_tokens", How: besideCached},
		{Path: "output.output_token_count", Field: "output_tokens", How: asTotal},
		{Path: "model_id", Field: "model", Yields: true},
	}},
	{"OpenRouter", []string{"", "data."}, []Name{
		{Path: "id", Field: "id", Yields: true}, {Path: "model", Field: "model", Yields: true},
		{Path: "native_tokens_prompt", Field: "input_tokens", How: asTotal, Provider: "openrouter"},
		{Path: "native_tokens_completion", Field: "output_tokens", How: asTotal},
		{Path: "native_tokens_cached", Field: "cached_input_tokens"},
		{Path: "native_tokens_reasoning", Field: "reasoning_tokens"}, {Path: "native_tokens_completion_images"},
		{Path: "tokens_prompt", Field: "input_tokens", Yields: true, Provider: "openrouter"},
		{Path: "tokens_completion", Field: "output_tokens", Yields: true},
		{Path: "total_cost", Field: "reported_cost", How: asMoney}, {Path: "usage", Field: "reported_cost", How: asMoney},
		{Path: "upstream_inference_cost", How: ownKeyCost}, {Path: "is_byok", How: asOwnKey}, {Path: "cache_discount"},
		{Path: "service_tier", Field: "service_tier", How: asTier},
		{Path: "created_at", Field: "time", How: anyTime, Yields: true},
		{Path: "generation_time", Field: "response_time_ms", How: inMS}, {Path: "external_user", Field: "user_id"},
		{Path: "provider_name"}, {Path: "response_cache_source_id", How: fromCache},
		{Path: "num_media_prompt"}, {Path: "num_input_audio_prompt"}, {Path: "num_media_completion"},
		{Path: "num_search_results"}, {Path: "num_fetches"},
	}},
	{"OpenRouter's answers", []string{"usage.", "response.usage."}, []Name{
		{Path: "cost", Field: "reported_cost", How: asMoney}, {Path: "cost_details.*"},
		{Path: "cost_details.upstream_inference_cost", How: ownKeyCost}, {Path: "is_byok", How: asOwnKey},
	}},
	{"OpenRouter's activity", []string{""}, []Name{
		{Path: "generation_id", Field: "id", Yields: true}, {Path: "model_permaslug", Field: "model", Yields: true},
		{Path: "date", Field: "time", How: asDay}, {Path: "byok_usage_inference", How: besideCost, Provider: "openrouter"},
		{Path: "tokens_reasoning", Field: "reasoning_tokens"}, {Path: "tokens_cached", Field: "cached_input_tokens"},
		{Path: "generation_time_ms", Field: "response_time_ms", How: inMS}, {Path: "time_to_first_token_ms"},
		{Path: "cost_web_search"}, {Path: "cost_cache"}, {Path: "cost_file_processing"},
	}},
	{"Helicone", []string{""}, []Name{
		{Path: "request_user_id", Field: "user_id"}, {Path: "helicone_user", Field: "user_id", Yields: true},
		{Path: "response_id", Field: "id", Yields: true}, {Path: "request_created_at", Field: "time", How: anyTime},
		{Path: "response_created_at"}, {Path: "feedback_created_at"}, {Path: "response_status", How: asStatus},
		{Path: "request_model", Field: "model", Yields: true}, {Path: "response_model", Field: "model", Yields: true},
		{Path: "delay_ms", Field: "response_time_ms", How: inMS}, {Path: "time_to_first_token"},
		{Path: "prompt_cache_read_tokens", Field: "cached_input_tokens", How: besideInput},
		{Path: "prompt_cache_write_tokens", Field: "cache_write_tokens", How: besideInput},
		{Path: "prompt_audio_tokens", Field: "audio_input_tokens", How: besideInput},
		{Path: "completion_audio_tokens", Field: "audio_output_tokens", How: besideOutput},
		{Path: "cost_usd", Field: "reported_cost", How: asMoney}, {Path: "cache_enabled"},
		{Path: "cache_reference_id", How: fromCache},
		{Path: "request_path", Field: "endpoint"},
	}},
	{"Langfuse", []string{""}, []Name{
		{Path: "level", How: asLevel}, {Path: "status_message", Field: "error_message"},
		{Path: "calculated_total_cost", Field: "reported_cost", How: asMoney},
		{Path: "cost_details.total", Field: "reported_cost", How: asMoney},
		{Path: "cost_details.*"}, {Path: "provided_cost_details.*"}, {Path: "provided_usage_details.*"},
		{Path: "calculated_input_cost"}, {Path: "calculated_output_cost"}, {Path: "input_cost"}, {Path: "output_cost"},
		{Path: "input_price"}, {Path: "output_price"}, {Path: "total_price"}, {Path: "trace_timestamp"},
		{Path: "usage_pricing_tier_id"}, {Path: "usage_pricing_tier_name"},
		{Path: "input_usage", Field: "input_tokens", Yields: true},
		{Path: "output_usage", Field: "output_tokens", Yields: true},
		{Path: "total_usage"},
	}},
	{"Langfuse", []string{"usage_details.", "usage."}, []Name{
		{Path: "input", Field: "input_tokens", How: uncached}, {Path: "output", Field: "output_tokens", How: asTotal},
		{Path: "total"}, {Path: "unit"}, {Path: "input_cost"}, {Path: "output_cost"}, {Path: "total_cost"},
		{Path: "input_cached_tokens", Field: "cached_input_tokens", How: besideInput},
		{Path: "input_cache_read", Field: "cached_input_tokens", How: besideInput},
		{Path: "input_cache_creation", Field: "cache_write_tokens", How: besideInput},
		{Path: "input_audio_tokens", Field: "audio_input_tokens", How: besideInput},
		{Path: "input_image_tokens", Field: "image_input_tokens", How: besideInput},
		{Path: "input_text_tokens", How: besideInput},
		{Path: "output_audio_tokens", Field: "audio_output_tokens", How: besideOutput},
		{Path: "output_reasoning_tokens", Field: "reasoning_tokens", How: besideOutput},
		{Path: "output_reasoning", Field: "reasoning_tokens", How: besideOutput},
		{Path: "output_text_tokens", How: besideOutput},
	}},
	{"Langfuse", []string{"usage_details."}, []Name{
		{Path: "cache_read_input_tokens", Field: "cached_input_tokens", How: besideInput},
		{Path: "cache_creation_input_tokens", Field: "cache_write_tokens", How: besideInput},
	}},
	{"Exa", []string{"", "response."}, []Name{
		{Path: "cost_dollars.total", Field: "reported_cost", How: asMoney}, {Path: "cost_dollars.*"},
		{Path: "results.published_date"},
	}},
	{"Tavily", []string{"usage.", "response.usage."}, []Name{
		{Path: "credits", Field: "searches", How: asCredits, Only: "tavily"},
	}},
	{"Firecrawl", []string{"", "response.", "data.metadata.", "response.data.metadata."}, []Name{
		{Path: "credits_used", Field: "pages", How: asCredits, Only: "firecrawl"},
	}},
	{"any", []string{""}, []Name{
		{Path: "success", How: asSuccess}, {Path: "error", Field: "error_message", How: asFailure, Yields: true},
		{Path: "error_code", How: asFailure}, {Path: "error_type", How: asFailure}, {Path: "exception", How: asFailure},
		{Path: "currency", How: asCurrency}, {Path: "type", How: asKind},
		{Path: "ok", How: asSuccess}, {Path: "failed", How: asFailed}, {Path: "is_error", How: asFailed},
		{Path: "http_status", Field: "status_code"}, {Path: "http_status_code", Field: "status_code"},
		{Path: "http_code", Field: "status_code"}, {Path: "response_code", Field: "status_code"},
	}},
}

// opaqueNames are the last words of objects and lists that hold texts and settings: nothing within them is looked at,
// but for what nameGroups name.
var opaqueNames = []string{ // read-only
	"messages", "choices", "candidates", "content", "contents", "input", "prompt", "request", "request_body",
	"request_properties", "headers", "tags", "request_tags", "proxy_server_request", "model_parameters", "parameters",
	"params", "tools", "tool_calls", "scores", "comments", "llm_schema", "asset_urls", "grounding_metadata", "citations",
}

// asideNames are the last words of objects that hold what their owner put there, or what the row itself says already.
// Tokens and money within them matter in rows that say neither, and nothing else there does.
var asideNames = []string{ // read-only
	"metadata", "output", "completion", "response_body", "provider_responses",
}

// asideWords are the words of names that matter within those.
var asideWords = []string{ // read-only
	"token", "tokens", "usage", "cost", "costs", "spend", "price", "usd", "credits", "billed",
}

// suspectWords are the words of names that look like money, a time, a quantity, or what became of a call.
var suspectWords = []string{ // read-only
	"cost", "costs", "spend", "spent", "price", "prices", "amount", "amounts", "usd", "eur", "dollar", "dollars", "cent",
	"cents", "credit", "credits", "fee", "fees", "charge", "charges", "charged", "billed", "billable", "currency",
	"time", "times", "timestamp", "timestamps", "date", "dates", "datetime", "hour", "hours", "minute", "minutes",
	"second", "seconds", "sec", "secs", "ms", "millis", "millisecond", "milliseconds", "duration", "elapsed",
	"token", "tokens", "count", "counts", "char", "chars", "character", "characters", "image", "images", "audio", "video",
	"started", "outcome", "quantity", "qty", "usage", "units", "requests", "calls", "searches", "pages", "total", "totals",
	"cache", "cached",
	"tier", "status", "failed", "failure", "error", "errors", "outcome", "discount", "tax", "vat", "refund", "refunded",
	"voided", "tok", "toks", "queries", "pixels", "megapixels", "frames", "words", "day", "month", "year",

	// Spreadsheets of others.
	"preis", "kosten", "betrag", "datum", "zeit", "anzahl", "menge", "dauer", "prix", "coût", "montant", "durée",
	"quantité", "heure", "fecha", "precio", "coste", "importe", "cantidad", "prezzo", "costo", "importo", "quantità",
}

// ImportNames returns the groups of names that are read in event files, beside those of the event's own fields.
func ImportNames() []NameGroup { return slices.Clone(nameGroups) }

// Meaning says in a few words what the name gives, "" for one of which nothing is needed.
func (n Name) Meaning() string {
	meaning := meanings[n.How]
	if n.Field == "" && meaning == "" {
		return ""
	}
	to := ""
	if n.Field != "" && n.How != asCost && n.How != asDay {
		to = "→ `" + n.Field + "`"
	}
	meaning = strings.TrimSpace(to + " " + meaning)
	if n.Only != "" {
		meaning += " (of " + n.Only + " alone)"
	}
	if n.Yields {
		meaning += ", where nothing else gives it"
	}
	return meaning
}

// meanings are what the ways of reading say, for people.
var meanings = map[how]string{ // read-only
	inSeconds: "(seconds)", anyTime: "(also seconds or milliseconds since 1970)",
	asStatus: "success or failure, or an HTTP status", asLevel: "ERROR is a failed call",
	asSuccess: "false is a failed call",
	asFailure: "a failed call", asFailed: "true is a failed call",
	fromCache: "a row with it is no provider's call",
	inBatch:   "(batch)", asKind: "parts of streamed answers are refused", asSum: "no more than input and output",
	asCurrency: "USD", asCost: "ours beside `pricing`, Helicone's beside its times",
	asDay: "→ `time` beside `byok_usage_inference`", asOwnKey: "the cost has only OpenRouter's fee within it",
	ownKeyCost: "+ `reported_cost` beside a true `is_byok`", besideCost: "+ `reported_cost`",
	besideCached: "+", besideInput: "+ input", besideOutput: "+ output", cacheWriteSum: "+",
}
