package v1

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// mostEvents is how many events one request may report.
const mostEvents = 10_000

// objects are what a body has of events.
type objects struct {
	texts [][]byte
	list  bool // they come as a list, and are answered as one
	cloud bool // they are CloudEvents
}

// record records one event, or each of a list.
func (a *calls) record(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	opts := usage.RecordOptions{Enforce: q.Bool("enforce"), Strict: q.Bool("strict"), KnownUser: q.Bool("known_user"),
		AllowFuture: q.Bool("allow_future")}
	if err := q.Err(); err != nil {
		return err
	}
	found, err := readObjects(c)
	if err != nil {
		return err
	}
	var submitted []usage.Submission
	err = a.readers.Use(func(r *usage.ObjectReader) error {
		submitted = found.submissions(c, r)
		return nil
	})
	switch {
	case err != nil:
		return err
	case found.list:
		return recordList(w, c, submitted, opts)
	case submitted[0].Err != nil:
		return submitted[0].Err
	}
	outcome, err := c.Usage.Record(c.Context(), c.Now, submitted[0].Event, opts)
	return answerRecorded(w, c, outcome, err)
}

// answerRecorded answers with what became of one event.
func answerRecorded(w http.ResponseWriter, c *web.Call, outcome usage.Outcome, err error) error {
	switch {
	case outcome.Refusal != nil:
		c.Refuse(w, *outcome.Refusal)
		return nil
	case err != nil:
		return err
	}
	return c.Document(w, http.StatusOK, report.Recorded(outcome))
}

func recordList(w http.ResponseWriter, c *web.Call, submitted []usage.Submission, opts usage.RecordOptions) error {
	outcomes := c.Usage.RecordAll(c.Context(), c.Now, submitted, opts)
	failed := 0
	for i := range outcomes {
		o := &outcomes[i]
		if o.Status == usage.Unrecorded {
			failed++
		}
		if o.Refusal != nil {
			told := c.Told(*o.Refusal)
			o.Refusal, o.Err = &told, told.Denied()
		}
	}
	if failed > 0 && failed == len(outcomes) {
		return outcomes[0].Err
	}
	return c.Document(w, http.StatusOK, report.RecordedList(outcomes, web.Hint))
}

// submissions reads the events, and refuses those that the caller may not report.
func (o *objects) submissions(c *web.Call, r *usage.ObjectReader) []usage.Submission {
	read := r.Event
	if o.cloud {
		read = r.CloudEvent
	}
	submitted := make([]usage.Submission, len(o.texts))
	for i, text := range o.texts {
		s := &submitted[i]
		if s.Event, s.Err = read(text); s.Err == nil {
			s.Err = own(c, &s.Event)
		}
	}
	return submitted
}

// own makes a call the caller's who is bound to a user and names none, and its token's. It refuses what the caller may
// not do: name another user, or call this model.
func own(c *web.Call, e *usage.Event) error {
	var err error
	if e.UserID, err = c.UserOf(e.UserID); err != nil {
		return err
	}
	if !c.Who.MayCall(e.Provider, e.Model) {
		return access.Forbidden("%s may not call %s %q", c.Who.Name, failure.Shorten(e.Provider), failure.Shorten(e.Model))
	}
	e.TokenID = c.Who.TokenID
	return nil
}

// readObjects reads what a body has of events, by its type: one object, a list of them, or one on each line.
func readObjects(c *web.Call) (objects, error) {
	kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	text, err := c.JSON()
	if err != nil {
		return objects{}, err
	}
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return objects{}, failure.Invalidf("the body is empty: it must be an event, or a list of them")
	}
	found := objects{cloud: kind == "application/cloudevents+json" || kind == "application/cloudevents-batch+json"}
	switch kind {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		found.texts, found.list = lines(text), true
	case "application/cloudevents+json":
		found.texts = [][]byte{text}
	case "application/cloudevents-batch+json":
		found.list = true
		found.texts, err = elements(text)
	default: // what most clients call it, whatever it is
		if found.list = text[0] == '['; found.list {
			found.texts, err = elements(text)
		} else {
			found.texts = [][]byte{text}
		}
	}
	if err == nil && len(found.texts) > mostEvents {
		err = failure.Invalidf("there are more than %d events in the body: send them in several", mostEvents)
	}
	return found, err
}

// lines returns the lines that are not empty, one more than are allowed at most.
func lines(text []byte) (found [][]byte) {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			found = append(found, line)
		}
		if len(found) > mostEvents {
			return found
		}
	}
	return found
}

// elements returns the elements of a JSON list, one more than are allowed at most. What is wrong within one of them is
// found where that is read.
func elements(text []byte) (found [][]byte, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	opening, err := d.ReadToken()
	if err == nil && opening.Kind() != '[' {
		err = errors.New("it does not begin with [")
	}
	for err == nil && d.PeekKind() != ']' && len(found) <= mostEvents {
		var element jsontext.Value
		if element, err = d.ReadValue(); err == nil {
			found = append(found, bytes.Clone(element))
		}
	}
	if len(found) > mostEvents {
		return found, nil
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	if err == nil {
		if _, end := d.ReadToken(); !errors.Is(end, io.EOF) {
			err = errors.New("something follows its closing bracket")
		}
	}
	if err != nil {
		return nil, failure.Invalidf("the body is no JSON list: %s", err).Because(err)
	}
	return found, nil
}
