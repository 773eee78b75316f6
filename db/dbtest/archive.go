package dbtest

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

func archiveTests() []test {
	return []test{
		{"archive/takes a month from the log and brings it back", archiveAndRestore},
		{"archive/months are those that are over", archiveMonths},
		{"archive/nothing is recorded in an archived month", archiveRefuses},
		{"archive/a month that has changed is written again", archiveChanged},
		{"archive/a month that changes all the time is written alone", archiveAlone},
		{"archive/twice is refused", archiveTwice},
		{"archive/subscriptions leave archived usage where it is", archiveSubscriptions},
		{"archive/reconcile counts what is archived", archiveReconcile},
		{"archive/rating again leaves it out", archiveRerate},
		{"archive/what is no archive is not restored", restoreRefuses},
		{"archive/a file is the same events elsewhere", archiveImported},
		{"archive/months without a partition of their own", archivePast},
		{"archive/months at any time of the year", archiveManyMonths},
		{"archive/readers go on while it is archived", archiveReaders},
		{"archive/waits for those who are reading", archiveWaits},
		{"archive/takes no row of those who have looked before", archiveAfterLook},
		{"archive/takes no row of those who wait for it", archiveAmidWriters},
		{"races/recorders are at work in a month that is archived", raceArchive},
		{"races/two archive the same month", raceArchiveTwice},
		{"races/subscriptions change while their month is archived", raceArchiveSubscriptions},
	}
}

const august = plan.Month(202608)

// archived is an archived month and where its file is.
type archived struct {
	usage.Archive
	path string
}

// archive moves a month to a file, as `usage archive` does.
func (f *fixture) archive(month plan.Month) archived {
	f.Helper()
	a, err := f.tryArchive(f.db, month, func(int) {})
	f.must(err)
	return a
}

// tryArchive is told of each row that is written, and how many there were before.
func (f *fixture) tryArchive(store usage.ArchiveStore, month plan.Month, progress func(n int)) (archived, error) {
	n, dir := 0, f.TB.(testing.TB).TempDir()
	archiver := usage.Archiver{Store: store}
	a, err := archiver.ArchiveMonth(f.ctx, f.audit("usage archive"), month, dir, func() {
		progress(n)
		n++
	})
	return archived{a, filepath.Join(dir, usage.ArchiveFile(month))}, err
}

// rows returns the rows of the file.
func (a archived) rows() iter.Seq2[usage.Entry, error] { return usage.ReadArchived(a.path) }

func (f *fixture) restore(a archived) error {
	archiver := usage.Archiver{Store: f.db}
	_, err := archiver.Restore(f.ctx, f.audit("usage restore"), a.path)
	return err
}

// attempts notes how a month was taken from the log.
type attempts struct {
	usage.ArchiveStore
	open, changed, alone int
}

// ArchiveMonth implements usage.ArchiveStore.
func (s *attempts) ArchiveMonth(
	ctx context.Context, audit usage.Audit, m plan.Month, alone bool, write usage.WriteMonth,
) error {
	if alone {
		s.alone++
	} else {
		s.open++
	}
	err := s.ArchiveStore.ArchiveMonth(ctx, audit, m, alone, write)
	if errors.Is(err, usage.ErrMonthChanged) {
		s.changed++
	}
	return err
}

// totals returns the tables that are sums of the log, archived or not.
func (f *fixture) totals() string {
	f.Helper()
	return fmt.Sprint(f.stored("usage_summaries", "user_id, period_start, provider, vendor, model"),
		f.stored("usage_daily", "day, user_id, plan_id, provider, vendor, model"))
}

// mustReconcile checks that the totals are the sums of the log and of what is archived.
func (f *fixture) mustReconcile(logRows, archivedRows int64) {
	f.Helper()
	r, err := f.db.Reconcile(f.ctx, false)
	f.must(err)
	for _, d := range r.Discrepancies {
		f.Errorf("reconcile: %+v", d)
	}
	if r.LogRows != logRows || r.ArchivedRows != archivedRows {
		f.Errorf("reconcile counts %d log rows and %d archived, want %d and %d", r.LogRows, r.ArchivedRows, logRows,
			archivedRows)
	}
}

// varied records events of every kind in three months, 20 of each in August.
func (f *fixture) varied() {
	f.Helper()
	f.subscribe("alice", "Pro", date(2026, 7, 15), date(2026, 7, 15))
	for i := range 60 {
		at := date(2026, time.July+time.Month(i%3), 1+i/2).Add(time.Duration(i) * 12345678 * time.Microsecond)
		e := call(fmt.Sprint("e", i), []string{"alice", "bob", "ünï \"quoted\" \\ user"}[i/3%3], at, int64(i)*1000,
			int64(i%5))
		switch i / 3 % 7 {
		case 1:
			e.StatusCode, e.ErrorMessage = 503, "line\nbreak, \"quotes\"\tand \u2028 more"
		case 2:
			e.StatusCode, e.Billable, e.RetryCount = 500, true, 3
		case 3:
			e.Provider, e.Model = "mistral", "" // without a price
		case 4:
			e.Quantities = pricing.Quantities{0, 9, 6, 2, 1, 1, 2, 3, 4, 2, 4, 3, 2, 1, 9001}
			e.ServiceTier, e.Reported = "flex", pricing.ReportedCost{USD: 12, Given: true}
			e.Endpoint, e.Method, e.ResponseTimeMS, e.Vendor = "/v1/<x>&y", "POST", 1234, "somebody"
		}
		f.record(e)
	}
}

func archiveAndRestore(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	log, totals := f.logs(), f.totals()
	a := f.archive(august)
	if a.Rows != 20 || f.totals() != totals {
		t.Errorf("%d rows were archived; totals before %s\nafter %s", a.Rows, totals, f.totals())
	}
	f.mustReconcile(40, 20)
	for _, e := range f.logs() {
		if plan.MonthOf(e.Time) == august {
			t.Errorf("%s is in the log still", e.ID)
		}
	}
	archives, err := f.db.Archives(f.ctx)
	f.must(err)
	wantEqual(t, "the archives", archives, []usage.Archive{a.Archive})
	wantEqual(t, "the rows of the file", fmt.Sprint(collect(t, a)), fmt.Sprint(ofMonth(log, august)))
	f.must(f.restore(a))
	wantEqual(t, "the log", f.logs(), log)
	if f.totals() != totals || f.count("usage_archives")+f.count("usage_archived_totals") != 0 {
		t.Error("the totals have changed, or something is archived still")
	}
	f.mustAgree()
	if again := f.archive(august); again.SHA256 != a.SHA256 {
		t.Error("archived again, the file is another")
	}
	f.must(f.restore(a))
	f.record(call("late", "alice", date(2026, 8, 5), 1, 1))
	f.mustAgree()
	entries, err := f.db.Audit(f.ctx, 0, 4)
	f.must(err)
	if len(entries) != 4 || entries[0].Action != "usage restore" || entries[1].Action != "usage archive" ||
		!strings.Contains(entries[1].After, a.SHA256) {
		t.Errorf("the audit log has %+v", entries)
	}
}

// collect returns the rows of a file.
func collect(t *testing.T, a archived) []usage.Entry {
	t.Helper()
	var entries []usage.Entry
	for e, err := range a.rows() {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

// ofMonth returns the log rows of a month, oldest first.
func ofMonth(log []usage.Entry, month plan.Month) []usage.Entry {
	var entries []usage.Entry
	for _, e := range slices.Backward(log) {
		if plan.MonthOf(e.Time) == month {
			entries = append(entries, e)
		}
	}
	return entries
}

func archiveMonths(t *testing.T, p Place) {
	f := seeded(t, p)
	for i, at := range []time.Time{date(2026, 8, 1), date(2026, 9, 1).Add(-time.Microsecond), date(2026, 9, 1),
		date(2026, 11, 3)} {
		f.record(call(fmt.Sprint("e", i), "alice", at, 1_000_000, 1))
	}
	for before, want := range map[time.Time]string{
		date(2026, 8, 31): "[]", date(2026, 9, 1): "[2026-08 2]", date(2026, 9, 30): "[2026-08 2]",
		date(2026, 10, 1): "[2026-08 2 2026-09 1]", now(): "[2026-08 2 2026-09 1]",
		date(2026, 12, 1): "[2026-08 2 2026-09 1 2026-11 1]",
	} {
		months, err := f.db.Months(f.ctx, before)
		f.must(err)
		var got []string
		for _, m := range months {
			got = append(got, fmt.Sprint(m.Month, m.Rows))
			if m.Cost.Cmp(pricing.Total{}) <= 0 {
				t.Errorf("%s costs %s", m.Month, m.Cost)
			}
		}
		wantEqual(t, "months before "+before.String(), strings.ReplaceAll(fmt.Sprint(got), "-0", "-0"), want)
	}
}

func archiveRefuses(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("e1", "alice", date(2026, 8, 5), 1, 1))
	f.record(call("e2", "alice", now(), 1, 1))
	_, err := f.reserve("r1", "alice", now(), time.Hour)
	f.must(err)
	a := f.archive(august)
	totals := f.totals()
	const why = "the month 2026-08 is archived in usage-2026-08.jsonl.gz: nothing can be recorded in it"
	for _, e := range []usage.Event{call("e1", "alice", date(2026, 8, 5), 1, 1),
		call("e3", "bob", date(2026, 8, 31), 1, 1)} {
		for _, opts := range []usage.RecordOptions{{}, {Enforce: true}} { // before anything else it is closed
			_, err := f.service.Record(f.ctx, now(), e, opts)
			wantFailure(t, err, failure.Conflict, why, "archived [{file usage-2026-08.jsonl.gz}]")
		}
	}
	_, err = f.service.Record(f.ctx, now(), usage.Event{Time: date(2026, 8, 7), StatusCode: 200, Quantities: tokens(1)},
		usage.RecordOptions{Reservation: "r1"})
	wantFailure(t, err, failure.Conflict, why)
	// Now is in it.
	_, err = f.service.Record(f.ctx, date(2026, 8, 9), call("e4", "alice", time.Time{}, 1, 1), usage.RecordOptions{})
	wantFailure(t, err, failure.Conflict, why)
	r, rejects := f.importText(usage.JSONLines,
		eventLine(call("e5", "carol", date(2026, 8, 1), 1, 1))+eventLine(call("e6", "carol", date(2026, 9, 1), 1, 1)))
	if r.Recorded != 1 || r.Conflicts != 1 || r.Rejected != 0 || !strings.Contains(rejects, `"e5"`) ||
		len(r.Problems) != 1 || r.Problems[0].Reason != why {
		t.Errorf("the import: %+v, rejects %s", r, rejects)
	}
	if p.Kind == db.PostgreSQL {
		var there bool
		f.must(p.SQL.QueryRow("SELECT to_regclass('api_usage_logs_2026_08') IS NOT NULL").Scan(&there))
		if there || f.count("usage_event_ids") != 2 {
			t.Errorf("the partition is there: %t; %d ids", there, f.count("usage_event_ids"))
		}
	}
	f.must(f.restore(a))
	f.record(call("e3", "bob", date(2026, 8, 31), 1, 1))
	if f.totals() == totals {
		t.Error("nothing was recorded")
	}
	f.mustAgree()
}

// Whatever happens to a month while it is written, the file has what was taken from the log.
func archiveChanged(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	f.must(f.addPrice("mistral", "default", date(2026, 1, 1), 5, 5, 5))
	changes := map[string]func(){
		"a row more":  func() { f.record(call("more", "bob", date(2026, 8, 9), 1, 1)) },
		"other plans": func() { f.subscribe("bob", "Pro", date(2026, 8, 1), date(2026, 8, 1)) },
		"a rating": func() {
			_, err := usage.Rerate(f.ctx, f.db, now(), time.Time{}, time.Time{}, true)
			f.must(err)
		},
	}
	for name, change := range changes {
		store, changed := &attempts{ArchiveStore: f.db}, false
		a, err := f.tryArchive(store, august, func(n int) {
			if n == 5 && !changed {
				change()
				changed = true
			}
		})
		f.must(err)
		if store.changed != 1 || store.open != 2 || store.alone != 0 {
			t.Errorf("%s: %+v", name, store)
		}
		f.must(f.restore(a))
		f.mustAgree()
	}
	f.mustReconcile(61, 0)
}

// A month that changes each time while it is written is written while nobody can record.
func archiveAlone(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	store := &attempts{ArchiveStore: f.db}
	more := 0
	a, err := f.tryArchive(store, august, func(int) {
		if store.alone == 0 && more < store.open {
			more++
			f.record(call(fmt.Sprint("more", more), "bob", date(2026, 8, 9), 1, 1))
		}
	})
	f.must(err)
	if store.changed != 2 || store.alone != 1 || a.Rows != 22 {
		t.Errorf("%+v, %d rows", store, a.Rows)
	}
	f.mustReconcile(40, 22)
	f.must(f.restore(a))
	f.mustAgree()
}

func archiveTwice(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	f.archive(august)
	try := func(month plan.Month, alone bool, err error) error {
		return f.db.ArchiveMonth(f.ctx, f.audit("usage archive"), month, alone, func(usage.MonthRows) (usage.Archive, error) {
			return usage.Archive{LogMonth: usage.LogMonth{Month: month}, At: now()}, err
		})
	}
	wantFailure(t, try(august, false, nil), failure.Conflict, "archived in usage-2026-08.jsonl.gz already")
	_, err := f.tryArchive(f.db, 202001, func(int) {})
	wantFailure(t, err, failure.Conflict, "the rows of the month 2020-01 are gone")
	wantFailure(t, try(july(), false, nil), failure.Conflict, "has changed while it was written")
	for _, alone := range []bool{false, true} {
		wantFailure(t, try(july(), alone, failure.Unavailablef("the disk is full")), failure.Unavailable, "the disk is full")
	}
	f.mustReconcile(40, 20)
}

func archiveSubscriptions(t *testing.T, p Place) {
	f := seeded(t, p)
	f.record(call("a1", "alice", date(2026, 8, 10).Add(13*time.Hour), 1, 1))
	f.record(call("a2", "alice", date(2026, 10, 10), 1, 1))
	f.record(call("b1", "bob", date(2026, 10, 10), 1, 1))
	f.archive(august)
	pro := f.plan("Pro")
	try := func(user string, start time.Time) error {
		_, err := f.billing(f.db).ChangeSubscription(f.ctx, f.audit("users subscribe"), user,
			func(a plan.Account) (plan.Change, error) {
				return a.Subscribe(plan.Order{Plan: pro, Cycle: plan.Monthly, Start: start, AutoRenew: true}, now())
			})
		return err
	}
	totals := f.totals()
	for _, start := range []time.Time{date(2026, 7, 20), date(2026, 8, 10), date(2026, 8, 10).Add(12 * time.Hour)} {
		wantFailure(t, try("alice", start), failure.Conflict, "usage of alice would move", "2026-08 is archived",
			"usage_archived [{file usage-2026-08.jsonl.gz}]")
	}
	if f.totals() != totals || f.account("alice").Subscription != nil {
		t.Error("something has changed")
	}
	f.must(try("alice", date(2026, 8, 11))) // after all that is archived
	f.must(try("bob", date(2026, 7, 20)))   // who has nothing there
	f.mustReconcile(2, 1)
	f.change("alice", now(), func(a plan.Account) (plan.Change, error) { return a.ChangePlan(f.plan("Open"), now()) })
	f.mustReconcile(2, 1)
}

func archiveReconcile(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	f.archive(august)
	f.archive(july())
	totals := f.totals()
	for _, table := range []string{"usage_summaries", "usage_daily"} {
		f.exec("DELETE FROM " + table + " WHERE user_id = 'alice'")
		f.exec("UPDATE " + table + " SET calls = calls + 1 WHERE user_id = 'bob'")
		r, err := f.db.Reconcile(f.ctx, true)
		f.must(err)
		if len(r.Discrepancies) == 0 || !r.Repaired || f.totals() != totals {
			t.Errorf("%s: repaired %t, %d discrepancies", table, r.Repaired, len(r.Discrepancies))
		}
	}
	f.mustReconcile(20, 40)
	f.exec("UPDATE usage_archived_totals SET cost_pico = cost_pico + 1 WHERE user_id = 'bob' AND month = 202608")
	r, err := f.db.Reconcile(f.ctx, false)
	f.must(err)
	if len(r.Discrepancies) == 0 {
		t.Error("archived totals that were changed are not found")
	}
}

func july() plan.Month { return 202607 }

func archiveRerate(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	a := f.archive(august)
	f.must(f.addPrice("mistral", "default", date(2026, 1, 1), 5, 5, 5))
	r, err := usage.Rerate(f.ctx, f.db, now(), time.Time{}, time.Time{}, true)
	f.must(err)
	if r.Archived != 1 || r.Changed == 0 || r.Read != 40 {
		t.Errorf("the result is %+v", r)
	}
	r, err = usage.Rerate(f.ctx, f.db, now(), date(2026, 9, 1), time.Time{}, false)
	f.must(err)
	if r.Archived != 0 {
		t.Errorf("%d archived months in an interval after them", r.Archived)
	}
	f.mustReconcile(40, 20)
	f.must(f.restore(a))
	if r, err = usage.Rerate(f.ctx, f.db, now(), time.Time{}, time.Time{}, true); err != nil || r.Changed == 0 ||
		r.Archived != 0 {
		t.Errorf("after the restore: %+v, %v", r, err)
	}
	f.mustAgree()
}

func restoreRefuses(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	a := f.archive(august)
	log, totals := f.logs(), f.totals()
	unchanged := func(what string) {
		t.Helper()
		if fmt.Sprint(f.logs()) != fmt.Sprint(log) || f.totals() != totals || f.count("usage_archives") != 1 {
			t.Errorf("%s: something has changed", what)
		}
		f.mustReconcile(int64(len(log)), 20)
	}
	other := a.Archive
	other.SHA256 = strings.Repeat("0", 64)
	wantFailure(t, f.db.Restore(f.ctx, f.audit("usage restore"), other, a.rows()), failure.Conflict,
		"no longer archived in")
	unchanged("another file")
	file, err := os.ReadFile(a.path)
	f.must(err)
	damaged := func(content []byte) iter.Seq2[usage.Entry, error] {
		path := filepath.Join(t.TempDir(), "damaged.gz")
		f.must(os.WriteFile(path, content, 0o600))
		return usage.ReadArchived(path)
	}
	for name, damage := range map[string]func([]usage.Entry) []usage.Entry{
		"a row less":       func(rows []usage.Entry) []usage.Entry { return rows[1:] },
		"another cost":     func(rows []usage.Entry) []usage.Entry { rows[3].Cost++; return rows },
		"another month":    func(rows []usage.Entry) []usage.Entry { rows[3].Time = date(2026, 9, 1); return rows },
		"an error":         func(rows []usage.Entry) []usage.Entry { return append(rows, usage.Entry{}) },
		"a damaged file":   nil,
		"a truncated file": nil,
	} {
		var broken iter.Seq2[usage.Entry, error]
		switch {
		case damage != nil:
			rows := damage(collect(t, a))
			broken = func(yield func(usage.Entry, error) bool) {
				for i, e := range rows {
					if e.ID == "" && !yield(e, failure.Conflictf("no more")) || e.ID != "" && !yield(rows[i], nil) {
						return
					}
				}
			}
		case name == "a damaged file":
			content := slices.Clone(file)
			content[len(content)/2] ^= 0xff
			broken = damaged(content)
		default:
			broken = damaged(file[:len(file)-9])
		}
		err := f.db.Restore(f.ctx, f.audit("usage restore"), a.Archive, broken)
		if !failure.Is(err, failure.Conflict) && !failure.Is(err, failure.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		unchanged(name)
	}
	taken := call("e1", "carol", now(), 1, 1) // of August
	f.record(taken)
	log, totals = f.logs(), f.totals()
	wantFailure(t, f.restore(a), failure.Conflict, `"e1"`, "recorded again")
	unchanged("an id that was used again")
}

// Another database with the same prices and plans makes the same of the file.
func archiveImported(t *testing.T, p Place) {
	f := seeded(t, p)
	for i := range 50 {
		e := call(fmt.Sprint("e", i), fmt.Sprint("user", i%3), date(2026, 8, 1+i%31), int64(i)*777, 9)
		e.StatusCode = []int{200, 200, 429}[i%3]
		f.record(e)
	}
	log, totals := f.logs(), f.totals()
	a := f.archive(august)
	file, err := os.Open(a.path)
	f.must(err)
	defer file.Close()
	text, err := gzip.NewReader(file)
	f.must(err)
	elsewhere := seeded(t, SQLite(t))
	r, err := elsewhere.service.Import(f.ctx, now(), text, usage.ImportOptions{Format: usage.JSONLines})
	f.must(err)
	if r.Recorded != 50 || len(r.Unread) != 0 || r.Cost.Cmp(a.Cost) != 0 {
		t.Errorf("the import: %+v", r)
	}
	got := elsewhere.logs()
	for i := range got { // the ids of plans and prices are the databases' own
		got[i].PlanID, got[i].PriceID = log[i].PlanID, log[i].PriceID
	}
	wantEqual(t, "the log", got, log)
	if p.Kind == db.SQLite && elsewhere.totals() != totals {
		t.Errorf("the totals are %s\nwant %s", elsewhere.totals(), totals)
	}
	elsewhere.mustAgree()
}

// Months before 2000 and from 2100 on, which no real call is from, stay in the log.
func archivePast(t *testing.T, p Place) {
	f := seeded(t, p)
	for i, at := range []time.Time{date(2099, 12, 31), date(2100, 1, 1)} {
		_, err := f.service.Record(f.ctx, now(), call(fmt.Sprint("new", i), "alice", at, 1, 1),
			usage.RecordOptions{AllowFuture: true})
		f.must(err)
	}
	var old []usage.Entry // such as were recorded when nothing refused them
	for i, at := range []time.Time{date(1971, 5, 31), date(1999, 12, 31), date(2000, 1, 1)} {
		e := f.logs()[0]
		e.ID, e.Time, e.PeriodStart = fmt.Sprint("old", i), at, date(at.Year(), at.Month(), 1)
		old = append(old, e)
	}
	f.must(f.db.Update(f.ctx, []string{"alice"}, now(), func(tx usage.Tx) error {
		return tx.Write(f.ctx, usage.Changes{Entries: old})
	}))
	months, err := f.db.Months(f.ctx, date(2200, 1, 1))
	f.must(err)
	if len(months) != 2 || months[0].Month != 200001 || months[1].Month != 209912 {
		t.Errorf("the months are %+v", months)
	}
	for _, month := range []plan.Month{197105, 199912, 210001} {
		_, err := f.tryArchive(f.db, month, func(int) {})
		wantFailure(t, err, failure.Conflict, "only those from 2000 to 2099 can")
	}
	log := f.logs()
	for _, m := range months {
		f.must(f.restore(f.archive(m.Month)))
	}
	wantEqual(t, "the log", f.logs(), log)
	f.mustAgree()
}

// Months are archived in any order, and everything adds up all the time.
func archiveManyMonths(t *testing.T, p Place) {
	f := seeded(t, p)
	for i := range 120 {
		f.record(call(fmt.Sprint("e", i), fmt.Sprint("user", i%4), date(2025, time.Month(1+i%12), 1+i/5), int64(i), 1))
	}
	log, totals := f.logs(), f.totals()
	random := rand.New(rand.NewPCG(3, 4))
	there := map[plan.Month]archived{}
	for range 30 {
		month := plan.Month(202501 + random.IntN(12))
		if a, ok := there[month]; ok {
			f.must(f.restore(a))
			delete(there, month)
		} else {
			there[month] = f.archive(month)
		}
		f.mustReconcile(120-int64(len(there))*10, int64(len(there))*10)
	}
	for _, a := range there {
		f.must(f.restore(a))
	}
	wantEqual(t, "the log", f.logs(), log)
	if f.totals() != totals {
		t.Error("the totals have changed")
	}
}
