package pages_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/usage"
)

// The users of the demonstration, each in a state that a page has to show.
const (
	busy      = "maria.santos"
	fresh     = "newcomer"
	over      = "acme-agency"
	suspended = "late-payer"
	long      = "a-very-long-user-id-from-an-identity-provider|auth0|64f1c2d3e4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c9"
	arabic    = "شركة النور للتسويق 🚀"
	hostile   = `<script>alert(1)</script>"'>&`
)

// demo is a server with users in all states that pages have to show.
func demo(t testing.TB, options ...func(*server.Options)) *servertest.Fixture {
	f := servertest.New(t, dbtest.PreparedSQLite(t), options...)
	f.Services.Sender.Company = "Northwind AI"
	now := f.Now()
	f.Wait(now.AddDate(0, -2, -6).Truncate(24 * time.Hour).Sub(now))
	subscribe := func(user, tier string) {
		_, err := f.Billing.Subscribe(f.Context(), usage.Audit{At: f.Now(), Actor: "test", Action: "users subscribe"}, user,
			billing.Order{Plan: tier, Cycle: plan.Monthly, AutoRenew: true})
		f.Must(err)
	}
	for user, tier := range map[string]string{busy: "pro", over: "basic", suspended: "basic", long: "basic", arabic: "pro",
		hostile: "basic"} {
		subscribe(user, tier)
	}
	f.Wait(now.Sub(f.Now()))
	var rows strings.Builder
	for user, perDay := range map[string]int{busy: 190, over: 120, suspended: 3, long: 6, arabic: 40, hostile: 4} {
		writeCalls(&rows, user, perDay, now)
	}
	_, err := f.Usage.Import(f.Context(), now, strings.NewReader(rows.String()),
		usage.ImportOptions{Format: usage.JSONLines})
	f.Must(err)
	_, err = f.Billing.Close(f.Context(), now, billing.CloseOptions{})
	f.Must(err)
	_, err = f.Billing.Suspend(f.Context(), usage.Audit{At: now, Actor: "test", Action: "users suspend"}, suspended)
	f.Must(err)
	return f
}

// writeCalls writes calls of two months: fewer on weekends, more as time goes on, some of them failed.
func writeCalls(to *strings.Builder, user string, perDay int, now time.Time) {
	models := [][2]string{{"gemini", "gemini-2.5-flash"}, {"openai", "gpt-4o-mini"}, {"gemini", "gemini-2.5-pro"},
		{"anthropic", "claude-sonnet-4-5"}, {"gemini", "gemini-2.5-flash"}, {"exa", "exa-search"},
		{"tavily", "tavily-search"}, {"stability", "stable-image-core"}, {"mistral", "mistral-small-latest"},
		{"gemini", "gemini-2.5-flash-lite"}}
	if user == hostile {
		models = [][2]string{{"openai", `<img src=x onerror=alert(1)>`}}
	}
	for back := 62; back >= 0; back-- {
		date := now.AddDate(0, 0, -back).Truncate(24 * time.Hour)
		calls := perDay * (100 - back) / 100
		if w := date.Weekday(); w == time.Saturday || w == time.Sunday {
			calls /= 4
		}
		for i := range calls {
			at := date.Add(time.Duration((i * 7919 % 1320)) * time.Minute)
			if at.After(now) {
				continue
			}
			m := models[(i*i+back)%len(models)]
			status := 200
			message := ""
			if (i+back)%41 == 0 {
				status, message = 503, "the model is overloaded <b>try again</b>"
			}
			fmt.Fprintf(to, `{"user_id":%q,"provider":%q,"model":%q,"time":%q,"input_tokens":%d,"output_tokens":%d,`+
				`"status_code":%d,"endpoint":"/v1/chat","response_time_ms":%d,"error_message":%q}`+"\n",
				user, m[0], m[1], at.Format(time.RFC3339), 200+i*37%900, 80+i*53%700, status, 300+i*91%2500, message)
		}
	}
}
