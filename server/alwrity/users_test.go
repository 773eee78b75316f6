package alwrity_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

// town is a server with every kind of user, each of whom has a token.
type town struct {
	*servertest.Fixture
	tokens map[string]string
}

// The kinds of users, by their ids.
const (
	newcomer  = "never seen 新"
	free      = "free"
	paid      = "paid"
	full      = "over-a-limit"
	suspended = "suspended"
	cancelled = "cancelled"
	expired   = "expired"
	pastDue   = "past-due"
	odd       = "on-an-odd-plan"
	oddFree   = "on-an-odd-free-plan"
	yearly    = "by-the-year@example.com"
	boundless = "on-enterprise"
)

const oddPlans = `
plans:
  - name: Starter
    tier: starter
    monthly: 9
    yearly: 90
    description: ""
    features: []
    limits:
      gemini_calls: 100
      all_tokens: {max: 5000, meter: tokens}
  - name: Staff
    tier: staff
    monthly: 0
    yearly: 0
    description: For us
    features: [everything]
    limits:
      gemini_calls: unlimited
      video_calls: 0
`

func newTown(t *testing.T, f *servertest.Fixture) town {
	d := town{f, map[string]string{}}
	d.addPlans(oddPlans)
	const day = 24 * time.Hour
	f.Wait(-64 * day) // September 20
	d.subscribe(pastDue, "basic", plan.Monthly, true)
	d.subscribe(expired, "pro", plan.Monthly, false)
	d.subscribe(yearly, "pro", plan.Yearly, true)
	f.Wait(time.Hour)
	d.use(pastDue, "gemini", "gemini-2.5-flash", 3, 200)
	d.use(yearly, "openai", "gpt-4o", 2, 200)
	f.Wait(31 * day) // October 21: their first periods have ended
	_, err := f.Billing.Close(f.Context(), f.Now(), billing.CloseOptions{})
	f.Must(err)
	f.Wait(13 * day) // November 3
	for user, name := range map[string]string{paid: "basic", full: "basic", suspended: "basic", cancelled: "pro",
		odd: "starter", oddFree: "staff", boundless: "enterprise"} {
		d.subscribe(user, name, plan.Monthly, true)
	}
	f.Wait(10 * day) // November 13: the bills were due
	for _, user := range []string{free, paid, suspended, cancelled, odd, oddFree, yearly, boundless} {
		d.use(user, "gemini", "gemini-2.5-flash", 4, 200)
		d.use(user, "gemini", "gemini-2.5-flash", 1, 429)
	}
	d.use(paid, "huggingface", "openai/gpt-oss-120b:groq", 2, 200)
	d.use(paid, "mistral", "mistral-small-latest", 1, 200)
	d.use(full, "video", "wan-2.5", 10, 200)
	d.use(full, "stability", "stable-diffusion-xl", 24, 200)
	f.Wait(10*day - time.Hour) // November 23 again
	audit := usage.Audit{At: f.Now(), Actor: "test", Action: "test"}
	_, err = f.Billing.Suspend(f.Context(), audit, suspended)
	f.Must(err)
	_, err = f.Billing.Cancel(f.Context(), audit, cancelled, false)
	f.Must(err)
	for _, user := range d.users() {
		d.tokens[user] = f.Token(user)
	}
	return d
}

func (d town) users() []string {
	return []string{newcomer, free, paid, full, suspended, cancelled, expired, pastDue, odd, oddFree, yearly, boundless}
}

func (d town) addPlans(text string) {
	have, _, err := d.Catalogue.Plans(d.Context(), d.Now(), d.Now())
	d.Must(err)
	file := catalogue.File{Name: "plans.yaml", Text: []byte(have.YAML() + strings.TrimPrefix(text, "\nplans:\n"))}
	diffs, err := d.Catalogue.DiffPlans(d.Context(), d.Now(), file)
	d.Must(err)
	audit := usage.Audit{At: d.Now(), Actor: "test", Action: "plans apply"}
	d.Must(d.Catalogue.ApplyPlans(d.Context(), audit, file, diffs))
}

func (d town) subscribe(user, name string, cycle plan.Cycle, renews bool) {
	_, err := d.Billing.Subscribe(d.Context(), usage.Audit{At: d.Now(), Actor: "test", Action: "users subscribe"}, user,
		billing.Order{Plan: name, Cycle: cycle, AutoRenew: renews})
	d.Must(err)
}

// use records some calls of a user, one after the other.
func (d town) use(user, provider, model string, calls, code int) {
	for n := range calls {
		_, err := d.Usage.Record(d.Context(), d.Now(), usage.Event{UserID: user, Provider: provider, Model: model,
			Quantities: pricing.Quantities{pricing.Requests: 1, pricing.InputTokens: 1000, pricing.OutputTokens: 100},
			StatusCode: code, ResponseTimeMS: int64(1000 + n), Time: d.Now().Add(-time.Duration(n) * time.Second)},
			usage.RecordOptions{})
		d.Must(err)
	}
}

// ask makes a request of a user, whose id takes the place of USER in the path.
func (d town) ask(user, method, path, body string) servertest.Answer {
	d.Helper()
	return d.Ask(method, "/api/subscription"+strings.ReplaceAll(path, "USER", url.PathEscape(user)), d.tokens[user], body)
}
