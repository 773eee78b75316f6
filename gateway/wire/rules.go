package wire

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// Rules say what the calls of one kind of path count, at a vendor whose answers are in no form of their own:
// searches, pages, images, seconds, jobs. They are data, as gateway/upstreams.yaml has them. A pointer is a JSON
// pointer (RFC 6901) in which * stands for each element or member; "" is the whole text.
type Rules struct {
	Style string `yaml:"style"` // of refusals: plain (which "" is), openai, anthropic, gemini
	// Model is what the calls are priced as. ModelPath says where the path has it instead:
	// "/v1/generation/{model}/image", or "/api/v3/{model...}" where its name has slashes. ModelAt points to it in the
	// request; Model is for requests without it.
	Model     string `yaml:"model"`
	ModelPath string `yaml:"model_path"`
	ModelAt   string `yaml:"model_at"`
	// Counts say how much of a quantity a call uses, by the quantity's name: the first source that says it. What
	// sources of the request say is held before the call, and counts where no source of the answer says it.
	Counts map[string][]Source `yaml:"counts"`
	Cost   string              `yaml:"cost"` // points to what the answer says that the call costs, in dollars
	Job    *JobRules           `yaml:"job"`  // nil where the answer is all there is
}

// Source is where an amount is said: in the answer, in the request, or nowhere because it is always the same.
type Source struct {
	// Answer and Request point to a number, or to a list, whose length counts. Of several values the sum counts.
	Answer  *string `yaml:"answer"`
	Request *string `yaml:"request"`
	Is      int64   `yaml:"is"`

	Equal      string           `yaml:"equal"`      // the amount is how many texts are this one
	Values     map[string]int64 `yaml:"values"`     // the amount is the one of the text that is there
	Above      int64            `yaml:"above"`      // a number above this …
	Then       int64            `yaml:"then"`       // … counts as this, and any other says nothing
	Characters bool             `yaml:"characters"` // the amount is how many characters the text has
}

// JobRules say how a vendor tells of what it works on after its answer. A poll is read by the same rules.
type JobRules struct {
	ID     string   `yaml:"id"`     // points to the job's id
	State  string   `yaml:"state"`  // points to its state: a text, or true
	Done   []string `yaml:"done"`   // the states in which it is done: "true" is true
	Failed []string `yaml:"failed"` // … and has failed
	Error  string   `yaml:"error"`  // points to what went wrong
}

// New makes a format of rules. Rules that can't be are an invalid failure.
func New(name string, rules Rules) (*Format, error) {
	style := slices.Index(styleNames[:], rules.Style)
	if rules.Style == "" {
		style = int(PlainStyle)
	}
	if style < 0 {
		return nil, failure.Invalidf("style is %q: it must be one of %s", failure.Shorten(rules.Style),
			strings.Join(styleNames[:], ", "))
	}
	f := &Format{name: name, style: Style(style), takesForms: true, complete: func(*reading) bool { return true }}
	f.request, f.answer = tree(places{"stream": askStream}), tree(errorPlaces)
	held := map[figure][]Source{}
	for quantity, sources := range rules.Counts {
		figure, ok := figureOf(quantity)
		if !ok {
			return nil, failure.Invalidf("counts has %q: it must be one of %s", failure.Shorten(quantity), countedNames())
		}
		for rank, source := range sources {
			if err := f.addSource(figure, rank, source); err != nil {
				return nil, failure.Within(err, "counts of %s", quantity)
			}
			if source.Answer == nil && source.Request == nil {
				held[figure] = append(held[figure], source)
			}
		}
	}
	if err := f.addPointers(&rules); err != nil {
		return nil, err
	}
	f.event = f.answer
	f.readPath = func(r *reading, path string) { r.ask.Model = rules.modelOf(path) }
	f.endAsk = func(r *reading) { r.hold(&rules, held) }
	f.exact = exact(&rules)
	return f, nil
}

// styleNames are what data calls the styles.
var styleNames = [...]string{ // read-only
	PlainStyle: "plain", OpenAIStyle: "openai", AnthropicStyle: "anthropic", GeminiStyle: "gemini",
}

// figureOf finds what is counted one by one by the name of its quantity.
func figureOf(quantity string) (figure, bool) {
	for q, figure := range countedFigures {
		if figure != none && pricing.Quantity(q).String() == quantity {
			return figure, true
		}
	}
	return none, false
}

func countedNames() string {
	var names []string
	for q, figure := range countedFigures {
		if figure != none {
			names = append(names, pricing.Quantity(q).String())
		}
	}
	return strings.Join(names, ", ")
}

// exact tells of which figures the request says all that the vendor counts.
func exact(rules *Rules) (all [figureCount]bool) {
	for quantity, sources := range rules.Counts {
		figure, _ := figureOf(quantity)
		all[figure] = !slices.ContainsFunc(sources, func(s Source) bool { return s.Answer != nil })
	}
	return all
}

// addSource adds the places of a source.
func (f *Format) addSource(to figure, rank int, s Source) error {
	switch {
	case s.Answer != nil && s.Request != nil, (s.Answer != nil || s.Request != nil) && s.Is != 0:
		return failure.Invalidf("a source has one of answer, request and is")
	case s.Answer == nil && s.Request == nil && s.Is <= 0:
		return failure.Invalidf("a source has none of answer, request and is")
	case s.Answer != nil:
		return f.answer.point(*s.Answer, s.node(*s.Answer, to, rank))
	case s.Request != nil:
		return f.request.point(*s.Request, s.node(*s.Request, to, rank))
	}
	return nil
}

// node is what is done where a source points: where it points to several values, they are added up.
func (s Source) node(pointer string, to figure, rank int) *node {
	sums := strings.Contains(pointer, "*")
	tell := func(r *reading, n int64) { r.tell(to, rank, n, sums) }
	more := func(r *reading, n int64) { r.tell(to, rank, n, true) }
	switch {
	case s.Characters:
		return &node{
			begin: func(r *reading) { tell(r, 0) },
			piece: func(r *reading, p []byte) { more(r, startsOf(p)) },
		}
	case s.Equal != "":
		return &node{take: func(r *reading, v value) {
			equal := int64(0)
			if v.word() == s.Equal {
				equal = 1
			}
			tell(r, equal)
		}}
	case s.Values != nil:
		return &node{take: func(r *reading, v value) {
			if n, ok := s.Values[v.word()]; ok {
				tell(r, n)
			}
		}}
	}
	amount := value.count
	if to == seconds {
		amount = value.milliseconds
	}
	return &node{
		list:     func(r *reading) { tell(r, 0) },
		elements: &node{begin: func(r *reading) { more(r, 1) }},
		take: func(r *reading, v value) {
			switch n, ok := amount(v); {
			case !ok:
			case s.Then == 0:
				tell(r, n)
			case n > s.Above:
				tell(r, s.Then)
			}
		},
	}
}

// word returns a text, or "true" or "false".
func (v value) word() string {
	if v.cut || v.kind == '0' {
		return ""
	}
	return string(v.text)
}

// tell sets an amount that a source says, or adds to it. Of several sources the first counts.
func (r *reading) tell(f figure, rank int, n int64, adds bool) {
	switch has := r.said.has(f); {
	case has && r.rank[f] < rank:
	case has && r.rank[f] == rank && adds:
		r.said.set(f, r.said.amounts[f]+min(n, pricing.MaxQuantity-r.said.amounts[f]))
	default:
		r.said.set(f, n)
		r.rank[f] = rank
	}
}

// addPointers adds the places of what is no amount.
func (f *Format) addPointers(rules *Rules) error {
	cost := &node{take: func(r *reading, v value) { r.cost = v.dollars() }}
	err := cmp.Or(rules.checkModelPath(), optional(f.request, "model_at", rules.ModelAt, askModel),
		optional(f.answer, "cost", rules.Cost, cost))
	if err != nil || rules.Job == nil {
		return err
	}
	job := rules.Job
	if job.ID == "" {
		return failure.Invalidf("job has no id: say where the answer has it")
	}
	id := &node{take: func(r *reading, v value) { r.jobID = v.word() }}
	state := &node{take: func(r *reading, v value) { r.jobState = job.stateOf(v.word()) }}
	f.jobs = true
	return cmp.Or(optional(f.answer, "job.id", job.ID, id), optional(f.answer, "job.state", job.State, state),
		optional(f.answer, "job.error", job.Error, putFailure))
}

// stateOf returns the state that the vendor's word stands for.
func (j *JobRules) stateOf(word string) JobState {
	switch {
	case slices.Contains(j.Done, word):
		return JobDone
	case slices.Contains(j.Failed, word):
		return JobFailed
	}
	return JobRunning
}

// endJob says how far the job is. One that is done, with an error, has failed; one that has an id and no state has been
// taken up.
func (r *reading) endJob() {
	switch {
	case r.failed || r.jobState == JobDone && r.failure != "":
		r.jobState = JobFailed
	case r.jobState == NoJob && r.jobID != "":
		r.jobState = JobRunning
	}
	r.failed = r.jobState == JobFailed
}

// optional adds a node where a pointer that may be "" points.
func optional(root *node, name, pointer string, what *node) error {
	if pointer == "" {
		return nil
	}
	if err := root.point(pointer, what); err != nil {
		return failure.Within(err, "%s", name)
	}
	return nil
}

// point adds a node where a pointer points.
func (n *node) point(pointer string, what *node) error {
	if pointer != "" && pointer[0] != '/' || !utf8.ValidString(pointer) {
		return failure.Invalidf("%q is no JSON pointer: it must begin with a /", failure.Shorten(pointer))
	}
	var path []string
	for _, segment := range strings.Split(pointer, "/")[1:] {
		path = append(path, strings.NewReplacer("~1", "/", "~0", "~").Replace(segment))
	}
	n.pointed(path, what)
	return nil
}

func (n *node) pointed(path []string, what *node) {
	switch {
	case len(path) == 0:
		n.merge(what)
	case path[0] == "*":
		n.child("[]").pointed(path[1:], what)
		n.child("*").pointed(path[1:], what)
	default:
		n.child(path[0]).pointed(path[1:], what)
	}
}

func (rules *Rules) checkModelPath() error {
	_, after, found := strings.Cut(rules.ModelPath, "{model")
	if rules.ModelPath != "" && (!found || !strings.HasPrefix(after, "}") && !strings.HasPrefix(after, "...}")) {
		return failure.Invalidf("model_path is %q: it must have {model} or {model...} in it",
			failure.Shorten(rules.ModelPath))
	}
	return nil
}

// modelOf returns the model that a path names.
func (rules *Rules) modelOf(path string) string {
	before, after, found := strings.Cut(rules.ModelPath, "{model")
	if !found {
		return rules.Model
	}
	after, slashes := strings.CutPrefix(after, "...")
	model, isPath := strings.CutPrefix(path, before)
	model, ends := strings.CutSuffix(model, after[1:])
	if !isPath || !ends || model == "" || !slashes && strings.Contains(model, "/") {
		return rules.Model
	}
	return model
}

// hold gives the ask what the request said, or what is always the same.
func (r *reading) hold(rules *Rules, always map[figure][]Source) {
	if r.ask.Model == "" {
		r.ask.Model = rules.Model
	}
	for q, f := range countedFigures {
		quantity := pricing.Quantity(q)
		switch {
		case f == none:
		case r.said.has(f):
			r.ask.Quantities[quantity] = r.said.amounts[f]
		case len(always[f]) > 0:
			r.ask.Quantities[quantity] = always[f][0].Is * quantity.PerUnit()
		}
	}
}
