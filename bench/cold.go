package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/alwrity/alwrity-sub/db"
)

const coldRuns = 50

// coldMeasurements time whole processes on SQLite, as a gateway or cron job starts
// them, beside the sqlite3 shell that does nothing but open the file. The small
// database has a tenth of the rows of the large one, of the same users and days:
// where a command's two figures agree, its time does not grow with the log.
func coldMeasurements() []measurement {
	return []measurement{{"cold", "cold", cold}}
}

func cold(ctx context.Context, l *lab) ([]result, error) {
	s := sample{ids: idsV4, rows: l.rows, users: 100, models: 4}
	large, err := l.filledWith(ctx, db.SQLite, s)
	if err != nil {
		return nil, err
	}
	s.rows /= 10
	small, err := l.filledWith(ctx, db.SQLite, s)
	if err != nil {
		return nil, err
	}
	peer, err := timed(coldRuns, func() (ran, error) { return l.sqlite3(ctx, large.path, "select 1") })
	if err != nil {
		return nil, err
	}
	var results []result
	for _, args := range coldCommands() {
		r, err := l.coldCommand(ctx, large, small, args)
		if err != nil {
			return results, err
		}
		results = append(results, r.against(median(peer), "sqlite3 'select 1'"))
	}
	return results, nil
}

// coldCommands are what others run often.
func coldCommands() [][]string {
	user := userName(17)
	return [][]string{
		{"version"},
		{"limits", "check", "--user", user, "--provider", "gemini", "--model", "gemini-2.5-flash", "-o", "json"},
		{"usage", "show", user, "-o", "json"},
		{"usage", "report", "--month", benchMonth, "--by", "provider,model", "-o", "json"},
		{"usage", "logs", "--user", user, "--limit", "50", "-o", "json"},
	}
}

// coldCommand times a command on both databases. It is the last day of the month, when
// there is most to look at.
func (l *lab) coldCommand(ctx context.Context, large, small *filled, args []string) (result, error) {
	runs := map[*filled][]float64{}
	for _, f := range []*filled{small, large} {
		var err error
		runs[f], err = timed(coldRuns, func() (ran, error) {
			r, err := l.try(ctx, []string{"DATABASE_URL=" + f.url}, l.binary,
				append([]string{"--now", "2026-10-31"}, args...)...)
			if err == nil && r.status != 0 && r.status != 4 { // refused is an answer too
				err = fmt.Errorf("%v: exit code %d: %s", args, r.status, lastOf(r.err, r.out))
			}
			return r, err
		})
		if err != nil {
			return result{}, err
		}
	}
	name := args[0]
	if len(args) > 1 {
		name += " " + args[1]
	}
	return result{What: "process: " + name, Rows: large.sample.rows, Unit: "ms", Ours: median(runs[large]),
		Runs: runs[large],
		Note: fmt.Sprintf("%s ms with a tenth of the rows", figure(median(runs[small])))}, nil
}

// timed runs something so many times and returns the milliseconds of each.
func timed(times int, run func() (ran, error)) ([]float64, error) {
	var runs []float64
	for range times {
		r, err := run()
		if err != nil {
			return nil, err
		}
		runs = append(runs, r.milliseconds())
	}
	return slices.Clip(runs), nil
}
