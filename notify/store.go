package notify

import (
	"context"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// Store is the outbox in a database.
type Store interface {
	// Expand adds the deliveries that fn makes of each message that has none yet and is not later than now, of at
	// most limit messages. Before that it turns at most limit new alerts into messages. It returns the larger of
	// the two numbers: below the limit, nothing is left.
	Expand(ctx context.Context, now time.Time, limit int, fn func(Message) []Delivery) (messages int, err error)
	// WaitingMessages returns at most limit messages of some kinds, after an id and by their ids, of which a delivery
	// waits.
	WaitingMessages(ctx context.Context, kinds []usage.NotificationKind, after int64, limit int) ([]Message, error)
	// SkipMessages marks the waiting deliveries of messages as skipped, and returns how many there are.
	SkipMessages(ctx context.Context, messages []int64, now time.Time, reason string) (int, error)
	// RewriteMessage replaces the data of a message.
	RewriteMessage(ctx context.Context, message int64, data map[string]string) error
	// GroupDigests puts mails to one recipient that are due and not urgent into one digest, where there are
	// several. Mails to users are grouped by user.
	GroupDigests(ctx context.Context, now time.Time) error
	// ReleaseHeldMail releases the mails that were held because no mail server was configured.
	ReleaseHeldMail(ctx context.Context) error
	// ExpireClaims turns what is being sent under an expired claim into unconfirmed, and returns how many
	// deliveries that were.
	ExpireClaims(ctx context.Context, now time.Time) (int, error)
	// Claim claims batches that are due and that nobody else has claimed: urgent ones first, then those that have
	// waited longest.
	Claim(ctx context.Context, c Claim) ([]Batch, error)
	// Begin marks a batch as being sent. If it returns false, somebody else has the claim and nothing may be sent.
	Begin(ctx context.Context, by string, batch int64, now, until time.Time) (bool, error)
	// Settle stores what became of a batch. It does nothing if somebody else has the claim by now.
	Settle(ctx context.Context, by string, batch int64, r Result) error
	// ReleaseClaims gives back every claim on what was not begun.
	ReleaseClaims(ctx context.Context, by string) error

	// Deliveries lists deliveries, newest first.
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	// Requeue has deliveries sent again, each with its whole digest; Drop marks them as skipped. Both change all
	// of them or, where one does not exist or its status does not allow it, none, and return which those are.
	Requeue(ctx context.Context, audit usage.Audit, ids []int64) (Blocked, error)
	Drop(ctx context.Context, audit usage.Audit, ids []int64, reason string) (Blocked, error)
	// DropBefore marks everything as skipped that was written before a moment and is not sent, and returns how
	// many messages and deliveries that were. Later messages of the same digest stay, in no digest any more.
	DropBefore(ctx context.Context, audit usage.Audit, before time.Time, reason string) (int, error)
	// OutboxState sums up what is waiting and what is in trouble.
	OutboxState(ctx context.Context, now time.Time) (OutboxState, error)
}

// Claim says what to claim, for whom and until when.
type Claim struct {
	By         string
	Now, Until time.Time
	Channel    Channel
	Recipient  string // "" for everything on the channel
	UrgentOnly bool
	Limit      int
}

// Result is what became of a batch.
type Result struct {
	Status      Status // Sent, Waiting or Dead
	At          time.Time
	NextAttempt time.Time // if waiting
	Error       string
}

// DeliveryQuery says which deliveries to list.
type DeliveryQuery struct {
	Status Status // "" for all
	Limit  int
}

// Blocked are deliveries that kept a change from being made.
type Blocked struct {
	Missing     []int64
	WrongStatus []Delivery
}

// Any tells whether there are some.
func (b Blocked) Any() bool { return len(b.Missing)+len(b.WrongStatus) > 0 }
