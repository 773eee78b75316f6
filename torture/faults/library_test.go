package faults_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// library records through a handle that a long-lived process keeps open.
type library struct {
	db      *db.DB
	service *usage.Service
}

func newLibrary(t testing.TB, url string) *library {
	t.Helper()
	d := open(t, url)
	return &library{d, &usage.Service{Store: d, Thresholds: usage.DefaultThresholds()}}
}

// today is the moment at which every command runs.
func today() time.Time { return time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC) }

// record records what the command of the same name records.
func (l *library) record(ctx context.Context, user, id string) (usage.Status, error) {
	event := usage.Event{ID: id, UserID: user, Provider: "gemini", Model: "gemini-2.5-flash", StatusCode: 200}
	event.Quantities[pricing.InputTokens] = 1000
	event.Quantities[pricing.OutputTokens] = 100
	o, err := l.service.Record(ctx, today(), event, usage.RecordOptions{})
	return o.Status, err
}

// records records and requires what becomes of it.
func (l *library) records(t testing.TB, user, id string, want usage.Status) {
	t.Helper()
	if got, err := l.record(context.Background(), user, id); err != nil || got != want {
		t.Errorf("%s: %q, want %q: %v", id, got, want, chain(err))
	}
}

// unavailable requires a failure of that kind that says what to do.
func unavailable(t testing.TB, err error) {
	t.Helper()
	var f *failure.Error
	if !errors.As(err, &f) || f.Code != failure.Unavailable || f.Hint+f.Reason == "" {
		t.Errorf("want an unavailable failure with a hint: %v", chain(err))
	}
}

// chain returns what an error says and what is behind it.
func chain(err error) []string {
	var texts []string
	for ; err != nil; err = errors.Unwrap(err) {
		texts = append(texts, err.Error())
	}
	return texts
}
