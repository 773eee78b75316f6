package alwrity

import (
	"net/http"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

// trendShape is what was used month by month: arrays side by side, the oldest month first.
type trendShape struct {
	Periods   []string                  `json:"periods"`
	Calls     []int64                   `json:"total_calls"`
	Cost      []money                   `json:"total_cost"`
	Tokens    []int64                   `json:"total_tokens"`
	Providers map[string]*providerTrend `json:"provider_trends"`
}

type providerTrend struct {
	Calls  []int64 `json:"calls"`
	Cost   []money `json:"cost"`
	Tokens []int64 `json:"tokens"`
}

// trendMonths is how many months the client shows where it names no number.
const trendMonths = 6

// showTrends answers with the last months of a user.
func showTrends(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	user, months := in.user(c), in.number("months", trendMonths, 1, 24)
	if err := in.err(); err != nil {
		return err
	}
	trend, err := trendOf(c, user, months)
	if err != nil {
		return err
	}
	return answer(w, trend)
}

// trendOf reports the last calendar months, the running one included, from totals by day.
func trendOf(c *web.Call, user string, months int) (trendShape, error) {
	running := plan.CalendarMonth(c.Now)
	first := running.Start.AddDate(0, 1-months, 0)
	r, err := c.Reports.Report(c.Context(), usage.ReportQuery{From: first, To: running.End, User: user,
		By: []usage.Dimension{usage.ByMonth, usage.ByProvider}}, 0)
	if err != nil {
		return trendShape{}, err
	}
	t := newTrend(first, months)
	for _, row := range r.Rows {
		t.add(row)
	}
	return t.trendShape, nil
}

// trend is a trend that is being summed up.
type trend struct {
	trendShape
	index map[string]int // of a month
}

func newTrend(first time.Time, months int) trend {
	t := trend{trendShape{Cost: make([]money, months), Calls: make([]int64, months), Tokens: make([]int64, months),
		Providers: map[string]*providerTrend{}}, map[string]int{}}
	for n := range months {
		month := plan.MonthOf(first.AddDate(0, n, 0)).String()
		t.index[month] = n
		t.Periods = append(t.Periods, month)
	}
	for _, name := range shownProviders() {
		t.provider(name)
	}
	return t
}

// provider returns the trend of a provider by the name that it has in trends, which is not the one in totals.
func (t trend) provider(name string) *providerTrend {
	if name == huggingface {
		name = mistral
	}
	if t.Providers[name] == nil {
		months := len(t.Periods)
		t.Providers[name] = &providerTrend{make([]int64, months), make([]money, months), make([]int64, months)}
	}
	return t.Providers[name]
}

func (t trend) add(row usage.ReportRow) {
	n, known := t.index[row.Keys[0]]
	if !known {
		return
	}
	p := t.provider(row.Keys[1])
	t.Calls[n], p.Calls[n] = usage.AtMost(t.Calls[n], row.Calls), usage.AtMost(p.Calls[n], row.Calls)
	t.Tokens[n], p.Tokens[n] = usage.AtMost(t.Tokens[n], row.Tokens()), usage.AtMost(p.Tokens[n], row.Tokens())
	t.Cost[n], p.Cost[n] = money{t.Cost[n].Add(row.Cost)}, money{p.Cost[n].Add(row.Cost)}
}
