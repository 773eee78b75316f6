// Command bench measures alwrity-sub beside the tools that a user would otherwise
// reach for: on the same machine, with the same rows, in the same run. At the end it
// prints one table of our figures, the peers', their ratio and the target.
//
//	make bench                               everything, with a million rows
//	BENCH_ROWS=20000 make bench              to try it out; such figures mean little
//	BENCH_ONLY=import,disk make bench        some measurements or groups of them
//	BENCH_BIG=1 make bench                   with ten times the rows as well
//	BENCH_OUT=1 make bench                   appends to bench/results.jsonl
//	BENCH_SECONDS=10 make bench              how long each run of enforce lasts
//
// A missed target is a figure and no failure: the exit code says whether everything
// could be measured.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// measurement is one thing that is measured. Its name and its group are what
// BENCH_ONLY selects by.
type measurement struct {
	name, group string
	run         func(ctx context.Context, l *lab) ([]result, error)
}

// measurements returns them in the order in which they run: the imports make the
// databases that the others read. Enforce comes last, since it needs memory of this
// process, which the peak memory of a process that is started then can't fall below.
func measurements(big bool) []measurement {
	list := slices.Concat(importMeasurements(), importBigMeasurements(), againMeasurements(), reportMeasurements(),
		logsMeasurements(), diskMeasurements(), closingMeasurements(), coldMeasurements(), serveMeasurements(),
		enforceMeasurements())
	return slices.DeleteFunc(list, func(m measurement) bool { return !big && strings.HasSuffix(m.name, "-10M") })
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := bench(ctx, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench runs the measurements that are selected and prints the table, also of those
// that came before one that failed.
func bench(ctx context.Context, out, log io.Writer) error {
	s, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	selected, err := s.selected(measurements(s.big))
	if err != nil {
		return err
	}
	l, err := newLab(ctx, s, log)
	if err != nil {
		return err
	}
	var results []result
	var failures []error
	for _, m := range selected {
		if ctx.Err() != nil {
			break
		}
		l.say("== %s", m.name)
		rows, err := m.run(ctx, l)
		for i := range rows {
			rows[i].Measurement = m.name
		}
		results = append(results, rows...)
		var reason skipped
		if errors.As(err, &reason) {
			l.say("skipped: %s", reason)
			results = append(results, result{Measurement: m.name, What: "not measured", Note: string(reason)})
		} else if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", m.name, err))
			l.say("failed: %v", err)
		}
	}
	about := l.about(context.WithoutCancel(ctx))
	failures = append(failures, context.Cause(ctx), l.close(), writeTable(out, about, results),
		s.writeJSON(about, results))
	return errors.Join(failures...)
}
