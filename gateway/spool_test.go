package gateway

import (
	"fmt"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// What is replayed is what was written down, with the token that the call came with.
func TestSpoolKeepsTokens(t *testing.T) {
	spool := OpenSpool(t.TempDir())
	var want []usage.Event
	for _, token := range []int64{0, 7} {
		e := usage.Event{ID: fmt.Sprint("e", token), UserID: "alice", Provider: "gemini", Model: "gemini-2.5-flash",
			Time: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), StatusCode: 200,
			Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 5}, TokenID: token}
		if err := spool.Add(&e); err != nil {
			t.Fatal(err)
		}
		want = append(want, e)
	}
	var got []usage.Event
	done, refused, err := spool.Replay(func(e usage.Event) error {
		got = append(got, e)
		return nil
	})
	if err != nil || done != 2 || refused != 0 || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%d done, %d refused, %v:\n%+v\n%+v", done, refused, err, got, want)
	}
}
