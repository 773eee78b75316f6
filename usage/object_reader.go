package usage

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// ObjectReader reads events that come as JSON objects, by the names that event files have: NameGroups. A field that
// looks like money, a time, a quantity or an outcome, and that is not known, is an invalid failure. It is for one
// caller at a time.
type ObjectReader struct{ lines *jsonlReader }

// NewObjectReader returns a reader that does not look at some fields.
func NewObjectReader(ignored ...string) (*ObjectReader, error) {
	tree := newColumnTree(false)
	if err := tree.apply(Mapping{Ignore: ignored}); err != nil {
		return nil, err
	}
	r := &ObjectReader{newJSONLReader(nil, makeEventReader(tree))}
	r.lines.objects.what = "event"
	return r, nil
}

// Event returns the event of an object, which is normalised and not validated.
func (r *ObjectReader) Event(object []byte) (Event, error) {
	event, err := r.lines.parse(object)
	clear(r.lines.events.unread) // nobody asks
	return event, err
}

// cloudEvent is what counts of a CloudEvent 1.0: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md.
type cloudEvent struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject"`
	Time        string          `json:"time"`
	ContentType string          `json:"datacontenttype"`
	Data        json.RawMessage `json:"data"`
	Data64      string          `json:"data_base64"`
}

// CloudEvent returns the event of a CloudEvent 1.0 in its JSON form. Source and id together are the event's id, the
// subject its user and the time its time; its data are the rest, as Event reads them.
func (r *ObjectReader) CloudEvent(object []byte) (Event, error) {
	var c cloudEvent
	if err := json.Unmarshal(object, &c); err != nil {
		return Event{}, failure.Invalidf("the event is no CloudEvent: %s", err).Because(err)
	}
	if err := c.check(); err != nil {
		return Event{}, err
	}
	data := []byte(c.Data)
	if c.Data64 != "" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(c.Data64); err != nil {
			return Event{}, failure.Invalidf("data_base64 is no base64: %s", err).Because(err)
		}
	}
	event, err := r.Event(bytes.TrimSpace(data))
	if err != nil {
		return event, failure.Within(err, "data")
	}
	return c.complete(event)
}

func (c *cloudEvent) check() error {
	for _, required := range []struct{ name, value string }{{"id", c.ID}, {"source", c.Source}, {"type", c.Type}} {
		if required.value == "" {
			return failure.Invalidf("%s is missing: a CloudEvent has one", required.name)
		}
	}
	contentType, _, _ := strings.Cut(strings.ToLower(c.ContentType), ";")
	switch {
	case c.SpecVersion != "1.0":
		return failure.Invalidf("specversion is %q: it must be 1.0", failure.Shorten(c.SpecVersion))
	case strings.ContainsRune(c.Source, '|'):
		return failure.Invalidf("source is %q: no URI has a |", failure.Shorten(c.Source))
	case contentType != "" && contentType != "application/json" && !strings.HasSuffix(contentType, "+json"):
		return failure.Invalidf("datacontenttype is %q: it must be application/json", failure.Shorten(c.ContentType))
	case (len(c.Data) == 0) == (c.Data64 == ""):
		return failure.Invalidf("a CloudEvent has either data or data_base64")
	}
	return nil
}

// complete gives the event what stands around the data: id, user and time. No URI has a |, so an id is that of one
// source and id.
func (c *cloudEvent) complete(event Event) (Event, error) {
	event.ID = c.Source + "|" + c.ID
	if event.UserID != "" && c.Subject != "" && event.UserID != c.Subject {
		return event, failure.Invalidf("user_id is given twice: subject is %q, and data say %q",
			failure.Shorten(c.Subject), failure.Shorten(event.UserID))
	}
	if event.UserID == "" {
		event.UserID = c.Subject
	}
	if !event.Time.IsZero() || c.Time == "" {
		return event, nil
	}
	var err error
	event.Time, err = ParseTime("time", c.Time)
	return event.Normalise(), err
}

// Change returns what gives an event those fields that an object has, or an invalid failure where it has none.
func (r *ObjectReader) Change(object []byte) (func(Event) Event, error) {
	given, err := r.Event(object)
	if err != nil {
		return nil, err
	}
	var changed []*Field
	content := false
	for i := range entryFields {
		f := &entryFields[i]
		if r.lines.events.given[i] != nil || f.Name == "status_code" && r.lines.events.done != "" {
			changed = append(changed, f)
			content = content || f.Name != "id"
		}
	}
	if !content {
		return nil, failure.Invalidf("there is nothing to correct: say what it should have been")
	}
	return func(event Event) Event {
		to, from := Entry{Event: event}, Entry{Event: given}
		for _, f := range changed {
			f.Copy(&to, &from)
		}
		return to.Event
	}, nil
}
