package usage

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

func TestArchiveFile(t *testing.T) {
	if name := ArchiveFile(202612); name != "usage-2026-12.jsonl.gz" {
		t.Error(name)
	}
}

// pack writes entries as an archived month.
func pack(t rapid.TB, entries []Entry) ([]byte, monthFile) {
	var file bytes.Buffer
	month := monthFile{}
	err := month.pack(&file, func(fn func(*Entry) error) error {
		for i := range entries {
			if err := fn(&entries[i]); err != nil {
				return err
			}
		}
		return nil
	}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes(), month
}

func unpack(file []byte) (entries []Entry, failed error) {
	readArchived(bytes.NewReader(file), func(e Entry, err error) bool {
		if failed = err; err == nil {
			entries = append(entries, e)
		}
		return err == nil
	})
	return entries, failed
}

// Whatever is recorded comes back as it was, and an import reads the same event.
func TestArchivedRowsComeBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		entries := rapid.SliceOfN(rapid.Custom(anyEntry), 1, 5).Draw(rt, "entries")
		file, month := pack(rt, entries)
		got, err := unpack(file)
		if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", entries) {
			rt.Fatalf("%v\n got %#v\nwant %#v", err, got, entries)
		}
		cost := pricing.Total{}
		for _, e := range entries {
			cost = cost.Add(pricing.TotalOf(e.Cost))
		}
		archive, last := month.archive, entries[len(entries)-1].Time
		if archive.Rows != int64(len(entries)) || archive.Cost.Cmp(cost) != 0 || !month.first.Equal(entries[0].Time) ||
			!month.last.Equal(last) {
			rt.Errorf("the content is %+v, costing %s", month, archive.Cost)
		}
		imported(rt, file, entries)
	})
}

// imported checks that an import reads the same events, and nothing that it does not know.
func imported(t rapid.TB, file []byte, entries []Entry) {
	text, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	reader := newJSONLReader(newLineReader(text, io.Discard), newEventReader())
	for _, e := range entries {
		row, err := reader.next()
		if err != nil || row.err != nil || fmt.Sprintf("%#v", row.event) != fmt.Sprintf("%#v", e.Event) {
			t.Errorf("read %#v, %v, %v\nwant %#v", row.event, row.err, err, e.Event)
		}
	}
	if len(reader.events.unread) != 0 {
		t.Errorf("not read: %v", reader.events.unread)
	}
}

func anyEntry(t *rapid.T) Entry {
	text := rapid.StringOf(rapid.OneOf(rapid.Rune(),
		rapid.SampledFrom([]rune("\"\\\n\t<>&\u2028\u2029\ufffd/")))).
		Filter(func(s string) bool { return !strings.ContainsAny(s, "\x00\r") })
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(0, 221_800_000_000_000_000).Draw(t, "microseconds")).UTC()
	})
	count := rapid.Int64Range(0, pricing.MaxQuantity)
	e := Entry{PeriodStart: moment.Draw(t, "period"), PlanID: rapid.Int64Min(1).Draw(t, "plan"),
		Cost:    pricing.USD(rapid.Int64Min(0).Draw(t, "cost")),
		Basis:   rapid.SampledFrom([]pricing.Basis{pricing.Exact, pricing.Default, pricing.Unpriced}).Draw(t, "basis"),
		PriceID: rapid.Int64Min(0).Draw(t, "price"), RecordedAt: moment.Draw(t, "recorded")}
	e.Event = Event{ID: text.Draw(t, "id") + "i", UserID: text.Draw(t, "user") + "u", Provider: "exa",
		Model: text.Draw(t, "model"), Vendor: rapid.SampledFrom([]string{"", "exa"}).Draw(t, "vendor"),
		Time: moment.Draw(t, "time"), Endpoint: text.Draw(t, "endpoint"), Method: rapid.SampledFrom([]string{"",
			"GET"}).Draw(t, "method"), StatusCode: rapid.IntRange(100, 599).Draw(t, "status"),
		ResponseTimeMS: count.Draw(t, "ms"), ErrorMessage: text.Draw(t, "message"), RetryCount: count.Draw(t, "retries"),
		Billable: rapid.Bool().Draw(t, "billable")}
	for i := range e.Quantities {
		e.Quantities[i] = count.Draw(t, "quantity")
	}
	e.ServiceTier = rapid.SampledFrom([]string{"", "batch"}).Draw(t, "tier")
	if e.Reported.Given = rapid.Bool().Draw(t, "reports"); e.Reported.Given {
		e.Reported.USD = pricing.USD(rapid.Int64Range(0, int64(pricing.MostReported)).Draw(t, "reported"))
	}
	return e
}

func TestArchivedCostMayBeLarge(t *testing.T) {
	_, month := pack(t, []Entry{{Cost: math.MaxInt64}, {Cost: math.MaxInt64}, {Cost: 2}})
	if got := month.archive.Cost.String(); got != "18446744.073709551616" {
		t.Error(got)
	}
}

func TestWhatIsNoArchive(t *testing.T) {
	good, _ := pack(t, []Entry{{Event: Event{ID: "a"}}, {Event: Event{ID: "b"}}})
	var other bytes.Buffer
	packed := gzip.NewWriter(&other)
	fmt.Fprintln(packed, "no JSON")
	packed.Close()
	for name, file := range map[string][]byte{
		"nothing": nil, "text": []byte("{}"), "a half": good[:len(good)/2], "a missing end": good[:len(good)-1],
		"no JSON": other.Bytes(),
	} {
		if _, err := unpack(file); !failure.Is(err, failure.Invalid) || !strings.Contains(err.Error(),
			"no archived month, or is damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
