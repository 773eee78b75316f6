package wire

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Read returns what a request asks for. The path is the one that the vendor gets. A request that can't be read as its
// vendor would read it is an invalid failure: it must not be sent on, for nobody knows what it would use.
func (f *Format) Read(path string, h http.Header, body io.Reader) (Ask, error) {
	if coding := h.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return Ask{}, failure.Invalidf("the request is encoded as %q: send it as it is", failure.Shorten(coding))
	}
	r := reading{format: f, ask: Ask{Answers: 1}}
	r.ask.Quantities[pricing.Requests] = 1
	if f.readPath != nil {
		f.readPath(&r, path)
	}
	if err := r.readBody(h, body); err != nil {
		return Ask{}, err
	}
	r.ask.Answers *= min(max(r.prompts, 1), mostAnswers)
	r.ask.Quantities[pricing.InputTokens] = min(r.text.Count(), pricing.MaxQuantity)
	if r.most > 0 {
		r.ask.OutputBounded = true
		r.ask.Quantities[pricing.OutputTokens] = min(r.most, pricing.MaxQuantity/r.ask.Answers) * r.ask.Answers
	}
	if f.endAsk != nil {
		f.endAsk(&r)
	}
	return r.ask, r.err
}

// readBody reads the body of a request, which is JSON, or a form where the format has such.
func (r *reading) readBody(h http.Header, body io.Reader) error {
	kind, params, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if kind == "multipart/form-data" && r.format.takesForms {
		return r.readForm(body, params["boundary"])
	}
	return r.readJSON(body)
}

// What is read of JSON: the scanner looks for names that appear twice, for to remember all of a hostile body takes many
// times its size; and a text that a client has cut in the middle of a character is a vendor's matter.
var (
	anyNames = jsontext.AllowDuplicateNames(true) // read-only
	anyBytes = jsontext.AllowInvalidUTF8(true)    // read-only
)

// readJSON reads the body of a request. A member that appears twice is refused, for vendors differ in which one counts;
// so is a name that differs from one that matters in upper and lower case alone, which some servers take for it.
func (r *reading) readJSON(body io.Reader) error {
	scan := scanner{root: r.format.request, to: r, strict: true}
	decoder := jsontext.NewDecoder(io.TeeReader(body, writerFunc(scan.write)), anyNames, anyBytes)
	if kind := decoder.PeekKind(); kind != '{' && !(kind == '[' && r.format.request.elements != nil) {
		_, err := decoder.ReadToken()
		return noObject(err)
	}
	if err := decoder.SkipValue(); err != nil {
		return noObject(err)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return failure.Invalidf("the body has more after its JSON object")
	}
	return r.err
}

// noObject returns the failure for a body that is no JSON object, or the error that reading it has met with.
func noObject(err error) error {
	_, isSyntax := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return failure.Invalidf("the body must be a JSON object")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return failure.Invalidf("the body is no complete JSON object")
	case !isSyntax:
		return err
	}
	return failure.Invalidf("the body is no JSON: %s", failure.Shorten(strings.TrimPrefix(err.Error(), "jsontext: ")))
}

// refuseCase refuses a name that is one of those that matter but for upper and lower case.
func (r *reading) refuseCase(in *node, name []byte) {
	for known := range in.members {
		if len(known) == len(name) && strings.EqualFold(known, string(name)) {
			r.refuse(failure.Invalidf("the body names %q: write %q", failure.Shorten(string(name)), known))
		}
	}
}

type writerFunc func(p []byte)

func (w writerFunc) Write(p []byte) (int, error) { w(p); return len(p), nil }

// refuse notes why the request can't be.
func (r *reading) refuse(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Places of requests.
var (
	askModel  = &node{take: func(r *reading, v value) { r.ask.Model = v.name() }}             // read-only
	askTier   = &node{take: func(r *reading, v value) { r.ask.ServiceTier = tier(v.name()) }} // read-only
	askStream = &node{take: func(r *reading, v value) { r.ask.Stream = v.kind == 't' }}       // read-only
	askMost   = &node{take: func(r *reading, v value) {                                       // read-only
		if n, ok := v.count(); ok {
			r.most = max(r.most, n)
		}
	}}
	askAnswers = &node{take: func(r *reading, v value) { // read-only
		if n, ok := v.count(); ok && n > 0 && n <= mostAnswers {
			r.ask.Answers = n
		}
	}}
)

// mostAnswers is above what any vendor gives to one request.
const mostAnswers = 10_000

// AddUsage returns the body of a request with the one insertion that makes a stream say what was used, and notes it in
// the ask; all other bytes stay. Where there is nothing to insert, or the body can't be read, it is the same body.
// The option is that of ChatCompletionStreamOptions in OpenAI's types.
func (f *Format) AddUsage(ask *Ask, body []byte) []byte {
	if !f.addsUsage || !ask.Stream || ask.UsageAsked {
		return body
	}
	at, until, text := usageOption(body)
	if text == "" {
		return body
	}
	ask.UsageAdded = true
	return bytes.Join([][]byte{body[:at], body[until:]}, []byte(text))
}

// usageOption returns the bytes of a body that a text has to take the place of, "" for none.
func usageOption(body []byte) (at, until int, text string) {
	decoder := jsontext.NewDecoder(bytes.NewReader(body), anyNames, anyBytes)
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '{' {
		return 0, 0, ""
	}
	begin := int(decoder.InputOffset())
	value, end := member(decoder, "stream_options")
	switch {
	case value == nil:
		return begin, begin, `"stream_options":{"include_usage":true},`
	case value.Kind() != '{':
		return end - len(value), end, `{"include_usage":true}`
	}
	inner := jsontext.NewDecoder(bytes.NewReader(value), anyNames, anyBytes)
	_, _ = inner.ReadToken() // the brace
	first := end - len(value) + 1
	separator := ","
	if inner.PeekKind() == '}' {
		separator = ""
	}
	end -= len(value)
	option, innerEnd := member(inner, "include_usage")
	if option == nil {
		return first, first, `"include_usage":true` + separator
	}
	return end + innerEnd - len(option), end + innerEnd, "true"
}

// member returns the value of a member of the object that the decoder is in, and where it ends; nil where there is
// none.
func member(decoder *jsontext.Decoder, name string) (jsontext.Value, int) {
	for decoder.PeekKind() == '"' {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil, 0
		}
		if token.String() != name {
			if decoder.SkipValue() != nil {
				return nil, 0
			}
			continue
		}
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, 0
		}
		return value, int(decoder.InputOffset())
	}
	return nil, 0
}
