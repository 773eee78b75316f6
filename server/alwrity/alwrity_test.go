package alwrity_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/server/servertest"
)

// document is JSON that is looked into by paths such as "data.plan.id".
type document struct {
	testing.TB
	value any
}

func (d town) get(user, path string) document {
	d.Helper()
	a := d.ask(user, "GET", path, "")
	if a.StatusCode != 200 {
		d.Fatalf("%s GET %s: %s %s", user, path, a.Status, a.Text)
	}
	return d.read(a)
}

func (d town) read(a servertest.Answer) document {
	d.Helper()
	var value any
	reader := json.NewDecoder(strings.NewReader(a.Text))
	reader.UseNumber()
	if err := reader.Decode(&value); err != nil {
		d.Fatalf("%s: %s", err, a.Text)
	}
	return document{d.TB, value}
}

// at returns what is at a path; a number in it is a place in a list.
func (d document) at(path string) any {
	d.Helper()
	value := d.value
	for step := range strings.SplitSeq(path, ".") {
		switch in := value.(type) {
		case map[string]any:
			value = in[step]
		case []any:
			n := 0
			for _, c := range step {
				n = 10*n + int(c-'0')
			}
			if n >= len(in) {
				d.Fatalf("%s: the list has %d", path, len(in))
			}
			value = in[n]
		default:
			d.Fatalf("%s: there is nothing at %s", path, step)
		}
	}
	return value
}

// want compares what is at paths, each followed by what is expected, as JSON.
func (d document) want(pairs ...string) {
	d.Helper()
	for i := 0; i < len(pairs); i += 2 {
		got, err := json.Marshal(d.at(pairs[i]))
		if err != nil {
			d.Fatal(err)
		}
		if string(got) != pairs[i+1] {
			d.Errorf("%s is %s, want %s", pairs[i], got, pairs[i+1])
		}
	}
}

func TestKindsOfUsers(t *testing.T) {
	servertest.OnEach(t, func(t *testing.T, f *servertest.Fixture) {
		d := newTown(t, f)
		for _, tt := range []struct{ user, active, tier, reason, status, usage string }{
			{newcomer, "true", `"free"`, "null", "null", `"active"`},
			{free, "true", `"free"`, "null", "null", `"active"`},
			{paid, "true", `"basic"`, "null", `"active"`, `"active"`},
			{full, "true", `"basic"`, "null", `"active"`, `"limit_reached"`},
			{suspended, "false", `"basic"`, `"Subscription suspended"`, `"suspended"`, `"active"`},
			{cancelled, "false", `"pro"`, `"Subscription cancelled"`, `"cancelled"`, `"active"`},
			{expired, "false", `"pro"`, `"Subscription expired"`, `"cancelled"`, `"active"`},
			{pastDue, "true", `"basic"`, `"A bill is past due"`, `"past_due"`, `"active"`},
			{odd, "true", `"basic"`, "null", `"active"`, `"warning"`},
			{oddFree, "true", `"free"`, "null", `"active"`, `"active"`},
			{yearly, "true", `"pro"`, `"A bill is past due"`, `"past_due"`, `"active"`},
			{boundless, "true", `"enterprise"`, "null", `"active"`, `"active"`},
		} {
			t.Run(tt.user, func(t *testing.T) {
				d.TB = t
				d.get(tt.user, "/status/USER").want("success", "true", "data.active", tt.active, "data.can_use_api", tt.active,
					"data.plan", tt.tier, "data.tier", tt.tier, "data.reason", tt.reason)
				of := d.get(tt.user, "/user/USER/subscription")
				of.want("data.plan.tier", tt.tier)
				if tt.status == "null" {
					of.want("data.subscription", "null", "data.status", `"free"`, "data.plan.is_free", "true")
				} else {
					of.want("data.subscription.status", tt.status)
				}
				d.get(tt.user, "/dashboard/USER").want("data.current_period_usage.usage_status", tt.usage,
					"data.total_usage.usage_status", tt.usage, "data.limits.tier", tt.tier, "data.summary.usage_status", tt.usage)
			})
		}
	})
}
