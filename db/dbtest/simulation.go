package dbtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

func simulationTests() []test {
	return []test{
		{"simulation/pages of one user's log, oldest first", userLogPages},
		{"simulation/pages of users, and who used anything in a month", customerPages},
	}
}

func userLogPages(t *testing.T, p Place) {
	f := seeded(t, p)
	var want []usage.Entry
	for i := range 37 {
		e := bareEntry()
		e.ID, e.Time = fmt.Sprint("e", (i*17)%37),
			date(2026, 10, 30).AddDate(0, 0, i/12).Add(time.Duration(i/4)*time.Microsecond)
		other := e
		other.ID, other.UserID = "other-"+e.ID, e.UserID+"2"
		f.append(e, other)
		if i/12 > 0 && i/12 < 3 {
			want = append(want, e)
		}
	}
	for _, size := range []int{1, 5, 23, 24, 25} {
		var got []usage.Entry
		q := usage.UserLogQuery{User: want[0].UserID, From: date(2026, 10, 31), To: date(2026, 11, 2), Limit: size}
		for {
			page, err := f.db.UserLog(f.ctx, q)
			f.must(err)
			got = append(got, page...)
			if len(page) < size {
				break
			}
			q.AfterTime, q.AfterID = page[size-1].Time, page[size-1].ID
		}
		wantEqual(t, fmt.Sprint("pages of ", size), got, want)
	}
	_, err := f.db.UserLog(f.ctx, usage.UserLogQuery{User: "alice", To: now(), Limit: 5, AfterTime: want[0].Time,
		AfterID: "gone"})
	if !failure.Is(err, failure.Conflict) {
		t.Errorf("after a row that is gone: %v, want a conflict", err)
	}
}

func customerPages(t *testing.T, p Place) {
	f := seeded(t, p)
	f.subscribe("dora", "Pro", date(2026, 9, 15), now())
	for i, user := range []string{"anna", "bert", "Carl", "dora", "ünal"} {
		e := bareEntry().Event
		e.ID, e.UserID, e.Time = user, user, date(2026, 9, 30).AddDate(0, i%2, 0)
		f.record(e)
	}
	for _, size := range []int{1, 2, 5, 6} {
		got, after := "", ""
		for {
			page, err := f.db.Customers(f.ctx, 202610, after, size)
			f.must(err)
			for _, c := range page {
				current, err := c.Account.Account.PlanAt(now())
				f.must(err)
				got += fmt.Sprint(c.Account.Account.UserID, " ", current.Name, " ", c.Used, "; ")
				after = c.Account.Account.UserID
			}
			if len(page) < size {
				break
			}
		}
		wantEqual(t, fmt.Sprint("pages of ", size), got,
			"Carl Free false; anna Free false; bert Free true; dora Pro true; ünal Free false; ")
	}
}
