package main

import (
	"context"

	"github.com/alwrity/alwrity-sub/db"
)

// importRuns is how often each side runs, in turns, so that what else the machine does
// meets both.
const importRuns = 3

// importMeasurements time `usage import` of a file of events into a fresh database,
// beside the database's own shell that loads the same rows, as CSV, into a table with
// the same columns and indexes. The shell has only to store them; we also check, rate
// and count each, and see whether it was recorded before.
func importMeasurements() []measurement {
	return []measurement{
		{"sqlite-import", "import", func(ctx context.Context, l *lab) ([]result,
			error) {
			return sqliteImport(ctx, l, idsV4)
		}},
		{"sqlite-import-v7", "import", func(ctx context.Context, l *lab) ([]result,
			error) {
			return sqliteImport(ctx, l, idsV7)
		}},
		{"postgresql-import", "import", func(ctx context.Context, l *lab) ([]result,
			error) {
			return postgresImport(ctx, l, idsV4)
		}},
		{"postgresql-import-v7", "import", func(ctx context.Context, l *lab) ([]result,
			error) {
			return postgresImport(ctx, l, idsV7)
		}},
	}
}

// importing collects the runs of one import.
type importing struct {
	sample sample
	rates  []float64
	peak   float64 // megabytes
}

// run imports the sample into a fresh database.
func (i *importing) run(ctx context.Context, l *lab, kind db.Kind) (*filled, error) {
	f, imported, err := l.fillAnew(ctx, kind, i.sample)
	if err != nil {
		return nil, err
	}
	i.rates = append(i.rates, float64(i.sample.rows)/imported.wall.Seconds())
	i.peak = max(i.peak, imported.megabytes())
	return f, nil
}

// results are the rows of the table, their speed still without a peer.
func (i *importing) results() (speed, memory result) {
	speed = result{What: "import, ids " + string(i.sample.ids), Rows: i.sample.rows, Unit: "rows/s", Ours: median(i.rates),
		Runs: i.rates, Note: spread(i.rates)}
	memory = result{What: "its peak memory", Rows: i.sample.rows, Unit: "MB", Ours: i.peak}
	return speed, memory.oursBelow(200)
}

// peerRates are the rows a second of the sqlite3 shell's runs, by journal mode.
type peerRates map[string][]float64

// sqliteJournals are the journal modes that the peer is tried with: the default and
// ours.
func sqliteJournals() []string { return []string{"delete", "wal"} }

// best returns the runs in the journal mode whose median is better, and what to call
// them: the faster counts.
func (p peerRates) best() (runs []float64, peerIs string) {
	for _, journal := range sqliteJournals() {
		if median(p[journal]) > median(runs) {
			runs, peerIs = p[journal], "sqlite3 .import, "+journal
		}
	}
	return runs, peerIs
}

// addRun adds a run in each journal mode.
func (p peerRates) addRun(ctx context.Context, l *lab, f *filled) error {
	for _, journal := range sqliteJournals() {
		rate, err := l.sqlitePeer(ctx, f, journal)
		if err != nil {
			return err
		}
		p[journal] = append(p[journal], rate)
	}
	return nil
}

func sqliteImport(ctx context.Context, l *lab, ids idKind) ([]result, error) {
	i, peers := &importing{sample: l.sample(ids)}, peerRates{}
	for range importRuns {
		f, err := i.run(ctx, l, db.SQLite)
		if err != nil {
			return nil, err
		}
		if err := peers.addRun(ctx, l, f); err != nil {
			return nil, err
		}
	}
	l.peers[i.sample] = peers
	speed, memory := i.results()
	runs, peerIs := peers.best()
	speed.PeerRuns = runs
	return []result{speed.against(median(runs), peerIs).ratioAtLeast(1), memory}, nil
}

func postgresImport(ctx context.Context, l *lab, ids idKind) ([]result, error) {
	i := &importing{sample: l.sample(ids)}
	var peer, all []float64
	for range importRuns {
		f, err := i.run(ctx, l, db.PostgreSQL)
		if err != nil {
			return nil, err
		}
		rate, err := l.postgresPeer(ctx, f)
		if err != nil {
			return nil, err
		}
		rateOfAll, err := l.copyAll(ctx, f)
		if err != nil {
			return nil, err
		}
		peer, all = append(peer, rate), append(all, rateOfAll)
	}
	speed, memory := i.results()
	speed.PeerRuns = peer
	whole := speed
	whole.What, whole.PeerRuns = "the same", all
	return []result{speed.against(median(peer), `psql \copy`).ratioAtLeast(0.7),
		whole.against(median(all), `two \copy, ids and totals too`), memory}, nil
}

// importBigMeasurements import ten times the rows, once: does it stay quick, and small,
// as the log grows?
func importBigMeasurements() []measurement {
	return []measurement{{"sqlite-import-10M", "import", sqliteImportBig}}
}

// bigSample has ten times the rows: 10 million, unless BENCH_ROWS says otherwise.
func (l *lab) bigSample() sample {
	s := l.sample(idsV4)
	s.rows *= 10
	return s
}

func sqliteImportBig(ctx context.Context, l *lab) ([]result, error) {
	peers := l.peers[l.sample(idsV4)]
	if peers == nil { // sqlite-import was not selected
		usual, err := l.filledWith(ctx, db.SQLite, l.sample(idsV4))
		if err != nil {
			return nil, err
		}
		peers = peerRates{}
		if err := peers.addRun(ctx, l, usual); err != nil {
			return nil, err
		}
	}
	i := &importing{sample: l.bigSample()}
	if _, err := i.run(ctx, l, db.SQLite); err != nil {
		return nil, err
	}
	speed, memory := i.results()
	runs, peerIs := peers.best()
	speed.PeerRuns, speed.Note = runs, "1 run; the peer with a tenth of the rows"
	return []result{speed.against(median(runs), peerIs).ratioAtLeast(0.5), memory}, nil
}
