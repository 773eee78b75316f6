package main

import (
	"context"

	"github.com/alwrity/alwrity-sub/db"
)

// againMeasurements time the import of a file that was imported before: every row is
// found to be a duplicate, which must not take longer than recording it.
func againMeasurements() []measurement {
	return []measurement{
		{"sqlite-again", "again", func(ctx context.Context, l *lab) ([]result, error) { return again(ctx, l, db.SQLite) }},
		{"postgresql-again", "again", func(ctx context.Context, l *lab) ([]result,
			error) {
			return again(ctx, l, db.PostgreSQL)
		}},
	}
}

func again(ctx context.Context, l *lab, kind db.Kind) ([]result, error) {
	s := l.sample(idsV4)
	f, err := l.filledWith(ctx, kind, s)
	if err != nil {
		return nil, err
	}
	var runs []float64
	peak := 0.0
	for range importRuns {
		r, err := l.importInto(ctx, f.database, s)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r.wall.Seconds())
		peak = max(peak, r.megabytes())
	}
	time := result{What: "the same file again", Rows: s.rows, Unit: "s", Ours: median(runs), Runs: runs,
		PeerRuns: f.seconds, Note: spread(runs)}
	memory := result{What: "its peak memory", Rows: s.rows, Unit: "MB", Ours: peak}
	return []result{time.against(median(f.seconds), "the first time").ratioBelow(1), memory.oursBelow(200)}, nil
}
