package pricing

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// finding is how the price of a model is found from a moment on.
type finding struct {
	from  time.Time
	price *Price // nil where there is none
	basis Basis
	way   Way
}

// Way leads from the name that a call gives to that of the model whose price it gets.
type Way []Hop

// Hop is a part of a Way: from an alias to what it stands for, or from a name to what is left of it without some parts.
type Hop struct {
	From, To string
	Alias    bool
	Left     []Left
}

// Left is a part of a name that was left out.
type Left struct {
	Basis Basis  // Snapshot, Prefixed or FineTuned
	Words string // what it is: "the date"
}

// mostFindings is how many models a book remembers findings of. Whoever makes up names can't fill the memory.
const mostFindings = 10_000

// Find returns the price that holds for a model at a moment, nil where there is none, and on what basis. At each step a
// price must be in force then: the model's own price; an alias of the name; the name without a vendor in front, without
// the mark of a snapshot, or without what makes it a fine-tuned one, and their aliases; the provider's default price.
func (b *Book) Find(provider, model string, at time.Time) (*Price, Basis) {
	if model != "" && model != DefaultModel {
		if p := b.inForce(provider, model, at); p != nil {
			return p, Exact
		}
	}
	f := b.finding(provider, model, at)
	return f.price, f.basis
}

// Way returns by which names the price of a model is found at a moment: none for its own price, the provider's default
// price, and where there is no price.
func (b *Book) Way(provider, model string, at time.Time) Way {
	return b.finding(provider, model, at).way
}

func (b *Book) finding(provider, model string, at time.Time) finding {
	key := bookKey{provider, model}
	b.mutex.RLock()
	list, known := b.found[key]
	b.mutex.RUnlock()
	if !known {
		list = b.findings(provider, model)
		b.mutex.Lock()
		if len(b.found) >= mostFindings {
			clear(b.found)
		}
		b.found[key] = list
		b.mutex.Unlock()
	}
	for i := len(list) - 1; i > 0; i-- { // mostly it is the last one
		if !list[i].from.After(at) {
			return list[i]
		}
	}
	return list[0]
}

// findings returns how the price of a model is found at all times, in their order. The first is for what lies before
// every change.
func (b *Book) findings(provider, model string) []finding {
	list := []finding{b.look(provider, model, time.Time{})}
	for _, at := range b.Changes(provider, model) {
		list = append(list, b.look(provider, model, at))
	}
	return list
}

// Changes returns the moments, in their order, at which the price of a model may change: where a price or an alias
// begins of a name that can lead to it.
func (b *Book) Changes(provider, model string) []time.Time {
	var moments []time.Time
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		for _, p := range b.prices[bookKey{provider, name}] {
			moments = append(moments, p.EffectiveFrom)
		}
		for _, a := range b.aliases[bookKey{provider, name}] {
			moments = append(moments, a.EffectiveFrom)
			for _, v := range b.variants(provider, a.Model) {
				visit(v.To)
			}
		}
	}
	for _, v := range b.variants(provider, model) {
		visit(v.To)
	}
	visit(DefaultModel)
	slices.SortFunc(moments, time.Time.Compare)
	return slices.CompactFunc(moments, time.Time.Equal)
}

// look finds the price of a model at a moment.
func (b *Book) look(provider, model string, at time.Time) finding {
	if price, way := b.follow(provider, model, at, map[string]bool{}); price != nil {
		return finding{at, price, way.basis(), way}
	}
	if p := b.inForce(provider, DefaultModel, at); p != nil {
		return finding{from: at, price: p, basis: Default}
	}
	return finding{from: at, basis: Unpriced}
}

// follow returns the price of a model at a moment, but for the provider's default price, and the way to it. Names that
// were tried already are not tried again: aliases may lead in a circle by way of a snapshot.
func (b *Book) follow(provider, model string, at time.Time, tried map[string]bool) (*Price, Way) {
	for _, hop := range b.variants(provider, model) {
		if tried[hop.To] {
			continue
		}
		tried[hop.To] = true
		way := Way{hop}
		if hop.From == hop.To {
			way = nil
		}
		if p := b.inForce(provider, hop.To, at); p != nil {
			return p, way
		}
		if alias, ok := b.Alias(provider, hop.To, at); ok {
			if p, rest := b.follow(provider, alias.Model, at, tried); p != nil {
				return p, slices.Concat(way, Way{{From: hop.To, To: alias.Model, Alias: true}}, rest)
			}
		}
	}
	return nil, nil
}

// variants returns a model's name and what is left of it without some parts, the more exact before the less: a
// snapshot with a price of its own comes before the model that it is one of, whatever stands in front. It has no name
// that can't have a price of its own.
func (b *Book) variants(provider, model string) []Hop {
	name := Hop{From: model, To: model}
	hops := name.forms()
	if base, tuned := name.tunedFrom(); tuned && b.Providers[provider].FineTunedAsBase {
		hops = append(hops, base.forms()...)
	}
	return slices.DeleteFunc(hops, func(h Hop) bool { return h.To == "" || h.To == DefaultModel })
}

// mostParts is how many vendors in front, and how many marks behind, are left out of a name: a made-up one may have
// a hundred of each.
const mostParts = 5

// forms returns a name and what is left of it.
func (h Hop) forms() (hops []Hop) {
	more := true
	for marks := 0; more && marks <= mostParts; marks++ {
		short, another := h, true
		for vendors := 0; another && vendors <= mostParts; vendors++ {
			hops = append(hops, short)
			short, another = short.withoutVendor()
		}
		h, more = h.shortened()
	}
	return hops
}

func (h Hop) without(name string, basis Basis, words string) Hop {
	return Hop{From: h.From, To: name, Left: append(slices.Clip(h.Left), Left{basis, words})}
}

// withoutVendor leaves out what stands before the first slash.
func (h Hop) withoutVendor() (Hop, bool) {
	vendor, name, found := strings.Cut(h.To, "/")
	if !found || vendor == "" || name == "" || strings.Contains(vendor, ":") {
		return h, false
	}
	return h.without(name, Prefixed, vendor+"/"), true
}

// shortened leaves out what makes a name more than that of its model: who owns a fine-tuned model, or the mark of a
// snapshot.
func (h Hop) shortened() (Hop, bool) {
	if short, owned := h.withoutOwner(); owned {
		return short, true
	}
	begin := strings.LastIndexByte(h.To, '/') + 1
	if short, words := withoutSnapshot(h.To[begin:]); words != "" && short != tunedMark {
		return h.without(h.To[:begin]+short, Snapshot, words), true
	}
	return h, false
}

// tunedMark stands before the model that was tuned, after which the owner's name and others follow:
// "ft:gpt-4o-mini-2024-07-18:acme::9x".
const tunedMark = "ft:"

// tuned splits the name of a fine-tuned model.
func (h Hop) tuned() (before, base, owner string, isTuned bool) {
	begin := strings.Index(h.To, tunedMark)
	if begin < 0 || begin > 0 && h.To[begin-1] != '/' {
		return "", "", "", false
	}
	base, owner, _ = strings.Cut(h.To[begin+len(tunedMark):], ":")
	return h.To[:begin], base, owner, base != ""
}

func (h Hop) withoutOwner() (Hop, bool) {
	before, base, owner, tuned := h.tuned()
	if !tuned || owner == "" {
		return h, false
	}
	return h.without(before+tunedMark+base, FineTuned, "its owner"), true
}

// tunedFrom is the name of the model that was tuned.
func (h Hop) tunedFrom() (Hop, bool) {
	h, _ = h.withoutOwner()
	before, base, _, tuned := h.tuned()
	return h.without(before+base, FineTuned, tunedMark), tuned
}

// withoutSnapshot leaves out what marks a name as that of one snapshot of a model, and says what that is; "" where
// there is no such mark.
func withoutSnapshot(name string) (short, words string) {
	if at := strings.LastIndexByte(name, '@'); at > 0 && at < len(name)-1 {
		return name[:at], name[at:]
	}
	if short, found := strings.CutSuffix(name, ":latest"); found && short != "" {
		return short, ":latest"
	}
	for _, mark := range []struct{ layout, words string }{
		{"-preview-01-02", "the preview's date"}, {"-preview-01-2006", "the preview's date"},
		{"-2006-01-02", "the date"}, {"-20060102", "the date"},
	} {
		at := len(name) - len(mark.layout)
		if at <= 0 {
			continue
		}
		if _, err := time.Parse(mark.layout, name[at:]); err == nil {
			return name[:at], mark.words
		}
	}
	return name, ""
}

// basis is the weakest of a way's parts, that which says most about where it leads.
func (w Way) basis() Basis {
	basis := Exact
	for _, hop := range w {
		if hop.Alias {
			return Aliased
		}
		for _, left := range hop.Left {
			if basis == Exact || left.Basis == FineTuned || left.Basis == Snapshot && basis == Prefixed {
				basis = left.Basis
			}
		}
	}
	return basis
}

// Model is whose price it leads to; "" for a way that goes nowhere.
func (w Way) Model() string {
	if len(w) == 0 {
		return ""
	}
	return w[len(w)-1].To
}

// String says how the price of a model is found: "gpt-4o-2024-08-06 is priced as gpt-4o, its name without the date". It
// is empty for a way that goes nowhere.
func (w Way) String() string {
	if len(w) == 0 {
		return ""
	}
	text := fmt.Sprintf("%s is priced as %s", w[0].From, w.Model())
	if len(w) == 1 {
		if w[0].Alias {
			return text + ", which it is an alias of"
		}
		return text + ", its name without " + w[0].leftOut()
	}
	hops := make([]string, len(w))
	for i, hop := range w {
		if hop.Alias {
			hops[i] = fmt.Sprintf("%s is an alias of %s", hop.From, hop.To)
		} else {
			hops[i] = fmt.Sprintf("%s is %s without %s", hop.To, hop.From, hop.leftOut())
		}
	}
	return text + ": " + strings.Join(hops, "; ")
}

func (h Hop) leftOut() string {
	words := make([]string, len(h.Left))
	for i, left := range h.Left {
		words[i] = left.Words
	}
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
