package main

import (
	"context"
	"strings"

	"github.com/alwrity/alwrity-sub/db"
)

// reportRuns is how often each report runs on each database, in turns.
const reportRuns = 7

// reportMeasurements time whole processes of `usage report` on a database and on one
// with a hundredth of its log rows, of the same users and days: a report reads sums,
// so it should hardly take longer on the large one.
func reportMeasurements() []measurement {
	return []measurement{
		{"sqlite-report", "report", func(ctx context.Context, l *lab) ([]result, error) {
			return reports(ctx, l, db.SQLite, l.sample(idsV4))
		}},
		{"postgresql-report", "report", func(ctx context.Context, l *lab) ([]result, error) {
			return reports(ctx, l, db.PostgreSQL, l.sample(idsV4))
		}},
		{"sqlite-report-10M", "report", func(ctx context.Context, l *lab) ([]result,
			error) {
			return reports(ctx, l, db.SQLite, l.bigSample())
		}},
	}
}

func reports(ctx context.Context, l *lab, kind db.Kind, s sample) ([]result, error) {
	large, err := l.filledWith(ctx, kind, s)
	if err != nil {
		return nil, err
	}
	s.rows /= 100
	small, err := l.filledWith(ctx, kind, s)
	if err != nil {
		return nil, err
	}
	var results []result
	for _, flags := range [][]string{nil, {"--by", "provider,model"}, {"--by", "user", "--top", "10"}, {"--by", "plan"}} {
		r, err := oneReport(ctx, l, large, small, flags)
		if err != nil {
			return results, err
		}
		results = append(results, r)
	}
	return results, nil
}

func oneReport(ctx context.Context, l *lab, large, small *filled, flags []string) (result, error) {
	args := append([]string{"usage", "report", "--month", benchMonth}, flags...)
	runs := map[*filled][]float64{}
	for range reportRuns {
		for _, f := range []*filled{large, small} {
			r, err := l.ours(ctx, f.database, args...)
			if err != nil {
				return result{}, err
			}
			runs[f] = append(runs[f], r.milliseconds())
		}
	}
	r := result{What: strings.Join(args[1:2], " ") + " " + strings.Join(flags, " "), Rows: large.sample.rows, Unit: "ms",
		Ours: median(runs[large]), Runs: runs[large], PeerRuns: runs[small], Note: spread(runs[large])}
	return r.against(median(runs[small]), "a hundredth of the rows").ratioAtMost(1.2), nil
}
