package wire

import (
	"math"
	"strconv"

	"github.com/alwrity/alwrity-sub/pricing"
)

// reading is what has been read of one request, or of one answer.
type reading struct {
	format  *Format
	ask     Ask
	err     error  // why the request can't be
	failed  bool   // the answer has the status of an error
	prompts int64  // that are asked together
	most    int64  // tokens of each answer, as the request says it
	text    Tokens // what was counted
	said    said
	saidAt  int64            // tokens that were counted when the output was said last
	rank    [figureCount]int // of the source that said it

	model, tier  string
	tierSaid     bool
	cost, beyond pricing.ReportedCost // beyond: what the provider behind a broker has charged
	ownKey       bool
	failure      string
	jobID        string
	jobState     JobState

	isEvent      bool   // of a stream
	kind         string // type of the event or object that is read
	done         bool   // the mark of the end
	finished     int64  // answers that have ended
	listed       bool   // the event that is read has a list of choices
	choices      int64  // … and so many in it
	hasUsage     bool   // … a usage object
	modality     string // of the tokens that are read
	inModality   int64
	queries      int64  // that were made to ground the answer
	item, action string // types of an item of an answer, and of what it does
	medium       string // kind of the image or document that is read
	before       Tokens // what was counted before it
	fileHead     []byte // the beginning of a file
	fileSize     int64
	characters   int64
	onlyUsage    bool // the last event had nothing but usage
}

// eventEnds makes ready for the next event.
func (r *reading) eventEnds() {
	r.onlyUsage = r.listed && r.choices == 0 && r.hasUsage
	r.kind, r.listed, r.choices, r.hasUsage = "", false, 0, false
}

func (r *reading) count(p []byte) { r.text.Write(p) }

// countBreak ends a text of a request. Texts of an answer come in pieces, and the next one goes on where it ended.
func (r *reading) countBreak() {
	if !r.isEvent {
		r.text.Break()
	}
}

// figure is what a vendor says an amount of.
type figure int

const (
	none        figure = iota
	allInput           // with what was cached
	uncached           // the input without what was read from a cache or written to it
	besideInput        // is no part of either
	cachedInput
	cacheWrites // for five minutes and for an hour together
	cacheWrite5m
	cacheWrite1h
	audioInput
	imageInput
	allOutput
	firstOutput  // of an answer that has just begun
	besideOutput // is reasoning, and no part of the output
	reasoning
	audioOutput
	allTokens
	seconds // in milliseconds
	images
	searches
	pages
	characters
	requests
	figureCount
)

// said are the figures that a vendor has given, the last of each.
type said struct {
	amounts [figureCount]int64
	given   uint32
}

func (s *said) set(f figure, n int64) { s.amounts[f], s.given = n, s.given|1<<f }
func (s *said) has(fs ...figure) bool {
	for _, f := range fs {
		if s.given&(1<<f) != 0 {
			return true
		}
	}
	return false
}

// count returns a whole number from 0 to pricing.MaxQuantity, and false for what is none.
func (v value) count() (int64, bool) {
	n, ok := v.number()
	return int64(n), ok && n == math.Trunc(n)
}

// milliseconds returns seconds as milliseconds, rounded to the nearest.
func (v value) milliseconds() (int64, bool) {
	n, ok := v.number()
	n = math.Round(n * 1000)
	return int64(n), ok && n <= pricing.MaxQuantity
}

// number returns a number from 0 to pricing.MaxQuantity, also one that is written as a text.
func (v value) number() (float64, bool) {
	if v.cut || v.kind != '0' && v.kind != 's' {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(v.text), 64)
	return n, err == nil && n >= 0 && n <= pricing.MaxQuantity
}

// dollars returns an amount of money. Floating-point numbers may have more decimals than we keep, which mean nothing.
func (v value) dollars() pricing.ReportedCost {
	if v.kind != '0' && v.kind != 's' || v.cut {
		return pricing.ReportedCost{}
	}
	cost, err := pricing.RoundReportedCost(string(v.text))
	if err != nil {
		return pricing.ReportedCost{}
	}
	return cost
}

// name returns a text that may be a name, "" for what is none.
func (v value) name() string {
	if v.kind != 's' || v.cut {
		return ""
	}
	return string(v.text)
}

// put keeps a figure.
func put(f figure) *node {
	return &node{take: func(r *reading, v value) {
		amount := value.count
		if f == seconds {
			amount = value.milliseconds
		}
		if n, ok := amount(v); ok {
			r.said.set(f, n)
			if f == allOutput || f == besideOutput {
				r.saidAt = r.text.Count()
			}
		}
	}}
}

// add counts one more of something.
func add(f figure) *node {
	return &node{begin: func(r *reading) { r.said.set(f, r.said.amounts[f]+1) }}
}

var (
	putModel = &node{take: func(r *reading, v value) { // read-only
		if name := v.name(); name != "" {
			r.model = name
		}
	}}
	putTier = &node{take: func(r *reading, v value) { // read-only
		if name := v.name(); name != "" {
			r.tier, r.tierSaid = tier(name), true
		}
	}}
)

// tier returns the name of a service tier, "" for one that is none or can't be.
func tier(name string) string {
	name = pricing.NormaliseTier(name)
	if name == "standard_only" || pricing.ValidateName("tier", name) != nil { // Anthropic's word for no better tier
		return ""
	}
	return name
}

// deep is a node for a value whose texts and numbers are counted, with those of all that is in it but for some members.
func deep(but places) *node {
	n := &node{counts: true}
	n.rest, n.elements = n, n
	n.members = tree(but).members
	return n
}

// schema is a node for tools and forms of output: their names count as well.
var schema = deepSchema() // read-only

func deepSchema() *node {
	n := deep(nil)
	n.names = true
	return n
}

// used returns what was read of an answer that has come to its end, or not.
func (r *reading) used(ended bool) Used {
	if r.format.jobs {
		r.endJob()
	}
	used := Used{Model: r.model, ServiceTier: r.tier, Cost: r.reportedCost(), Failure: r.failure, JobID: r.jobID,
		JobState: r.jobState}
	if !r.tierSaid { // else it may be the usual one, whatever was asked for
		used.ServiceTier = r.ask.ServiceTier
	}
	if r.ask.Free {
		return used
	}
	q := &used.Quantities
	q[pricing.Requests] = 1
	tokensSaid := r.setTokens(q, ended)
	countsSaid := r.setCounts(q, ended)
	makeValid(q)
	if r.format.tokens {
		used.Reported = tokensSaid && countsSaid
	} else {
		used.Reported = countsSaid && ended && !r.failed
	}
	return used
}

// countedFigures are what is counted one by one.
var countedFigures = [pricing.QuantityCount]figure{ // read-only
	pricing.Seconds: seconds, pricing.Images: images, pricing.Searches: searches, pricing.Pages: pages,
	pricing.Characters: characters, pricing.Requests: requests,
}

// setCounts gives what the vendor has counted, and what the request asked for of that which it has not. It tells
// whether all is the vendor's, or exact.
func (r *reading) setCounts(q *pricing.Quantities, ended bool) bool {
	all := true
	for quantity, figure := range countedFigures {
		switch asked := r.ask.Quantities[quantity]; {
		case figure == none:
		case r.said.has(figure):
			q[quantity] = r.said.amounts[figure]
		case asked == 0 || r.failed:
		case figure == seconds && r.said.has(allInput, allOutput): // the length of what was charged by its tokens
		case figure == requests, r.format.exact[figure]:
			q[quantity] = asked
		case ended:
			q[quantity], all = asked, false
		}
	}
	return all
}

// reportedCost is OpenRouter's, which has its fee alone within it where the provider behind was called with a key of
// the caller's own, as usage/owncost.go has it.
func (r *reading) reportedCost() pricing.ReportedCost {
	cost := r.cost
	if r.ownKey && r.beyond.Given {
		if sum, err := cost.USD.Add(r.beyond.USD); err == nil {
			cost = pricing.ReportedCost{USD: sum, Given: true}
		}
	}
	if cost.Validate() != nil {
		return pricing.ReportedCost{}
	}
	return cost
}

// setTokens gives the tokens that the vendor has said, by the rules of usage/tokens.go, and an estimate of what it has
// not. It tells whether all are the vendor's.
func (r *reading) setTokens(q *pricing.Quantities, ended bool) bool {
	input, inputSaid := r.input()
	output, outputSaid := r.output()
	outputSaid = outputSaid || ended && (inputSaid || r.said.has(allTokens)) // for 0 may be left out

	// A sum of all tokens that is above both has what no other figure has: the reasoning, in Gemini's OpenAI form.
	// That of Mistral has the tokens of audio, which is counted by the second.
	if rest := r.said.amounts[allTokens] - input - output; rest > 0 && !r.said.has(seconds) {
		if inputSaid {
			output += rest
		} else {
			input, inputSaid = rest, true
		}
	}
	if r.said.has(seconds) && !inputSaid && !outputSaid {
		return true // they are what is charged
	}
	if !inputSaid && r.estimates() {
		input = r.ask.Quantities[pricing.InputTokens]
	}
	unsaid := r.text.Count() - r.saidAt // that came after the last figure, if it was not the last of all
	switch {
	case ended && outputSaid, !r.estimates():
		unsaid = 0
	case outputSaid:
		output += unsaid
	default:
		output = max(r.said.amounts[firstOutput], unsaid)
	}
	q[pricing.InputTokens], q[pricing.OutputTokens] = input, output
	r.setParts(q)
	return inputSaid && outputSaid && unsaid == 0
}

// input returns the input that the vendor has said, with all its parts.
func (r *reading) input() (n int64, given bool) {
	s := &r.said
	if n = s.amounts[allInput] + s.amounts[besideInput]; !s.has(allInput, besideInput) {
		n = s.amounts[uncached] + s.amounts[cachedInput] + r.cacheWrites() + s.amounts[cacheWrite1h]
	}
	return n, s.has(allInput, uncached, besideInput, cachedInput, cacheWrites, cacheWrite5m, cacheWrite1h)
}

// output returns the output that the vendor has said.
func (r *reading) output() (n int64, given bool) {
	return r.said.amounts[allOutput] + r.said.amounts[besideOutput], r.said.has(allOutput, besideOutput)
}

// cacheWrites returns what was written to a cache, but for what was for an hour.
func (r *reading) cacheWrites() int64 {
	s := &r.said
	return max(s.amounts[cacheWrites]-s.amounts[cacheWrite1h], s.amounts[cacheWrite5m])
}

// setParts gives the parts of the input and the output. A token of audio or an image that came from a cache is a cached
// one.
func (r *reading) setParts(q *pricing.Quantities) {
	s := &r.said
	q[pricing.CachedInputTokens], q[pricing.CacheWriteTokens] = s.amounts[cachedInput], r.cacheWrites()
	q[pricing.CacheWrite1hTokens] = s.amounts[cacheWrite1h]
	rest := max(q[pricing.InputTokens]-s.amounts[cachedInput]-r.cacheWrites()-s.amounts[cacheWrite1h], 0)
	q[pricing.AudioInputTokens] = min(s.amounts[audioInput], rest)
	q[pricing.ImageInputTokens] = min(s.amounts[imageInput], rest-q[pricing.AudioInputTokens])
	q[pricing.ReasoningTokens] = s.amounts[reasoning] + s.amounts[besideOutput]
	q[pricing.AudioOutputTokens] = s.amounts[audioOutput]
}

// estimates tells whether what the answer does not say of tokens is estimated: not of an error, whatever its status.
func (r *reading) estimates() bool {
	return r.format.tokens && !r.failed && (r.failure == "" || r.text != Tokens{})
}

// makeValid raises totals to what their parts are together: an event with less is refused, and the call has been made.
func makeValid(q *pricing.Quantities) {
	var parts pricing.Quantities
	for i := range q {
		q[i] = min(q[i], pricing.MaxQuantity)
		if total, isPart := pricing.Quantity(i).Total(); isPart {
			q[i] = min(q[i], pricing.MaxQuantity-parts[total])
			parts[total] += q[i]
		}
	}
	for i := range q {
		q[i] = max(q[i], parts[i])
	}
}
