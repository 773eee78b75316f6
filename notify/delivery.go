// Package notify delivers the notifications of the outbox to those who should get them: by mail, to webhooks, to
// Slack. What it needs of the database is its Store.
package notify

import (
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// Channel is a way to a recipient.
type Channel string

// The channels.
const (
	Email   Channel = "email"
	Webhook Channel = "webhook"
	Slack   Channel = "slack"
)

// Audience says for whom a delivery is written.
type Audience string

// The audiences.
const (
	ToUser      Audience = "user"
	ToOperators Audience = "operators"
	ToProgram   Audience = "program"
)

// Status is how far a delivery has come.
type Status string

// The statuses.
const (
	Waiting     Status = "waiting"
	Sending     Status = "sending"     // the other side may have it at any moment
	Sent        Status = "sent"        // the other side said that it accepted it
	Unconfirmed Status = "unconfirmed" // the sender was stopped while it was sending
	Dead        Status = "dead"        // rejected for good, or tried too often
	Skipped     Status = "skipped"     // never to be sent; the last error says why
)

// Statuses returns all of them, in the order of a delivery's life.
func Statuses() []Status { return []Status{Waiting, Sending, Sent, Unconfirmed, Dead, Skipped} }

// Message is a notification in the outbox.
type Message struct {
	ID int64
	usage.Notification
	Email string // the user's; "" if there is none
}

// Delivery takes one message to one recipient.
type Delivery struct {
	ID          int64
	Message     Message
	Channel     Channel
	Recipient   string // an address, or the name of an endpoint; "" if there is none
	Audience    Audience
	Urgent      bool // not held back by quiet hours and digests
	Status      Status
	Attempts    int
	NextAttempt time.Time
	Held        bool  // until a mail server is configured
	Digest      int64 // the first delivery of the digest that it is part of; 0: none
	LastError   string
	ChangedAt   time.Time
	SentAt      time.Time // zero: not sent
}

// Batch is what goes out as one mail or post: one delivery, or all those of a digest. Its id is that of the first
// of them, which is the only one that is claimed.
type Batch struct{ Deliveries []Delivery }

// ID returns the id of the first delivery.
func (b Batch) ID() int64 { return b.Deliveries[0].ID }

// First returns the first delivery.
func (b Batch) First() *Delivery { return &b.Deliveries[0] }

// OutboxState sums up the outbox.
type OutboxState struct {
	Unexpanded int64            // messages that have no deliveries yet
	Deliveries map[Status]int64 // waiting, sending, dead and unconfirmed ones
	Oldest     time.Time        // the oldest message that should have gone out; zero: none
}
