package billing

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Service closes periods and keeps bills on a store. Its operations take the moment that counts as now; they read no
// clock.
type Service struct {
	Store Store
	Usage *usage.Service // says who is near a limit
	Actor string         // who is named in the history
	Rules Rules
}

// Rules say how bills are paid.
type Rules struct {
	DueDays       int  // days from the issue of a bill to when it is due
	GraceDays     int  // days from then to when its user is suspended
	Suspend       bool // whether anyone is
	RenewalNotice int  // days before a renewal at which its user is told; 0: never
}

// closing is a run of Close under way.
type closing struct {
	*Service
	now    time.Time
	since  time.Time
	dry    bool
	note   func(Bill)
	done   func(users int)
	result Closing
	// drafts are bills of a dry run that are due at once, without their lines, by their users.
	drafts map[string][]Bill
}

// Closing sums up what closing did, or would do.
type Closing struct {
	Users     int64 // whose periods were looked at
	Bills     int64
	Billed    pricing.Total // the totals of the bills
	Renewed   int64
	Changed   int64 // plans
	Expired   int64
	PastDue   int64
	Suspended int64
	Failures  []UserFailure
}

// UserFailure is why the periods of one user could not be closed.
type UserFailure struct {
	UserID string
	Err    error
}

// batch is how many users are closed in one transaction.
const batch = 250

// CloseOptions say whose periods are closed.
type CloseOptions struct {
	User   string // "" for everyone
	DryRun bool   // nothing is kept
	// Since leaves to another system what lies before the periods that hold it, of users whose periods have never been
	// closed; zero for nothing.
	Since time.Time
	// Note is called with each bill once it is committed; nil where nobody asks.
	Note func(Bill)
	// Progress is called first with 0 and with how many users there are whose periods may have ended, then with how many
	// of them are done; nil where nobody asks. It is not called for one user alone.
	Progress func(done, users int64)
}

// Close closes every usage period that has ended by now, one after the other: it writes the bill, then renews the
// subscription, changes its plan where that was set for then, or notes its end. Then it looks after unpaid bills and
// renewals ahead. It may be stopped at any moment and run again: each period of a user is closed once. What fails for
// one user is in the result and stops nobody else. A Since that lies ahead is an invalid failure.
func (s *Service) Close(ctx context.Context, now time.Time, o CloseOptions) (Closing, error) {
	if o.Since.After(now) {
		return Closing{}, failure.Invalidf("since is %s, which lies ahead: it says from when on periods are billed",
			o.Since.Format(time.RFC3339))
	}
	run := &closing{
		Service: s, now: now, since: o.Since, dry: o.DryRun,
		note: o.Note, done: func(int) {}, drafts: map[string][]Bill{},
	}
	if run.note == nil {
		run.note = func(Bill) {}
	}
	if o.User != "" {
		if err := s.requireUser(ctx, o.User); err != nil {
			return run.result, err
		}
		err := run.users(ctx, []string{o.User})
		if err == nil {
			err = run.dun(ctx, []string{o.User})
		}
		return run.result, err
	}
	if err := run.startProgress(ctx, o.Progress); err != nil {
		return run.result, err
	}
	err := usage.EachPage(batch, func(after string, limit int) ([]string, error) {
		return s.Store.DueUsers(ctx, now, after, limit)
	}, func(users []string) error {
		err := run.users(ctx, users)
		run.done(len(users))
		return err
	})
	if err == nil {
		err = run.dunEveryone(ctx)
	}
	if err != nil || o.DryRun {
		return run.result, err
	}
	return run.result, run.announceRenewals(ctx)
}

// startProgress has the progress told from now on.
func (run *closing) startProgress(ctx context.Context, progress func(done, users int64)) error {
	if progress == nil {
		return nil
	}
	users, err := run.Store.CountDue(ctx, run.now)
	if err != nil {
		return err
	}
	done := int64(0)
	progress(done, users)
	run.done = func(n int) {
		done += int64(n)
		progress(done, max(users, done)) // some may have come meanwhile
	}
	return nil
}

// users closes the periods of some users: of all of them together or, where that fails, of each alone, so that one
// can't stop the others.
func (run *closing) users(ctx context.Context, users []string) error {
	run.result.Users += int64(len(users))
	failed := len(run.result.Failures)
	err := run.rounds(ctx, users)
	if err == nil || failure.OfStorage(err) {
		return err
	}
	run.result.Failures = run.result.Failures[:failed] // they will come again
	for _, user := range users {
		err := run.rounds(ctx, []string{user})
		if err != nil && failure.OfStorage(err) {
			return err
		}
		if err != nil {
			run.result.Failures = append(run.result.Failures, UserFailure{user, err})
		}
	}
	return nil
}

// rounds closes one period of each user after another, each round in a transaction of its own, until none of them has
// one that ended.
func (run *closing) rounds(ctx context.Context, users []string) error {
	if run.dry {
		return run.dryRounds(ctx, users)
	}
	for len(users) > 0 {
		var r *round
		err := run.Store.UpdateBilling(ctx, users, run.now, func(tx Tx) error {
			accounts, err := tx.BillingAccounts(ctx, users)
			if err != nil {
				return err
			}
			if r, err = run.draftRound(ctx, tx, users, accounts); err != nil {
				return err
			}
			return r.save(ctx, tx)
		})
		if err != nil {
			return err
		}
		run.addResult(r)
		users = r.more
	}
	return nil
}

// dryRounds drafts all rounds of some users from one state of the database.
func (run *closing) dryRounds(ctx context.Context, users []string) error {
	var rounds []*round
	err := run.Store.ViewBilling(ctx, func(reader Reader) (err error) {
		rounds, _, err = run.draftRounds(ctx, reader, users)
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range rounds {
		run.addResult(r)
		for _, b := range r.bills {
			if b.Status == Open && !b.DueAt.After(run.now) {
				b.Lines = nil
				run.drafts[b.UserID] = append(run.drafts[b.UserID], b)
			}
		}
	}
	return nil
}

// addResult adds what a round did to the result.
func (run *closing) addResult(r *round) {
	for _, b := range r.bills {
		run.result.Bills++
		run.result.Billed = run.result.Billed.Add(pricing.TotalOf(b.Total))
		run.note(b)
	}
	run.result.Renewed += r.renewed
	run.result.Changed += r.changed
	run.result.Expired += r.expired
	run.result.Failures = append(run.result.Failures, r.failures...)
}

// round is what closing one period of each of some users makes.
type round struct {
	run           *closing
	bills         []Bill
	credits       []CreditEntry
	changes       []SubscriptionChange
	subscriptions []plan.Account // that have changed
	accounts      []BillingAccount
	notifications []usage.Notification
	more          []string // users who may have another period that ended
	failures      []UserFailure

	renewed, changed, expired int64
}

// draftRounds drafts rounds until none of the users has a period that ended, and returns their accounts as they are
// then. It keeps nothing.
func (run *closing) draftRounds(
	ctx context.Context, reader Reader, users []string,
) (rounds []*round, accounts map[string]BillingAccount, err error) {
	if accounts, err = reader.BillingAccounts(ctx, users); err != nil {
		return nil, nil, err
	}
	for len(users) > 0 {
		r, err := run.draftRound(ctx, reader, users, accounts)
		if err != nil {
			return nil, nil, err
		}
		rounds, users = append(rounds, r), r.more
	}
	return rounds, accounts, nil
}

// draftRound closes one period of each user who has one that ended, in memory. It puts the accounts as they are after
// that in place of those before.
func (run *closing) draftRound(
	ctx context.Context, reader Reader, users []string, accounts map[string]BillingAccount,
) (*round, error) {
	r := &round{run: run}
	inputs, err := readInputs(ctx, reader, r.due(users, accounts), accounts)
	if err != nil {
		return nil, err
	}
	for _, in := range inputs {
		if err := r.close(in, accounts); err != nil {
			r.failures = append(r.failures, UserFailure{in.account.Account.UserID, err})
		}
	}
	return r, nil
}

// due returns the users of whom a period has ended. Of the others it notes when the next one ends.
func (r *round) due(users []string, accounts map[string]BillingAccount) (due []string) {
	for _, user := range users {
		known := !accounts[user].ClosedUntil.IsZero()
		a := accounts[user].withStart(r.run.since, r.run.now)
		accounts[user] = a
		p := a.nextPeriod()
		if !p.End.After(r.run.now) {
			due = append(due, user)
			continue
		}
		if !known || !a.ClosesAt.Equal(p.End) {
			a.ClosedUntil, a.ClosesAt = p.Start, p.End
			r.accounts = append(r.accounts, a)
		}
	}
	return due
}

// readInputs reads what the bills of some users' next periods are made of.
func readInputs(
	ctx context.Context, reader Reader, users []string, accounts map[string]BillingAccount,
) ([]billInput, error) {
	if len(users) == 0 {
		return nil, nil
	}
	book, err := reader.Book(ctx, "")
	if err != nil {
		return nil, err
	}
	inputs := make([]billInput, len(users))
	keys := make([]usage.PeriodKey, len(users))
	for i, user := range users {
		inputs[i] = billInput{account: accounts[user], book: book, period: accounts[user].nextPeriod()}
		keys[i] = usage.NewPeriodKey(user, inputs[i].period.Start)
	}
	used, err := reader.Used(ctx, keys)
	if err != nil {
		return nil, err
	}
	unbilled, err := reader.Unbilled(ctx, users)
	if err != nil {
		return nil, err
	}
	for i := range inputs {
		in := &inputs[i]
		in.used = used[keys[i]]
		if len(in.used) > 0 {
			rated, err := reader.Rated(ctx, users[i], in.period)
			if err != nil {
				return nil, err
			}
			in.rated = ratedBySeries(rated)
		}
		if in.parts, in.byPlan, err = in.account.partsOf(ctx, reader, in.period); err != nil {
			return nil, err
		}
		if in.account.lateBilled {
			continue
		}
		if in.late, err = corrections(ctx, reader, in.account, book, unbilled[users[i]]); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}

// close makes the bill of one user's period and what follows from its end.
func (r *round) close(in billInput, accounts map[string]BillingAccount) error {
	b, wanted, err := in.draft()
	if err != nil {
		return err
	}
	balance, err := in.account.Balance.Add(b.credited())
	if err != nil {
		return err
	}
	a, err := r.advance(in)
	if err != nil {
		return err
	}
	if wanted {
		r.bill(b)
	}
	a.Balance, a.lateBilled = balance, true
	accounts[a.Account.UserID] = a
	return nil
}

// bill issues a bill.
func (r *round) bill(b Bill) {
	b.issue(r.run.now, r.run.Rules)
	if amount := b.credited(); amount != 0 {
		r.credits = append(r.credits, CreditEntry{
			UserID: b.UserID, At: r.run.now, Amount: amount, Actor: r.run.Actor, Reason: "bill",
		})
	}
	r.bills = append(r.bills, b)
}

// issue dates a bill. Where nothing is to be paid it is paid at once.
func (b *Bill) issue(now time.Time, rules Rules) {
	b.IssuedAt, b.DueAt, b.Status = now, now.AddDate(0, 0, rules.DueDays), Open
	if b.Total == 0 {
		b.Status, b.SettledAt = Paid, now
	}
}

// save stores what the round has made.
func (r *round) save(ctx context.Context, tx Tx) error {
	if err := tx.AddBills(ctx, r.bills); err != nil {
		return err
	}
	numbers := map[string]int64{}
	for _, b := range r.bills {
		numbers[b.UserID] = b.Number
		if b.Total > 0 {
			r.notifications = append(r.notifications, billReadyNotification(b, r.run.now))
		}
	}
	for i := range r.credits {
		r.credits[i].Number = numbers[r.credits[i].UserID]
	}
	if err := tx.AddCredits(ctx, r.credits); err != nil {
		return err
	}
	if err := tx.SaveSubscriptions(ctx, r.subscriptions, r.run.now); err != nil {
		return err
	}
	if err := tx.AppendHistory(ctx, r.changes); err != nil {
		return err
	}
	if err := tx.SaveBillingAccounts(ctx, r.accounts); err != nil {
		return err
	}
	slices.SortFunc(r.notifications, func(a, b usage.Notification) int { return strings.Compare(a.Key, b.Key) })
	return tx.AddNotifications(ctx, r.notifications)
}

// Preview returns the bill of a user's running period as it would be if it ended now, after those of the periods that
// have ended and are not closed yet. It keeps nothing and waits for nobody who writes. The bill has no number. Where it
// would have no line, it is empty.
func (s *Service) Preview(ctx context.Context, user string, now time.Time) (due []Bill, running Bill, err error) {
	return s.preview(ctx, user, now, func(reader Reader) Reader { return reader })
}

// Expected is Preview without what each price came to, so it reads nothing of the log.
func (s *Service) Expected(ctx context.Context, user string, now time.Time) (due []Bill, running Bill, err error) {
	return s.preview(ctx, user, now, func(reader Reader) Reader { return unrated{reader} })
}

// unrated reads nothing of the log.
type unrated struct{ Reader }

func (unrated) Rated(context.Context, string, plan.Period) ([]RatedSeries, error) { return nil, nil }

func (s *Service) preview(
	ctx context.Context, user string, now time.Time, reading func(Reader) Reader,
) (due []Bill, running Bill, err error) {
	run := &closing{Service: s, now: now}
	err = s.Store.ViewBilling(ctx, func(reader Reader) error {
		reader = reading(reader)
		if err := usage.RequireKnown(ctx, reader, user, "unknown_user"); err != nil {
			return err
		}
		rounds, accounts, err := run.draftRounds(ctx, reader, []string{user})
		if err != nil {
			return err
		}
		due = nil
		for _, r := range rounds {
			if len(r.failures) > 0 {
				return r.failures[0].Err
			}
			due = append(due, r.bills...)
		}
		inputs, err := readInputs(ctx, reader, []string{user}, accounts)
		if err != nil {
			return err
		}
		if running, _, err = inputs[0].draft(); err == nil {
			running.issue(now, s.Rules)
		}
		return err
	})
	return due, running, err
}
