package dbtest

import (
	"encoding/json"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

// modelVersion is what there was to say about a user at one version of the user, and until when that was to hold.
type modelVersion struct {
	said  string
	until time.Time
}

// compareVersions says of each user what pages and dashboards say. As long as the user's version is the same, so is
// that, up to the moment that the account names.
func (m *model) compareVersions() {
	for _, user := range m.users {
		version, err := m.db.UserVersion(m.ctx, user, m.now)
		m.must(err)
		said, until := m.saidOf(user)
		if before, known := m.versions[user+version]; known && m.now.Before(before.until) {
			m.equal("what is said of "+user+" at one version", said, before.said)
		} else {
			m.versions[user+version] = modelVersion{said, until}
		}
	}
}

func (m *model) saidOf(user string) (said string, until time.Time) {
	history, err := m.service.History(m.ctx, user, m.now)
	m.must(err)
	reports := &usage.Reporter{Store: m.db, Usage: m.service}
	latest, err := reports.Latest(m.ctx, user, time.Time{}, time.Time{})
	m.must(err)
	days, err := reports.Report(m.ctx, usage.ReportQuery{From: date(2024, 1, 1), To: date(2040, 1, 1), User: user,
		By: []usage.Dimension{usage.ByDay, usage.ByModel}}, 0)
	m.must(err)
	alerts, err := m.db.Alerts(m.ctx, usage.AlertQuery{User: user, Standing: true, Limit: 1000})
	m.must(err)
	bills := &billing.Service{Store: m.db, Usage: m.service}
	credits, err := bills.AllCredits(m.ctx, user)
	m.must(err)
	changes, err := bills.History(m.ctx, user)
	if !failure.Is(err, failure.NotFound) {
		m.must(err)
	}
	text, err := json.Marshal([]any{history, latest, days.Rows, alerts, credits, changes})
	m.must(err)
	return string(text), history.Account.StandsUntil(m.now)
}
