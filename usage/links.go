package usage

import (
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// Void says that an event was taken back: the log has the event as it was and a counter-entry, which is the same with
// all amounts negative, so that every sum of the log is right without knowing of it. A correction has another event in
// its place.
type Void struct {
	EventID       string
	CounterID     string
	ReplacedBy    string    // "" where nothing was recorded in its place
	Time          time.Time // of the event, and of its counter-entry
	ReplacementAt time.Time // of the event in its place
	At            time.Time // when it was taken back
	Actor         string
	Reason        string
}

// Links are the other log rows that one belongs to, by their ids: "" for none.
type Links struct {
	VoidedBy   string // the counter-entry that takes it back
	ReplacedBy string // what was recorded in its place
	Voids      string // the event that it takes back: it is a counter-entry
	Replaces   string // the event that it was recorded in place of

	// When, by whom and why it was taken back; of a counter-entry, and of what stands and was recorded in place of
	// another, when, by whom and why that was.
	At     time.Time
	Actor  string
	Reason string
}

// LinkField is a field of a log row's links.
type LinkField struct {
	Name string // in documents and archives
	// Text is what the links of a row say; "" for nothing, and for rows without any.
	Text func(l *Links) string
}

// linkFields are the fields of links, in their order.
var linkFields = makeLinkFields() // read-only

// LinkFields returns the fields of links, in their order. Nobody may change them.
func LinkFields() []LinkField { return linkFields }

func makeLinkFields() []LinkField {
	return []LinkField{
		{"voids", func(l *Links) string { return l.Voids }},
		{"voided_by", func(l *Links) string { return l.VoidedBy }},
		{"replaces", func(l *Links) string { return l.Replaces }},
		{"replaced_by", func(l *Links) string { return l.ReplacedBy }},
		{"corrected_at", func(l *Links) string {
			if l.At.IsZero() {
				return ""
			}
			return l.At.UTC().Format(time.RFC3339Nano)
		}},
		{"corrected_by", func(l *Links) string { return l.Actor }},
		{"correction_reason", func(l *Links) string { return l.Reason }},
	}
}

// voided tells whether an entry was taken back.
func (e *Entry) voided() bool { return e.Links != nil && e.Links.VoidedBy != "" }

// isCounter tells whether an entry takes another one back.
func (e *Entry) isCounter() bool { return e.Links != nil && e.Links.Voids != "" }

// Stands tells whether a log row is an event that was not taken back.
func (e *Entry) Stands() bool { return !e.voided() && !e.isCounter() }

// LinksOf returns the links of the log rows that voids are about, by the rows' ids.
func LinksOf(voids []Void) map[string]*Links {
	links := make(map[string]*Links, 2*len(voids))
	of := func(id string) *Links {
		if links[id] == nil {
			links[id] = &Links{}
		}
		return links[id]
	}
	for _, v := range voids {
		if v.ReplacedBy != "" {
			l := of(v.ReplacedBy)
			if l.Replaces = v.EventID; l.VoidedBy == "" {
				l.At, l.Actor, l.Reason = v.At, v.Actor, v.Reason
			}
		}
		for _, id := range []string{v.EventID, v.CounterID} {
			l := of(id)
			l.At, l.Actor, l.Reason = v.At, v.Actor, v.Reason
		}
		links[v.EventID].VoidedBy, links[v.EventID].ReplacedBy = v.CounterID, v.ReplacedBy
		links[v.CounterID].Voids = v.EventID
	}
	return links
}

// whyVoided says when, by whom and why an entry was taken back, and what its id is good for.
func (e *Entry) whyVoided() string {
	l := e.Links
	text := fmt.Sprintf("it was voided at %s by %s (%s)", l.At.Format(time.RFC3339), l.Actor, l.Reason)
	if l.ReplacedBy != "" {
		text += ", and " + failure.Shorten(l.ReplacedBy) + " stands in its place"
	}
	return text + "; its id is used up"
}
