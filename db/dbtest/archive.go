package dbtest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
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
		{"archive/a month that has changed stays", archiveChanged},
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
		{"races/recorders are at work in a month that is archived", raceArchive},
		{"races/two archive the same month", raceArchiveTwice},
	}
}

const august = usage.Month(202608)

// archived is a month as it was written.
type archived struct {
	usage.Archive
	file []byte
}

// write writes a month, as `usage archive` does.
func (f *fixture) write(month usage.Month) archived {
	f.Helper()
	a, err := f.tryWrite(f.db, month)
	f.must(err)
	return a
}

func (f *fixture) tryWrite(d *db.DB, month usage.Month) (archived, error) {
	var stamp int64
	a, err := writeRows(month, func(fn func(*usage.Entry) error) (err error) {
		stamp, err = d.MonthRows(f.ctx, month, fn)
		return err
	})
	a.Stamp = stamp
	return a, err
}

func writeRows(month usage.Month, rows usage.MonthRows) (archived, error) {
	var file bytes.Buffer
	packed := gzip.NewWriter(&file)
	content := usage.NewMonthContent()
	err := rows(func(e *usage.Entry) error {
		line, err := content.Line(e)
		if err == nil {
			_, err = packed.Write(line)
		}
		return err
	})
	if err = errors.Join(err, packed.Close()); err != nil {
		return archived{}, err
	}
	sum := sha256.Sum256(file.Bytes())
	return archived{usage.Archive{LogMonth: usage.LogMonth{Month: month, Rows: content.Rows, Cost: content.Cost()},
		File: month.FileName(), SHA256: hex.EncodeToString(sum[:]), Content: content.Sum(), At: now()}, file.Bytes()}, nil
}

// rows returns the rows of the file.
func (a archived) rows() iter.Seq2[usage.Entry, error] {
	return usage.ReadArchived(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(a.file)), nil })
}

// archive writes a month and takes it from the log.
func (f *fixture) archive(month usage.Month) archived {
	f.Helper()
	a := f.write(month)
	f.must(f.db.Archive(f.ctx, f.audit("usage archive"), a.Archive))
	return a
}

func (f *fixture) restore(a archived) error {
	return f.db.Restore(f.ctx, f.audit("usage restore"), a.Archive, a.rows())
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
		f.Errorf("reconcile counts %d log rows and %d archived, want %d and %d", r.LogRows, r.ArchivedRows, logRows, archivedRows)
	}
}

// varied records events of every kind in three months, 20 of each in August.
func (f *fixture) varied() {
	f.Helper()
	f.subscribe("alice", "Pro", date(2026, 7, 15), date(2026, 7, 15))
	for i := range 60 {
		at := date(2026, time.July+time.Month(i%3), 1+i/2).Add(time.Duration(i) * 12345678 * time.Microsecond)
		e := call(fmt.Sprint("e", i), []string{"alice", "bob", "ünï \"quoted\" \\ user"}[i/3%3], at, int64(i)*1000, int64(i%5))
		switch i / 3 % 7 {
		case 1:
			e.StatusCode, e.ErrorMessage = 503, "line\nbreak, \"quotes\"\tand \u2028 more"
		case 2:
			e.StatusCode, e.Billable, e.RetryCount = 500, true, 3
		case 3:
			e.Provider, e.Model = "mistral", "" // without a price
		case 4:
			e.Quantities = pricing.Quantities{0, 7, 6, 5, 4, 3, 2, 1, 9}
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
		if usage.MonthOf(e.Time) == august {
			t.Errorf("%s is in the log still", e.ID)
		}
	}
	archives, err := f.db.Archives(f.ctx)
	f.must(err)
	a.Content, a.Stamp = "", 0
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
	entries, err := f.db.Audit(f.ctx, 4)
	f.must(err)
	if len(entries) != 4 || entries[0].Action != "usage restore" || entries[1].Action != "usage archive" || !strings.Contains(entries[1].After, a.SHA256) {
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
func ofMonth(log []usage.Entry, month usage.Month) []usage.Entry {
	var entries []usage.Entry
	for _, e := range slices.Backward(log) {
		if usage.MonthOf(e.Time) == month {
			entries = append(entries, e)
		}
	}
	return entries
}

func archiveMonths(t *testing.T, p Place) {
	f := seeded(t, p)
	for i, at := range []time.Time{date(2026, 8, 1), date(2026, 9, 1).Add(-time.Microsecond), date(2026, 9, 1), date(2026, 11, 3)} {
		f.record(call(fmt.Sprint("e", i), "alice", at, 1_000_000, 1))
	}
	for before, want := range map[time.Time]string{
		date(2026, 8, 31): "[]", date(2026, 9, 1): "[2026-08 2]", date(2026, 9, 30): "[2026-08 2]",
		date(2026, 10, 1): "[2026-08 2 2026-09 1]", now(): "[2026-08 2 2026-09 1]", date(2026, 12, 1): "[2026-08 2 2026-09 1 2026-11 1]",
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
	for _, e := range []usage.Event{call("e1", "alice", date(2026, 8, 5), 1, 1), call("e3", "bob", date(2026, 8, 31), 1, 1)} {
		for _, opts := range []usage.RecordOptions{{}, {Enforce: true}} {
			_, err := f.service.Record(f.ctx, now(), e, opts)
			wantFailure(t, err, failure.Conflict, why, "usage restore usage-2026-08.jsonl.gz")
		}
	}
	_, err = f.service.Record(f.ctx, now(), usage.Event{Time: date(2026, 8, 7), StatusCode: 200, Quantities: tokens(1)}, usage.RecordOptions{Reservation: "r1"})
	wantFailure(t, err, failure.Conflict, why)
	_, err = f.service.Record(f.ctx, date(2026, 8, 9), call("e4", "alice", time.Time{}, 1, 1), usage.RecordOptions{}) // now is in it
	wantFailure(t, err, failure.Conflict, why)
	r, rejects := f.importText(usage.JSONLines, eventLine(call("e5", "carol", date(2026, 8, 1), 1, 1))+eventLine(call("e6", "carol", date(2026, 9, 1), 1, 1)))
	if r.Recorded != 1 || r.Conflicts != 1 || r.Rejected != 0 || !strings.Contains(rejects, `"e5"`) || len(r.Problems) != 1 || r.Problems[0].Reason != why {
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

// Whatever happens to a month after it was written, its rows stay in the log.
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
		a := f.write(august)
		change()
		log := f.logs()
		err := f.db.Archive(f.ctx, f.audit("usage archive"), a.Archive)
		wantFailure(t, err, failure.Conflict, "has changed while it was written", "run it again")
		if !errors.Is(err, usage.ErrMonthChanged) || fmt.Sprint(f.logs()) != fmt.Sprint(log) || f.count("usage_archives") != 0 {
			t.Errorf("%s: %v; the log has changed, or the month is archived", name, err)
		}
	}
	a := f.write(august)
	f.must(f.addPrice("gemini", "another", now(), 1, 1, 1)) // which has nothing to do with it
	f.must(f.db.Archive(f.ctx, f.audit("usage archive"), a.Archive))
	f.mustReconcile(40, 21)
}

func archiveTwice(t *testing.T, p Place) {
	f := seeded(t, p)
	f.varied()
	a := f.archive(august)
	wantFailure(t, f.db.Archive(f.ctx, f.audit("usage archive"), a.Archive), failure.Conflict, "archived in usage-2026-08.jsonl.gz already")
	none := f.write(202001)
	wantFailure(t, f.db.Archive(f.ctx, f.audit("usage archive"), none.Archive), failure.Conflict, "no rows of the month 2020-01")
	err := f.db.ArchiveClosed(f.ctx, f.audit("usage archive"), july(), func(usage.MonthRows) (usage.Archive, error) {
		return usage.Archive{}, failure.Unavailablef("the disk is full")
	})
	wantFailure(t, err, failure.Unavailable, "the disk is full")
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
		_, err := f.billing(f.db).ChangeSubscription(f.ctx, f.audit("users subscribe"), user, func(a plan.Account) (plan.Change, error) {
			return a.Subscribe(plan.Order{Plan: pro, Cycle: plan.Monthly, Start: start, AutoRenew: true}, now())
		})
		return err
	}
	totals := f.totals()
	for _, start := range []time.Time{date(2026, 7, 20), date(2026, 8, 10), date(2026, 8, 10).Add(12 * time.Hour)} {
		wantFailure(t, try("alice", start), failure.Conflict, "usage of alice would move", "2026-08 is archived", "usage restore usage-2026-08.jsonl.gz")
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

func july() usage.Month { return 202607 }

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
	if r, err = usage.Rerate(f.ctx, f.db, now(), time.Time{}, time.Time{}, true); err != nil || r.Changed == 0 || r.Archived != 0 {
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
	other := a
	other.SHA256 = strings.Repeat("0", 64)
	wantFailure(t, f.restore(other), failure.Conflict, "no longer archived in")
	unchanged("another file")
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
			damaged := archived{file: slices.Clone(a.file)}
			damaged.file[len(damaged.file)/2] ^= 0xff
			broken = damaged.rows()
		default:
			broken = archived{file: a.file[:len(a.file)-9]}.rows()
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
	text, err := gzip.NewReader(bytes.NewReader(a.file))
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

// Months before 2000 and from 2100 on share a partition, and leave it by themselves.
func archivePast(t *testing.T, p Place) {
	f := seeded(t, p)
	for i, at := range []time.Time{date(1971, 5, 31), date(1999, 11, 30), date(1999, 12, 1), date(1999, 12, 31), date(2000, 1, 1), date(2099, 12, 31), date(2100, 1, 1), date(2100, 2, 3)} {
		f.record(call(fmt.Sprint("e", i), "alice", at, 1, 1))
	}
	log, totals := f.logs(), f.totals()
	for month, rows := range map[usage.Month]int64{199912: 2, 210001: 1, 197105: 1, 209912: 1} {
		a := f.archive(month)
		f.mustReconcile(8-rows, rows)
		_, err := f.service.Record(f.ctx, now(), call("more", "bob", month.Start(), 1, 1), usage.RecordOptions{})
		wantFailure(t, err, failure.Conflict, "is archived in")
		f.must(f.restore(a))
		wantEqual(t, "the log", f.logs(), log)
	}
	if f.totals() != totals {
		t.Error("the totals have changed")
	}
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
	there := map[usage.Month]archived{}
	for range 30 {
		month := usage.Month(202501 + random.IntN(12))
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
