package dbtest

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// decorated draws a name that leads to a model's: with vendors in front, the mark of a snapshot, or both.
func (m *model) decorated(name string) string {
	return draw(m, "in front", "", "", "openai/", "a/b/") + name +
		draw(m, "behind", "", "-2024-08-06", "-20240806", "-preview-05-06", "-preview-05-2025", "@001", ":latest", "-latest",
			"-2024-08-06:latest", "-2024-13-01")
}

// snapshotMark is what marks a name as that of a snapshot.
var snapshotMark = regexp.MustCompile(`(-preview-[01]\d-\d\d|-preview-[01]\d-\d{4}|-\d{4}-(0\d|1[0-2])-\d\d|` +
	`-\d{4}(0\d|1[0-2])\d\d|@[^@/]+|:latest)$`)

// priceOfName returns the price of a model at a moment and by which steps its name leads to it: a for an alias, s for
// a snapshot, p for a vendor in front. What was tried is not tried again.
func (m *model) priceOfName(provider, name string, at time.Time, tried map[string]bool) (pricing.Price, string) {
	for whole := name; ; {
		for short := whole; ; {
			if !tried[short] && short != "default" {
				tried[short] = true
				if p := m.latestPrice(provider, short, at); p.ID != 0 {
					steps := ""
					if short != whole {
						steps += "p"
					}
					if whole != name {
						steps += "s"
					}
					return p, steps
				}
				if to := m.aliasOf(provider, short, at); to != "" {
					if p, _ := m.priceOfName(provider, to, at, tried); p.ID != 0 {
						return p, "a"
					}
				}
			}
			vendor, rest, found := strings.Cut(short, "/")
			if !found || vendor == "" || rest == "" || strings.Contains(vendor, ":") {
				break
			}
			short = rest
		}
		shorter := snapshotMark.ReplaceAllString(whole, "")
		if shorter == whole {
			return pricing.Price{}, ""
		}
		whole = shorter
	}
}

// latestPrice returns the price that was set last for a time before a moment.
func (m *model) latestPrice(provider, model string, at time.Time) (found pricing.Price) {
	for _, p := range m.prices {
		if p.Provider == provider && p.Model == model && !p.EffectiveFrom.After(at) &&
			(found.ID == 0 || p.EffectiveFrom.After(found.EffectiveFrom)) {
			found = p
		}
	}
	return found
}

// aliasOf returns what a name stands for at a moment: of two aliases of one moment the one that was set later counts.
func (m *model) aliasOf(provider, name string, at time.Time) string {
	var found pricing.Alias
	for _, a := range m.aliases {
		if a.Provider == provider && a.Name == name && !a.EffectiveFrom.After(at) &&
			!a.EffectiveFrom.Before(found.EffectiveFrom) {
			found = a
		}
	}
	return found.Model
}

// setAlias lets a name stand for a model from some moment on, or for none any more; in circles, too.
func (m *model) setAlias() {
	p := draw(m, "price", m.prices...)
	a := pricing.Alias{Provider: p.Provider, Name: draw(m, "name", "one", "two", "unheard of", m.decorated(p.Model)),
		Model: draw(m, "stands for", "one", "two", p.Model, p.Model, m.decorated(p.Model), ""), Source: pricing.FromAdmin,
		EffectiveFrom: m.now.Add(time.Duration(m.number("hours", -1000, 100)) * time.Hour)}
	if ids := sortedKeys(m.events); len(ids) > 0 && m.oneIn(2, "of an event") {
		e := m.events[draw(m, "event", ids...)]
		a.Provider, a.Name = e.Provider, cmp.Or(e.Model, a.Name)
	}
	if before := m.aliases; len(before) > 0 && m.oneIn(3, "again") {
		old := draw(m, "before", before...)
		a.Provider, a.Name, a.EffectiveFrom = old.Provider, old.Name, old.EffectiveFrom
	}
	m.must(m.db.ChangePrices(m.ctx, m.auditAt(m.now, "alias"), func(*pricing.Book) (pricing.Catalogue, error) {
		return pricing.Catalogue{Aliases: []pricing.Alias{a}}, nil
	}))
	m.rt.Logf("%s %s %s stands for %q from %s", m.now, a.Provider, a.Name, a.Model, a.EffectiveFrom)
	m.aliases = append(m.aliases, a)
	if !m.oneIn(3, "rerate later") {
		m.rerateSome()
	}
}
