package usage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// memory is a store of maps: quick, and without a past.
type memory struct {
	usage.Tx
	one     sync.Mutex // of those who update
	load    usage.Load
	entries map[string]usage.Entry
	written []string // ids, by the transaction that is under way
	commits int
	fail    error
	spoilt  string // the id of an event that lets a transaction fail in the end
}

func newMemory() *memory {
	return &memory{entries: map[string]usage.Entry{}, load: usage.Load{Rows: 5_000}}
}

func (m *memory) Update(ctx context.Context, _ []string, _ time.Time, fn func(usage.Tx) error) error {
	if ctx.Err() != nil || m.fail != nil {
		return errors.Join(ctx.Err(), m.fail)
	}
	m.one.Lock()
	defer m.one.Unlock()
	m.commits++
	m.written = nil
	err := fn(m)
	if err != nil {
		for _, id := range m.written {
			delete(m.entries, id)
		}
	}
	return err
}

func (m *memory) Load() usage.Load { return m.load }

func (m *memory) View(_ context.Context, fn func(usage.Reader) error) error { return fn(m) }

func (m *memory) Book(context.Context, string) (*pricing.Book, error) {
	p := pricing.Price{Provider: "gemini", Model: pricing.DefaultModel}
	p.Rates[pricing.Requests] = 1
	return pricing.NewBook(pricing.Providers{"gemini": {Name: "gemini", Vendor: "google"},
		"openai": {Name: "openai", Vendor: "openai"}}, []pricing.Price{p}), nil
}

func (m *memory) Accounts(_ context.Context, users []string) (map[string]plan.Account, error) {
	accounts := map[string]plan.Account{}
	for _, user := range users {
		accounts[user] = plan.Account{UserID: user, Plans: plan.Plans{{ID: 1, Name: "Free", Tier: plan.DefaultTier}}}
	}
	return accounts, nil
}

func (m *memory) Totals(context.Context, []usage.PeriodKey) (map[usage.PeriodKey][]usage.ProviderUsage, error) {
	return nil, nil
}

func (m *memory) Held(context.Context, []string, time.Time) (map[string][]usage.Reservation, error) {
	return nil, nil
}

func (m *memory) Entries(_ context.Context, ids []string) (map[string]usage.Entry, error) {
	found := map[string]usage.Entry{}
	for _, id := range ids {
		if e, ok := m.entries[id]; ok {
			found[id] = e
		}
	}
	return found, nil
}

func (m *memory) Assume(ctx context.Context, fn func(usage.Tx) error) error {
	return m.Update(ctx, nil, time.Time{}, fn)
}

func (m *memory) CatalogueVersion(context.Context) (int64, error) { return 1, nil }

func (m *memory) LockUsers(_ context.Context, users []string, _ time.Time, _ usage.Writer, _ bool) (usage.Locked,
	error) {
	return usage.Locked{Changed: users}, nil // others change them all the time
}

func (m *memory) ArchivedMonths(context.Context) (map[plan.Month]string, error) {
	return map[plan.Month]string{197512: "usage-1975-12.jsonl.gz"}, nil
}

func (m *memory) Write(_ context.Context, c usage.Changes) error {
	if c.Assumed != nil {
		return usage.ErrOutdated
	}
	for _, e := range c.Entries {
		m.entries[e.ID] = e
		m.written = append(m.written, e.ID)
	}
	if !c.Continues && slices.Contains(m.written, m.spoilt) {
		return failure.Invalidf("a sum would be too large")
	}
	return nil
}

func (m *memory) AddAlerts(_ context.Context, alerts []usage.Alert) (int, error) {
	return len(alerts), nil
}
func (m *memory) AddNotifications(context.Context, []usage.Notification) error { return nil }

func at() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

func importText(t *testing.T, m *memory, format usage.FileFormat, text string) (usage.ImportResult, string) {
	t.Helper()
	var rejects bytes.Buffer
	service := usage.Service{Store: m}
	r, err := service.Import(t.Context(), at(), strings.NewReader(text), usage.ImportOptions{Time: at(), Format: format,
		Rejects: &rejects})
	if err != nil {
		t.Fatal(err)
	}
	return r, rejects.String()
}

func counts(r usage.ImportResult) string {
	return fmt.Sprintf("%d read, %d recorded, %d duplicates, %d rejected, %d conflicts, %d unpriced", r.Read, r.Recorded,
		r.Duplicates, r.Rejected, r.Conflicts, r.Unpriced)
}

func wantCounts(t *testing.T, r usage.ImportResult, want string) {
	t.Helper()
	if got := counts(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Rows without an id get one of their content and its occurrence in the file.
func TestImportRowsWithoutID(t *testing.T) {
	m := newMemory()
	const text = "user_id,provider,images\nalice,gemini,1\nalice,gemini,1\nalice,gemini,2\nalice,Gemini,1\n"
	first, _ := importText(t, m, usage.CSV, text)
	wantCounts(t, first, "4 read, 4 recorded, 0 duplicates, 0 rejected, 0 conflicts, 0 unpriced")
	again, _ := importText(t, m, usage.CSV, text)
	wantCounts(t, again, "4 read, 0 recorded, 4 duplicates, 0 rejected, 0 conflicts, 0 unpriced")
	more, _ := importText(t, m, usage.CSV, text+"alice,gemini,1\n")
	wantCounts(t, more, "5 read, 1 recorded, 4 duplicates, 0 rejected, 0 conflicts, 0 unpriced")
	// The same rows as JSON, in another order, are the same events.
	other, _ := importText(t, m, usage.JSONLines,
		`{"images":2,"provider":"gemini","user_id":"alice"}`+"\n"+
			`{"images":"1","user_id":"alice","provider":"gemini","requests":1}`)
	wantCounts(t, other, "2 read, 0 recorded, 2 duplicates, 0 rejected, 0 conflicts, 0 unpriced")
}

// However many rows share a transaction: nothing of one part is left in the next, whose memory it is, a row that is
// there twice is found, however far apart the two are, one that spoils a transaction is rejected alone, and the rejects
// are the bad rows as they stood.
func TestImportInParts(t *testing.T) {
	const rows = 40_000
	var text, bad strings.Builder
	want := map[string]int{} // by id, the row that is recorded
	conflicts := 0
	for i := range rows {
		provider, id := "gemini", fmt.Sprint("e", i)
		if i%701 == 0 {
			provider = "gemni"
		}
		if i >= 1_000 && i%997 == 0 { // of the same part, the one before, or one of those before that
			id = fmt.Sprint("e", i-1_000*(1+i%(i/1_000)))
		}
		line := fmt.Sprintf(`{"id":"%s","user_id":"user%d","provider":"%s","requests":%d}`+"\n", id, i%50, provider, 1+i%97)
		text.WriteString(line)
		_, taken := want[id]
		switch {
		case provider != "gemini" || i == 30_001:
			bad.WriteString(line)
		case taken:
			bad.WriteString(line)
			conflicts++
		default:
			want[id] = i
		}
	}
	for name, load := range map[string]usage.Load{
		"one part": {Rows: 5_000}, "parts": {Rows: 20_000}, "parts that come meanwhile": {Rows: 30_000, GoesOn: true},
		"two recorders": {Rows: 10_000, Writers: 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			m.load, m.spoilt = load, "e30001"
			r, rejects := importText(t, m, usage.JSONLines, text.String())
			wantCounts(t, r, fmt.Sprintf("%d read, %d recorded, 0 duplicates, %d rejected, %d conflicts, 0 unpriced",
				rows, len(want), rows-len(want)-conflicts, conflicts))
			if rejects != bad.String() {
				t.Errorf("the rejects are\n%swant\n%s", rejects, bad.String())
			}
			var cost pricing.USD
			for id, i := range want {
				e := m.entries[id]
				if e.UserID != fmt.Sprint("user", i%50) || e.Quantities[pricing.Requests] != int64(1+i%97) {
					t.Fatalf("the event %s of row %d is %+v", id, i, e)
				}
				cost += e.Cost
			}
			if len(m.entries) != len(want) {
				t.Errorf("%d events are recorded, want %d", len(m.entries), len(want))
			}
			if r.Cost.String() != pricing.TotalOf(cost).String() {
				t.Errorf("the result says %s, the log %s", r.Cost, pricing.TotalOf(cost))
			}
		})
	}
}

// The rejects can be mended and imported; together with what was recorded they are the whole file.
func TestImportRejects(t *testing.T) {
	m := newMemory()
	r, rejects := importText(t, m, usage.CSV,
		"user_id,provider,requests\nalice,gemini,1\nbob,gemni,1\n,gemini,1\ncarol,gemini,many\n"+
			"\"dave,gemini,1\nerin,gemini,1\n")
	wantCounts(t, r, "6 read, 2 recorded, 0 duplicates, 4 rejected, 0 conflicts, 0 unpriced")
	if want := "user_id,provider,requests\nbob,gemni,1\n,gemini,1\ncarol,gemini,many\n\"dave,gemini,1\n"; rejects != want {
		t.Errorf("the rejects are\n%swant\n%s", rejects, want)
	}
	if len(r.Problems) != 4 || r.Problems[0].Line != 3 || !strings.Contains(r.Problems[0].Reason, "did you mean gemini?") {
		t.Errorf("the problems are %+v", r.Problems)
	}
	mended := strings.NewReplacer("gemni", "gemini", ",gemini,1\nc", "x,gemini,1\nc", "many", "2", `"dave`,
		"dave").Replace(rejects)
	r, rejects = importText(t, m, usage.CSV, mended)
	wantCounts(t, r, "4 read, 4 recorded, 0 duplicates, 0 rejected, 0 conflicts, 0 unpriced")
	if rejects != "" {
		t.Errorf("the rejects are %q", rejects)
	}
}

func TestImportShowsTheFirstProblems(t *testing.T) {
	r, rejects := importText(t, newMemory(), usage.JSONLines, strings.Repeat("x\n", 25))
	wantCounts(t, r, "25 read, 0 recorded, 0 duplicates, 25 rejected, 0 conflicts, 0 unpriced")
	if len(r.Problems) != 10 || strings.Count(rejects, "x\n") != 25 {
		t.Errorf("%d problems, rejects %q", len(r.Problems), rejects)
	}
}

func TestImportVeryLongLine(t *testing.T) {
	long := `{"user_id":"` + strings.Repeat("x", 3<<20) + `"}`
	const good = `{"user_id":"alice","provider":"gemini"}`
	r, rejects := importText(t, newMemory(), usage.JSONLines, good+"\n"+long+"\nx\n"+good+"\n")
	wantCounts(t, r, "4 read, 2 recorded, 0 duplicates, 2 rejected, 0 conflicts, 0 unpriced")
	if rejects != long+"\nx\n" {
		t.Errorf("the rejects have %d bytes, want %d", len(rejects), len(long)+3)
	}
}

func TestImportStrict(t *testing.T) {
	const text = `{"user_id":"alice","provider":"openai","model":"x"}`
	for strict, want := range map[bool]string{
		false: "1 read, 1 recorded, 0 duplicates, 0 rejected, 0 conflicts, 1 unpriced", true: "1 read, 0 recorded, 0 " +
			"duplicates, 1 rejected, 0 conflicts, 0 unpriced",
	} {
		service := usage.Service{Store: newMemory()}
		r, err := service.Import(t.Context(), at(), strings.NewReader(text),
			usage.ImportOptions{Time: at(), Format: usage.JSONLines, Strict: strict})
		if err != nil {
			t.Fatal(err)
		}
		wantCounts(t, r, want)
	}
}

// Interrupted, it has recorded whole batches, and goes on when it is run again.
func TestImportInterrupted(t *testing.T) {
	const rows = 10_300
	var text strings.Builder
	for i := range rows {
		fmt.Fprintf(&text, "{\"user_id\":\"u%d\",\"provider\":\"gemini\"}\n", i%3)
	}
	m := newMemory()
	service := usage.Service{Store: m}
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	r, err := service.Import(ctx, at(), strings.NewReader(text.String()),
		usage.ImportOptions{Time: at(), Format: usage.JSONLines, Progress: func(rows int) {
			done += rows
			cancel()
		}})
	if !errors.Is(err, context.Canceled) || r.Recorded == 0 || r.Recorded == rows || int64(done) != r.Recorded ||
		len(m.entries) != done {
		t.Fatalf("interrupted: %s, %d done, %d there, %v", counts(r), done, len(m.entries), err)
	}
	again, _ := importText(t, m, usage.JSONLines, text.String())
	if again.Recorded+r.Recorded != rows || again.Duplicates != r.Recorded || len(m.entries) != rows {
		t.Errorf("again: %s", counts(again))
	}
}

func TestImportFails(t *testing.T) {
	const good = "{\"user_id\":\"alice\",\"provider\":\"gemini\"}\n"
	boom := errors.New("boom")
	service := usage.Service{Store: newMemory()}
	_, err := service.Import(t.Context(), at(), io.MultiReader(strings.NewReader(good), iotest.ErrReader(boom)),
		usage.ImportOptions{Time: at(), Format: usage.JSONLines})
	wantFailure(t, err, failure.Unavailable, "after 1 rows", "boom")
	_, err = service.Import(t.Context(), at(), strings.NewReader("x\n"),
		usage.ImportOptions{Time: at(), Format: usage.JSONLines, Rejects: failingWriter{}})
	wantFailure(t, err, failure.Unavailable, "rejects file")
	m := newMemory()
	r, err := (&usage.Service{Store: m}).Import(t.Context(), at(), strings.NewReader("x\n"+good+"y\n"+good),
		usage.ImportOptions{Time: at(), Format: usage.JSONLines, Rejects: failingWriter{}})
	wantFailure(t, err, failure.Unavailable, "rejects file")
	if r.Recorded != int64(len(m.entries)) || r.Recorded != 2 {
		t.Errorf("%d are recorded, and the result is %s", len(m.entries), counts(r))
	}
	broken := newMemory()
	broken.fail = failure.Unavailablef("the database is gone")
	r, err = (&usage.Service{Store: broken}).Import(t.Context(), at(), strings.NewReader(good),
		usage.ImportOptions{Time: at(), Format: usage.JSONLines})
	wantFailure(t, err, failure.Unavailable, "gone")
	if r.Recorded != 0 || r.Read != 1 {
		t.Errorf("the result is %s", counts(r))
	}
	_, err = service.Import(t.Context(), at(), strings.NewReader(""), usage.ImportOptions{Time: at(), Format: usage.CSV})
	wantFailure(t, err, failure.Invalid, "empty")
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestImportNamesUnreadFields(t *testing.T) {
	r, _ := importText(t, newMemory(), usage.CSV, "user_id,provider,Surprise,cost,other,pricing\n"+
		"a,gemini,1,2,,exact\nb,gemini,1,2,3,exact\n")
	if fmt.Sprint(r.Unread) != "[{Surprise 2} {other 1}]" {
		t.Errorf("unread are %v", r.Unread)
	}
}

// cutOnce is a store whose connection is cut once, when all of a file was read.
type cutOnce struct {
	*memory
	allRead chan struct{}
	once    sync.Once
}

func (c *cutOnce) Update(ctx context.Context, users []string, now time.Time, fn func(usage.Tx) error) error {
	cut := false
	c.once.Do(func() { cut = true })
	if cut {
		<-c.allRead
		return failure.Unavailablef("the connection was cut")
	}
	return c.memory.Update(ctx, users, now, fn)
}

// atEnd is a reader that tells when it has come to its end.
type atEnd struct {
	io.Reader
	told chan struct{}
	once sync.Once
}

func (r *atEnd) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil {
		r.once.Do(func() { close(r.told) })
	}
	return n, err
}

// Of a user's rows none is recorded before those that stand above it: they could not be put in their order again.
func TestImportRecordsNothingAfterWhatFailed(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	for i := range 15_000 {
		fmt.Fprintf(&file, `{"id":"e%d","user_id":"alice","provider":"gemini","time":"2026-11-01"}`+"\n", i)
	}
	store := &cutOnce{memory: newMemory(), allRead: make(chan struct{})}
	s := &usage.Service{Store: store}
	_, err := s.Import(t.Context(), time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC),
		&atEnd{Reader: strings.NewReader(file.String()), told: store.allRead}, usage.ImportOptions{Format: usage.JSONLines})
	if !failure.Is(err, failure.Unavailable) || !strings.Contains(err.Error(), "was cut") {
		t.Errorf("%v", err)
	}
	if n := len(store.entries); n != 0 {
		t.Errorf("%d rows are recorded", n)
	}
}
