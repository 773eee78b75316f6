package dbtest

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// modelToken is an API token.
type modelToken struct {
	id     int64
	user   string // "" for one that acts for others
	limits []plan.Limit
	most   int64 // parallel calls; 0: any number
}

// makeTokens makes a token of a user, and one for everybody.
func (m *model) makeTokens() {
	m.tokens = map[int64]*modelToken{}
	for _, user := range []string{m.users[0], ""} {
		t := m.boundToken(user, access.Terms{})
		m.tokens[t.ID] = &modelToken{id: t.ID, user: user}
		m.tokenIDs = append(m.tokenIDs, t.ID)
	}
}

// drawToken draws the token that a call of a user comes with, mostly none.
func (m *model) drawToken(user string) int64 {
	if !m.oneIn(3, "with a token") {
		return 0
	}
	t := m.tokens[draw(m, "token", m.tokenIDs...)]
	if t.user != "" && t.user != user {
		return 0
	}
	return t.id
}

// changeToken gives a token other limits.
func (m *model) changeToken() {
	t := m.tokens[draw(m, "token", m.tokenIDs...)]
	t.limits, t.most = nil, m.number("parallel", 0, 2)
	if m.oneIn(2, "calls") {
		t.limits = append(t.limits, callsLimit(m.number("most", 0, 20)))
	}
	if m.oneIn(2, "tokens") {
		l := plan.Limit{Name: "gemini_tokens", Meter: plan.Tokens, Max: m.number("most", 0, 200_000), Action: plan.Block,
			Scope: plan.Scope{Providers: []string{"gemini"}}}
		if m.oneIn(3, "warns") {
			l.Action = plan.Warn
		}
		t.limits = append(t.limits, l)
	}
	if m.oneIn(3, "cost") {
		t.limits = append(t.limits, plan.Limit{Name: "cost", Meter: plan.Cost, Max: m.number("most", 0, 1_000_000_000_000),
			Action: plan.Block})
	}
	m.rt.Logf("%s the token %d: %+v, %d at once", m.now, t.id, t.limits, t.most)
	_, err := m.access().Change(m.ctx, m.auditAt(m.now, "tokens change"), fmt.Sprint(t.id),
		func(access.Terms) (access.Terms, error) {
			return access.Terms{Limits: slices.Clone(t.limits), Rates: plan.Rates{ParallelCalls: t.most}}, nil
		})
	m.must(err)
}

// tokenPeriod returns the period of a token in which a call of a user counts.
func (m *model) tokenPeriod(t *modelToken, user string, at time.Time) (start, end time.Time) {
	if t.user != "" {
		return m.accounts[user].period(at)
	}
	at = at.UTC()
	return date(at.Year(), at.Month(), 1), date(at.Year(), at.Month()+1, 1)
}

// tokenUsed returns how much of a limit a token has used in a period.
func (m *model) tokenUsed(t *modelToken, l plan.Limit, start time.Time) *big.Int {
	sum := m.tally(func(e usage.Entry) bool {
		if e.TokenID != t.id || !covers(l, e.Provider, e.Vendor) {
			return false
		}
		of := e.PeriodStart
		if t.user == "" {
			of, _ = m.tokenPeriod(t, "", e.Time)
		}
		return of.Equal(start)
	})
	return metered(l, &sum.calls, sum.tokens(), &sum.cost)
}

// tokenReserved returns how much of a limit reservations hold that were taken with a token, and how many they are.
func (m *model) tokenReserved(t *modelToken, l plan.Limit, without string) (sum *big.Int, held int64) {
	sum = new(big.Int)
	for id, r := range m.holds {
		if r.TokenID != t.id || id == without || !m.holding(r) {
			continue
		}
		held++
		if covers(l, r.Provider, r.Vendor) {
			sum.Add(sum, metered(l, big.NewInt(r.Calls), big.NewInt(r.Tokens), big.NewInt(int64(r.Cost))))
		}
	}
	return sum, held
}

// judgeToken adds to a decision what the token of a call says to it.
func (m *model) judgeToken(j *decision, e usage.Entry, at time.Time, free string) {
	t := m.tokens[e.TokenID]
	if t == nil {
		return
	}
	start, _ := m.tokenPeriod(t, e.UserID, at)
	for _, l := range t.limits {
		if !covers(l, e.Provider, e.Vendor) {
			continue
		}
		used, wanted, most := m.tokenUsed(t, l, start), asked(l, e), big.NewInt(l.Max)
		reserved, _ := m.tokenReserved(t, l, free)
		sum := new(big.Int).Add(used, reserved)
		costless := l.Meter == "cost" && l.Max > 0 && m.isFree(e)
		fits := costless || used.Cmp(most) < 0 && sum.Add(sum, wanted).Cmp(most) <= 0
		j.limits = append(j.limits, fmt.Sprint(l.Name, " ", used, "+", reserved, "+", wanted, " ", fits, false))
		switch {
		case fits || l.Action != "block":
		case l.Max == 0 && (j.reason == "" || j.reason == "limit_exceeded" || j.reason == "token_limit_exceeded"):
			j.reason = "not_in_token"
		case j.reason == "":
			j.reason = "token_limit_exceeded"
		}
	}
	if t.most > 0 {
		_, held := m.tokenReserved(t, plan.Limit{}, free)
		j.limits = append(j.limits, fmt.Sprint("parallel_calls 0+", held, "+1 ", held < t.most, false))
		if held >= t.most && j.reason == "" {
			j.reason = "too_many_parallel_calls"
		}
	}
}

// overToken returns the blocking limits of an entry's token that are exceeded with it.
func (m *model) overToken(e usage.Entry) (over []string) {
	t := m.tokens[e.TokenID]
	if t == nil {
		return nil
	}
	start, _ := m.tokenPeriod(t, e.UserID, e.Time)
	for _, l := range t.limits {
		if l.Action == "block" && covers(l, e.Provider, e.Vendor) && m.tokenUsed(t, l, start).Cmp(big.NewInt(l.Max)) > 0 {
			over = append(over, l.Name)
		}
	}
	return over
}

// compareTokens compares what lists of tokens say of their use.
func (m *model) compareTokens() {
	got, err := m.service.TokenUsages(m.ctx, m.now, m.tokenIDs)
	m.must(err)
	for _, id := range m.tokenIDs {
		t := m.tokens[id]
		start, end := m.tokenPeriod(t, t.user, m.now)
		all := plan.Limit{Meter: plan.Calls}
		var limits, gotLimits []string
		for _, l := range t.limits {
			reserved, _ := m.tokenReserved(t, l, "")
			limits = append(limits, fmt.Sprint(l.Name, " ", m.tokenUsed(t, l, start), "+", reserved, " of ", l.Max))
		}
		for _, v := range got[id].Limits {
			gotLimits = append(gotLimits, fmt.Sprint(v.Limit.Name, " ", v.Used, "+", v.Reserved, " of ", v.Limit.Max))
		}
		m.equal("use of a token", fmt.Sprint(got[id].Period, got[id].Sum.Calls, gotLimits),
			fmt.Sprint(plan.Period{Start: start, End: end}, m.tokenUsed(t, all, start), limits))
	}
}
