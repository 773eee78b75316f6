package wire

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Refusal is why a call is not made, or why it ended before its answer did.
type Refusal struct {
	Kind      RefusalKind
	Message   string // for people
	Code      string // finer than Kind, for programs; "" for the kind's own
	RequestID string
	// Beside stands at the top level of the body, beside what the vendor's clients read. Those ignore it (observed of
	// npm openai and @anthropic-ai/sdk); what has a name that is taken is left out.
	Beside []Beside
}

// Beside is a member of a refusal's body.
type Beside struct {
	Name  string
	Value jsontext.Value // valid JSON
}

// RefusalKind says why a call is refused. Each has its HTTP status, and its word in each form.
type RefusalKind int

// The kinds of refusals.
const (
	Broken          RefusalKind = iota // a fault of ours
	BadRequest                         // the request can't be
	Unauthenticated                    // nobody knows who is calling
	PaymentDue                         // the subscription is suspended, cancelled or expired
	Forbidden                          // not for this token
	NotFound                           // no such path or model
	Conflict                           // the same call runs already, or is over
	TooLarge
	QuotaUsedUp // waiting a little does not help
	TooFast     // waiting a little does
	Overloaded
	Unavailable
	VendorAway // no answer can be had, or it broke off
	VendorSlow
	kindCount
)

// kinds are what each form calls the kinds. OpenAI's types and codes are those of its error guide
// (https://platform.openai.com/docs/guides/error-codes), Anthropic's of shared.ErrorType in its types, Google's of
// google.rpc.Code (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto).
var kinds = [kindCount]struct { // read-only
	status                 int
	openAIType, openAICode string
	anthropic, google      string
}{
	Broken:          {500, "server_error", "server_error", "api_error", "INTERNAL"},
	BadRequest:      {400, "invalid_request_error", "invalid_request", "invalid_request_error", "INVALID_ARGUMENT"},
	Unauthenticated: {401, "invalid_request_error", "invalid_api_key", "authentication_error", "UNAUTHENTICATED"},
	PaymentDue:      {402, "insufficient_quota", "billing_not_active", "billing_error", "PERMISSION_DENIED"},
	Forbidden:       {403, "invalid_request_error", "forbidden", "permission_error", "PERMISSION_DENIED"},
	NotFound:        {404, "invalid_request_error", "not_found", "not_found_error", "NOT_FOUND"},
	Conflict:        {409, "invalid_request_error", "conflict", "invalid_request_error", "ABORTED"},
	TooLarge:        {413, "invalid_request_error", "request_too_large", "request_too_large", "INVALID_ARGUMENT"},
	QuotaUsedUp:     {429, "insufficient_quota", "insufficient_quota", "rate_limit_error", "RESOURCE_EXHAUSTED"},
	TooFast:         {429, "requests", "rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"},
	Overloaded:      {503, "server_error", "overloaded", "overloaded_error", "UNAVAILABLE"},
	Unavailable:     {503, "server_error", "unavailable", "api_error", "UNAVAILABLE"},
	VendorAway:      {502, "server_error", "bad_gateway", "api_error", "UNAVAILABLE"},
	VendorSlow:      {504, "server_error", "timeout", "timeout_error", "DEADLINE_EXCEEDED"},
}

// Status returns the HTTP status of the kind.
func (k RefusalKind) Status() int { return kinds[k].status }

// Style is how refusals look to the clients of a form.
type Style int

// The styles.
const (
	PlainStyle Style = iota // {"error":"…","message":"…","code":"…"}
	OpenAIStyle
	AnthropicStyle
	GeminiStyle
)

// Refusal returns the body of an answer that refuses a call. All of them are JSON.
func (s Style) Refusal(r Refusal) (contentType string, body []byte) {
	return "application/json; charset=utf-8", s.object(r)
}

// StreamError returns the event that ends a stream with an error, as the vendor's own clients read it: npm openai
// throws for a data event with an error, @anthropic-ai/sdk for an event of that name.
func (s Style) StreamError(r Refusal) []byte {
	var event []byte
	if s == AnthropicStyle {
		event = append(event, "event: error\n"...)
	}
	event = append(event, "data: "...)
	return append(append(event, s.object(r)...), "\n\n"...)
}

// object returns the refusal in the form of the style:
// OpenAI's is ErrorObject of its types, Anthropic's shared.ErrorResponse, Google's google.rpc.Status within "error".
func (s Style) object(r Refusal) []byte {
	kind := kinds[r.Kind]
	var o object
	switch s {
	case OpenAIStyle:
		var e object
		e.text("message", r.Message)
		e.text("type", kind.openAIType)
		e.raw("param", "null")
		e.text("code", cmp.Or(r.Code, kind.openAICode))
		o.raw("error", e.String())
	case AnthropicStyle:
		var e object
		e.text("type", kind.anthropic)
		e.text("message", r.Message)
		o.text("type", "error")
		o.raw("error", e.String())
		if r.RequestID != "" {
			o.text("request_id", r.RequestID)
		}
	case GeminiStyle:
		var e, info object
		info.text("@type", "type.googleapis.com/google.rpc.ErrorInfo")
		info.text("reason", cmp.Or(r.Code, kind.openAICode))
		info.text("domain", "alwrity-sub")
		e.raw("code", strconv.Itoa(kind.status))
		e.text("message", r.Message)
		e.text("status", kind.google)
		e.raw("details", "["+info.String()+"]")
		o.raw("error", e.String())
	default:
		o.text("error", r.Message)
		o.text("message", r.Message)
		o.text("code", cmp.Or(r.Code, kind.openAICode))
	}
	for _, b := range r.Beside {
		o.raw(b.Name, string(b.Value))
	}
	return []byte(o.String())
}

// object is a JSON object that is written.
type object struct {
	json  []byte
	names []string
}

func (o *object) raw(name, value string) {
	if slices.Contains(o.names, name) {
		return
	}
	o.names = append(o.names, name)
	if len(o.names) > 1 {
		o.json = append(o.json, ',')
	}
	o.json = append(appendText(o.json, name), ':')
	o.json = append(o.json, value...)
}

func (o *object) text(name, value string) { o.raw(name, string(appendText(nil, value))) }

func (o *object) String() string { return "{" + string(o.json) + "}" }

// appendText appends a JSON string. What is no UTF-8 becomes U+FFFD.
func appendText(to []byte, text string) []byte {
	to, _ = jsontext.AppendQuote(to, strings.ToValidUTF8(text, "\uFFFD"))
	return to
}
