package pricing

import "time"

// Seeding is what seeding a catalogue does to the prices that are there.
type Seeding struct {
	Add       []Price // new rows: first prices, and changes that hold from now on
	Kept      []Price // prices that differ and stay: a stronger source set them, or their moment is taken
	Unchanged int     // prices that are there already

	Aliases     []Alias // to be added, or to be put in place of those of their name and moment
	KeptAliases []Alias // that differ and stay, since a stronger source set them
}

// Changes returns what is to be added to the book, with new or changed providers.
func (s Seeding) Changes(providers []Provider) Catalogue {
	return Catalogue{Providers: providers, Prices: s.Add, Aliases: s.Aliases}
}

// Seed compares a catalogue with the book and returns what has to be added. A model without any price gets the
// catalogue's from their own moments on. A model whose price differs gets the new one from now on, or from the moment
// that the catalogue names, unless what is in force then comes from a stronger source. The environment's huggingface
// prices count when they have changed since the environment was last used.
func Seed(c Catalogue, source Source, book *Book, env EnvironmentRates, now time.Time) Seeding {
	var s Seeding
	wanted := NewBook(nil, c.Prices)
	for _, p := range c.Prices {
		p.Source = source
		history := book.History(p.Provider, p.Model)
		inForce, ok := wanted.InForce(p.Provider, p.Model, now)
		holdsNow := ok && inForce.EffectiveFrom.Equal(p.EffectiveFrom)
		env := env
		if !holdsNow || !env.covers(p.Provider, p.Model) {
			env = EnvironmentRates{}
		}
		switch {
		case len(history) == 0 && env.Set():
			s.Add = append(s.Add, env.over(p))
		case len(history) == 0:
			s.Add = append(s.Add, p)
		case holdsNow && p.EffectiveFrom.Equal(Beginning()):
			s.addChange(p, history, book, env, now)
		default: // it names its own moment, or one that does has followed it
			s.addDated(p, history, book, env, now)
		}
	}
	fileAliases := NewBook(nil, nil, c.Aliases...)
	for _, a := range c.Aliases {
		a.Source = source
		last, _ := fileAliases.Alias(a.Provider, a.Name, now)
		s.addAlias(a, last.EffectiveFrom.Equal(a.EffectiveFrom), book, now)
	}
	return s
}

// addAlias adds an alias as prices are added: the first of a name from its own moment on, and one that has changed from
// now on, unless it names its moment.
func (s *Seeding) addAlias(a Alias, holdsNow bool, book *Book, now time.Time) {
	if len(book.aliases[bookKey{a.Provider, a.Name}]) > 0 && holdsNow && a.EffectiveFrom.Equal(Beginning()) {
		a.EffectiveFrom = now
	}
	then, there := book.aliasAt(a.Provider, a.Name, a.EffectiveFrom)
	switch {
	case there && then.Model == a.Model:
	case there && !a.Source.MayReplace(then.Source):
		s.KeptAliases = append(s.KeptAliases, then)
	default:
		s.Aliases = append(s.Aliases, a)
	}
}

// addDated adds a price at its own moment to a model that has prices already, and what the environment has changed from
// now on.
func (s *Seeding) addDated(p Price, history []Price, book *Book, env EnvironmentRates, now time.Time) {
	then, ok := book.InForce(p.Provider, p.Model, p.EffectiveFrom)
	taken := ok && then.EffectiveFrom.Equal(p.EffectiveFrom)
	stronger := ok && !p.Source.MayReplace(then.Source)
	switch {
	case (taken || stronger) && p.SameFigures(then):
		s.Unchanged++
	case taken || stronger:
		s.Kept = append(s.Kept, then)
	default:
		s.Add = append(s.Add, p)
		history = append(history, p)
	}
	if !env.Set() || env.unchangedSince(history) {
		return
	}
	current, ok := NewBook(nil, history).InForce(p.Provider, p.Model, now)
	if next := env.over(current); ok && !next.SameFigures(current) {
		s.addFromNow(next, now)
	}
}

// addChange adds a price from now on where the one in force has to change.
func (s *Seeding) addChange(p Price, history []Price, book *Book, env EnvironmentRates, now time.Time) {
	current, ok := book.InForce(p.Provider, p.Model, now)
	if !ok { // every price lies ahead of now
		s.Unchanged++
		return
	}
	if env.Set() {
		if next := env.over(current); !env.unchangedSince(history) && !next.SameFigures(current) {
			s.addFromNow(next, now)
			return
		}
		p.Rates = env.over(p).Rates
	}
	switch {
	case p.SameFigures(current):
		s.Unchanged++
	case !p.Source.MayReplace(current.Source):
		s.Kept = append(s.Kept, current)
	default:
		s.addFromNow(p, now)
	}
}

func (s *Seeding) addFromNow(p Price, now time.Time) {
	p.ID, p.EffectiveFrom = 0, now
	s.Add = append(s.Add, p)
}
