// Package wire knows the forms in which vendors of AI are asked and answer: what a request asks for, what an answer and
// each event of a stream say was used, and how a refusal looks to the vendor's own clients. It is pure: bytes go in,
// figures and bytes come out. Where a form is taken from stands beside it; "types" are those of the vendors' own SDKs:
// openai-go v3.98.0, anthropic-sdk-go v2.15.0, google.golang.org/genai v1.77.0.
package wire

import (
	"github.com/alwrity/alwrity-sub/pricing"
)

// Ask is what a request asks for. It has no text of the request, and may be kept: what is polled for is answered long
// after its request.
type Ask struct {
	Model       string // as the request has it; "" where it names none
	Stream      bool
	UsageAsked  bool   // the caller wants a stream's usage for itself
	UsageAdded  bool   // Format.AddUsage asked for it in the caller's place: it is taken out of the stream again
	ServiceTier string // as pricing.NormaliseTier returns it

	// Quantities are the most that the call will use, as far as the request says it: the input by estimate, one
	// request, the images and seconds that are asked for. OutputTokens is the most of all answers together; 0 and
	// OutputBounded false where the request sets no bound.
	Quantities    pricing.Quantities
	OutputBounded bool
	Free          bool  // the call costs nothing, and is none by any limit
	Answers       int64 // how many the model is to give to the one input, at least 1
}

// Used is what an answer says that a call has used.
type Used struct {
	// Quantities are valid: no part is more than its total. Those of tokens are made as `usage import` makes them.
	Quantities pricing.Quantities
	// Reported says that all of them are the vendor's own figures, or things that were counted exactly: the answer's
	// images, the request's characters. False: something is an estimate, or the answer says nothing.
	Reported bool

	Model       string               // that answered, "" where the answer doesn't say
	ServiceTier string               // that the call was served in, as pricing.NormaliseTier returns it
	Cost        pricing.ReportedCost // what the vendor says that the call costs, in dollars
	Extra       []Extra              // what is priced under a name of its own
	Failure     string               // what the answer says went wrong, "" for nothing; it is the vendor's text
	JobID       string               // of what is worked on after the answer
	JobState    JobState
}

// Extra is what a call has used that is priced as another model of the same provider.
type Extra struct {
	Model      string
	Quantities pricing.Quantities
}

// JobState is how far a job is that the vendor works on after its answer.
type JobState string

// The states of a job.
const (
	NoJob      JobState = ""
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	JobFailed  JobState = "failed"
)

// Format is one form of requests and answers. It is safe for any number of callers at once.
type Format struct {
	name       string
	style      Style
	request    *node // what of the request is read
	answer     *node // … of a whole answer
	event      *node // … of each event of a stream
	inList     *node // … of each element of a list that is streamed in place of events
	listed     bool  // a stream may be such a list
	addsUsage  bool  // a stream has its usage only where the request asks for it
	takesForms bool  // a request may be multipart/form-data
	tokens     bool  // tokens that an answer does not say are estimated
	jobs       bool  // answers tell of jobs

	exact [figureCount]bool // what the request says exactly as the vendor counts it

	// Each may be nil.
	readPath func(r *reading, path string) // what the path says
	endAsk   func(r *reading)              // when the request is read
	endEvent func(r *reading)              // after each event
	complete func(r *reading) bool         // whether the stream had its end mark
	endUsed  func(r *reading, used *Used)  // when all is read
}

// Name returns the name by which Named finds the format.
func (f *Format) Name() string { return f.name }

// Style returns how refusals look to those who speak the format.
func (f *Format) Style() Style { return f.style }

// Named finds a format by its name, such as "openai.chat".
func Named(name string) (*Format, bool) {
	for _, f := range formats {
		if f.name == name {
			return f, true
		}
	}
	return nil, false
}

// Names returns the names of all formats.
func Names() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

var formats = []*Format{ // read-only
	openAIChat, openAICompletions, openAIResponses, openAIEmbeddings, openAIImages, openAISpeech, openAITranscription,
	mistralChat, anthropicMessages, anthropicCount, geminiGenerate, geminiEmbed, geminiCount,
}

// TellsOfJobs tells whether an answer may be of a job that the vendor works on after it.
func (f *Format) TellsOfJobs() bool { return f.jobs }
