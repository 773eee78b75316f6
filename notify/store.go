package notify

import (
	"context"
	"time"
)

// Store is the outbox in a database.
type Store interface {
	// Expand takes messages that are not expanded and not from after now, at most so
	// many, and adds the deliveries that fn makes of each. Before that it makes messages of
	// alerts that are not told, at most so many. Of both it returns the larger number: if
	// that is below the limit, nothing is left.
	Expand(ctx context.Context, now time.Time, limit int, fn func(Message) []Delivery) (messages int, err error)
	// Group puts the mails for one recipient that are due and not urgent into one digest,
	// where there are several. Those for users are about one user each.
	Group(ctx context.Context, now time.Time) error
	// LetMailGo says that there is a mail server, of mails that wait for one to be
	// configured.
	LetMailGo(ctx context.Context) error
	// Expire makes what is sending under a claim that has run out unconfirmed, and
	// returns how many deliveries that were.
	Expire(ctx context.Context, now time.Time) (int, error)
	// Claim claims parcels that are due and claimed by nobody: urgent ones first, then
	// those that have waited longest.
	Claim(ctx context.Context, c Claim) ([]Parcel, error)
	// Begin marks a parcel as sending. It returns false, and nothing may be sent, where
	// the claim has gone to somebody else.
	Begin(ctx context.Context, by string, parcel int64, now, until time.Time) (bool, error)
	// Settle says what became of a parcel. It does nothing where the claim has gone to
	// somebody else.
	Settle(ctx context.Context, by string, parcel int64, r Result) error
	// Release gives back every claim on what was not begun.
	Release(ctx context.Context, by string) error

	// Deliveries lists deliveries, the newest first.
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	// Requeue lets deliveries be sent again, each with its digest; Drop makes them be
	// skipped. All of them or, where one does not exist or its status does not allow it,
	// none: those are returned.
	Requeue(ctx context.Context, ids []int64, now time.Time) (Unmoved, error)
	Drop(ctx context.Context, ids []int64, now time.Time, reason string) (Unmoved, error)
	// DropBefore makes everything be skipped that was written before a moment and is not
	// sent, and returns how many messages and deliveries that were. What is later than
	// that in the same digest stays, and is in no digest any more.
	DropBefore(ctx context.Context, before, now time.Time, reason string) (int, error)
	// Outbox sums up what waits and what is in trouble.
	Outbox(ctx context.Context, now time.Time) (State, error)
}

// Claim says what is to be claimed, by whom and until when.
type Claim struct {
	By         string
	Now, Until time.Time
	Channel    Channel
	Recipient  string // "" for all of the channel
	UrgentOnly bool
	Limit      int
}

// Result is what became of a parcel.
type Result struct {
	Status      Status // Sent, Waiting or Dead
	At          time.Time
	NextAttempt time.Time // of what is waiting
	Error       string
}

// DeliveryQuery says which deliveries are listed.
type DeliveryQuery struct {
	Status Status // "" for all
	Limit  int
}

// Unmoved are deliveries that could not be moved.
type Unmoved struct {
	Missing []int64
	Refused []Delivery
}

// Any tells whether there are some.
func (u Unmoved) Any() bool { return len(u.Missing)+len(u.Refused) > 0 }
