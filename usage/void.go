package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// VoidTx is a transaction that takes events back.
type VoidTx interface {
	Tx
	// AddVoids notes which events were taken back, by which counter-entries, also in the audit log. Each is told as it
	// was recorded and, where there is one, as it is recorded in its place.
	AddVoids(ctx context.Context, action string, voids []Voided) error
	// PeriodAlerts returns the alerts of some periods that were not withdrawn.
	PeriodAlerts(ctx context.Context, periods []PeriodKey) ([]Alert, error)
	// WithdrawAlerts notes that alerts no longer hold. What was not sent of them is not sent any more.
	WithdrawAlerts(ctx context.Context, alerts []Alert, now time.Time) error
}

// CorrectionStore is the storage that taking back needs.
type CorrectionStore interface {
	RerateStore
	// UpdateVoids is Store.Update for taking events back.
	UpdateVoids(ctx context.Context, users []string, now time.Time, fn func(VoidTx) error) error
	// ViewVoids is Store.View for saying what taking events back would do: fn must write nothing.
	ViewVoids(ctx context.Context, fn func(VoidTx) error) error
}

// Corrections take back what was recorded wrongly.
type Corrections struct {
	Store CorrectionStore
	Usage *Service
}

// Correction says who takes something back, when and why.
type Correction struct {
	Audit
	Reason string
	DryRun bool // nothing is changed
	// AllowFuture lets the time that is given to an event be still to come.
	AllowFuture bool
}

// Voided is an event that was taken back, now or before.
type Voided struct {
	Asked       string // the id that was asked for: another one where that event had been corrected
	Entry       Entry  // as it was recorded
	Void        Void
	Replacement *Entry // what was recorded in its place
	Status      Status
	Closed      bool   // it is in a closed period: the next bill gives its cost back, or charges it
	Note        string // what else there is to know
}

// VoidedNow is the status of an event that is taken back. One that was before is a Duplicate.
const VoidedNow Status = "voided"

// voidBatch is how many events one transaction takes back: all of them or none.
const voidBatch = 1_000

// Void takes events back: those with the ids, or what was recorded in their place. An event that was taken back before
// is a duplicate. Where an id is not known, or is that of a counter-entry, nothing is changed. A failure after the
// first thousand says how many are done.
func (c *Corrections) Void(ctx context.Context, k Correction, ids []string) ([]Voided, error) {
	if err := k.validate(); err != nil {
		return nil, err
	}
	ids, err := distinctIDs(ids)
	if err != nil {
		return nil, err
	}
	if err := c.mustBeKnown(ctx, ids); err != nil {
		return nil, err
	}
	all := make([]Voided, 0, len(ids))
	for chunk := range slices.Chunk(ids, voidBatch) {
		some, err := c.correct(ctx, k, chunk, nil, nil)
		if err != nil {
			return all, k.after(len(all), err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// after returns the failure of a transaction with what those before it have done.
func (k *Correction) after(done int, err error) error {
	if _, told := errors.AsType[*failure.Error](err); !told || done == 0 || k.DryRun {
		return err
	}
	return failure.Within(err, "%s taken back, and no more", failure.Counted(done, "event"))
}

// VoidWhere takes back all events of a query that were not taken back before.
func (c *Corrections) VoidWhere(ctx context.Context, k Correction, q LogQuery) ([]Voided, error) {
	if err := k.validate(); err != nil {
		return nil, err
	}
	q.Limit, q.Standing = voidBatch, true
	if err := q.Validate(); err != nil {
		return nil, err
	}
	err := c.Store.View(ctx, func(r Reader) error { return RequireKnown(ctx, r, q.User, "unknown_user") })
	if err != nil {
		return nil, err
	}
	var ids []string
	err = EachRow(q.Limit, func(last Entry, _ int) ([]Entry, error) {
		q.BeforeTime, q.BeforeID = last.Time, last.ID
		return c.Store.Logs(ctx, q)
	}, func(e *Entry) error {
		ids = append(ids, e.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.Void(ctx, k, ids)
}

func (k *Correction) validate() error {
	return RequireReason(k.Reason, "ten times the tokens")
}

func distinctIDs(ids []string) ([]string, error) {
	seen := make(map[string]bool, len(ids))
	var once []string
	for _, id := range ids {
		if err := ValidateID(id); err != nil {
			return nil, err
		}
		if !seen[id] {
			seen[id] = true
			once = append(once, id)
		}
	}
	return once, nil
}

// mustBeKnown returns a failure unless all ids are those of events.
func (c *Corrections) mustBeKnown(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, voidBatch) {
		err := c.Store.View(ctx, func(r Reader) error {
			_, err := eventsNow(ctx, r, chunk)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eventsNow returns what stands for each id: the event itself, or what was last recorded in its place.
func eventsNow(ctx context.Context, r Reader, ids []string) (map[string]Entry, error) {
	stands, err := r.Entries(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if e, known := stands[id]; !known {
			return nil, unknownEvent(ctx, r, id)
		} else if e.isCounter() {
			return nil, failure.Conflictf("%s is the counter-entry that takes the event %s back: it can't be taken back itself",
				failure.Shorten(id), failure.Shorten(e.Links.Voids)).
				WithHint("what was voided by mistake is recorded anew, under another id")
		}
	}
	for {
		var next []string
		for _, e := range stands {
			if e.voided() && e.Links.ReplacedBy != "" {
				next = append(next, e.Links.ReplacedBy)
			}
		}
		if len(next) == 0 {
			return stands, nil
		}
		found, err := r.Entries(ctx, next)
		if err != nil {
			return nil, err
		}
		for id, e := range stands {
			if !e.voided() || e.Links.ReplacedBy == "" {
				continue
			}
			replacement, ok := found[e.Links.ReplacedBy]
			if !ok {
				return nil, failure.NotFoundf("the event %s was corrected, and %s, which stands in its place, "+
					"is not in the log: its month is archived", failure.Shorten(id), failure.Shorten(e.Links.ReplacedBy)).
					WithReason("event_archived")
			}
			stands[id] = replacement
		}
	}
}

func unknownEvent(ctx context.Context, r Reader, id string) error {
	archived, err := r.ArchivedMonths(ctx)
	if err != nil {
		return err
	}
	unknown := failure.NotFoundf("there is no event %q in the log", failure.Shorten(id))
	if len(archived) > 0 {
		unknown.Message += fmt.Sprintf(" (%s archived)", failure.Counted(len(archived), "month"))
		return unknown.WithReason("event_archived")
	}
	return unknown.WithReason("unknown_event")
}

// Correct takes the event back that stands for an id, and records another one in its place. change makes that of what
// is recorded; it may leave the id open. Where the event is like that already, it is a duplicate: who asks again
// changes nothing. Of an event that was voided it is a conflict.
func (c *Corrections) Correct(
	ctx context.Context, k Correction, id string, change func(Event) Event,
) (Voided, error) {
	if err := k.validate(); err != nil {
		return Voided{}, err
	}
	var users []string
	if other := change(Event{}).UserID; other != "" {
		users = []string{other} // whose it becomes
	}
	idIsMade := false
	replace := func(now *Entry) (*Event, error) {
		event := change(now.Event)
		if event.ID == now.ID {
			event.ID = ""
		}
		if event.Vendor == now.Vendor && (event.Provider != now.Provider || event.Model != now.Model) {
			event.Vendor = "" // it follows from them
		}
		idIsMade = event.ID == ""
		event, err := event.complete()
		if err != nil {
			return nil, err
		}
		report := event
		report.ID = now.ID
		if len(now.differences(report)) == 0 {
			if now.ID == id {
				return nil, failure.Invalidf("the event %s has these values already: there is nothing to change",
					failure.Shorten(id))
			}
			return nil, nil
		}
		return &event, nil
	}
	voided, err := c.correct(ctx, k, []string{id}, users, replace)
	if err != nil {
		return Voided{}, err
	}
	if k.DryRun && idIsMade {
		voided[0].Void.ReplacedBy = "" // the next run makes another
	}
	return voided[0], nil
}
