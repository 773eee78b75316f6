package main

import (
	"context"
	"fmt"
	"regexp"

	"github.com/alwrity/alwrity-sub/db"
)

// logsRuns is how often each page is asked for; its median counts.
const logsRuns = 5

// logsMeasurements time `usage logs` page by page: the first page and pages deep in
// the log, with each filter. Whoever looks for a call waits for one page, so the
// slowest page of a filter is its figure.
func logsMeasurements() []measurement {
	return []measurement{
		{"sqlite-logs", "logs", func(ctx context.Context, l *lab) ([]result,
			error) {
			return logs(ctx, l, db.SQLite, l.sample(idsV4))
		}},
		{"postgresql-logs", "logs", func(ctx context.Context, l *lab) ([]result, error) {
			return logs(ctx, l, db.PostgreSQL, l.sample(idsV4))
		}},
		{"sqlite-logs-10M", "logs", func(ctx context.Context, l *lab) ([]result,
			error) {
			return logs(ctx, l, db.SQLite, l.bigSample())
		}},
	}
}

// logFilters are the filters, each with a name. Of the last model there are no rows at
// all: nothing ends the search for it early.
func logFilters(s sample) ([]logFilter, error) {
	models, err := catalogueModels(s.models + 1)
	if err != nil {
		return nil, err
	}
	return []logFilter{
		{"no filter", nil},
		{"--user", []string{"--user", userName(17)}},
		{"--provider", []string{"--provider", "gemini"}},
		{"--model", []string{"--model", models[7].Model}},
		{"--model, unused", []string{"--model", models[s.models].Model}},
		{"--status failed", []string{"--status", "failed"}},
		{"--status unpriced", []string{"--status", "unpriced"}},
		{"--from --to", []string{"--from", "2026-10-03", "--to", "2026-10-20"}},
	}, nil
}

type logFilter struct {
	name  string
	flags []string
}

// pageDepths are the times at which the deeper pages begin: the log is newest first.
func pageDepths() []string {
	return []string{"2026-10-18T12:00:00Z", "2026-10-10T06:00:00Z", "2026-10-03T18:00:00Z"}
}

func logs(ctx context.Context, l *lab, kind db.Kind, s sample) ([]result, error) {
	f, err := l.filledWith(ctx, kind, s)
	if err != nil {
		return nil, err
	}
	filters, err := logFilters(s)
	if err != nil {
		return nil, err
	}
	var results []result
	for _, filter := range filters {
		r, err := slowestPage(ctx, l, f, filter)
		if err != nil {
			return results, fmt.Errorf("%s: %w", filter.name, err)
		}
		results = append(results, r.oursAtMost(50))
	}
	return results, nil
}

// slowestPage times the pages of one filter.
func slowestPage(ctx context.Context, l *lab, f *filled, filter logFilter) (result, error) {
	worst := result{What: "logs, " + filter.name, Rows: f.sample.rows, Unit: "ms"}
	pages := [][]string{nil}
	for _, depth := range pageDepths() {
		cursor, err := l.cursorAt(ctx, f.database, filter, depth)
		if err != nil {
			return worst, err
		}
		if cursor != "" {
			pages = append(pages, []string{"--after", cursor})
		}
	}
	for i, page := range pages {
		var runs []float64
		for range logsRuns {
			r, err := l.ours(ctx, f.database, append(append([]string{"usage", "logs"}, filter.flags...), page...)...)
			if err != nil {
				return worst, err
			}
			runs = append(runs, r.milliseconds())
		}
		if median(runs) > worst.Ours {
			worst.Ours, worst.Runs = median(runs), runs
			worst.Note = fmt.Sprintf("page %d of %d; %s", i+1, len(pages), spread(runs))
		}
	}
	return worst, nil
}

// cursorAt returns the cursor that the command prints below a page which ends at the
// depth, "" where there are no rows. To get there page by page would give the same
// one, and take hours. A later --to replaces an earlier one.
func (l *lab) cursorAt(ctx context.Context, d database, filter logFilter, depth string) (string, error) {
	args := append(append([]string{"usage", "logs"}, filter.flags...), "--to", depth, "--limit", "1")
	r, err := l.ours(ctx, d, args...)
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`--after (\S+)`).FindSubmatch(append(r.err, r.out...))
	if found == nil {
		return "", nil
	}
	return string(found[1]), nil
}
