package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/alwrity/alwrity-sub/db"
)

// closingMeasurements time the end of a month: every user's bill with its lines, beside
// the tool that only puts the same rows into the same two tables.
func closingMeasurements() []measurement {
	return []measurement{
		{"sqlite-close", "close", func(ctx context.Context, l *lab) ([]result, error) { return closing(ctx, l, db.SQLite) }},
		{"postgresql-close", "close", func(ctx context.Context, l *lab) ([]result,
			error) {
			return closing(ctx, l, db.PostgreSQL)
		}},
	}
}

// billTables are what closing writes most of, the one that is referred to first.
func billTables() []string { return []string{"billing_history", "billing_lines"} }

func closing(ctx context.Context, l *lab, kind db.Kind) ([]result, error) {
	f, err := l.filledWith(ctx, kind, l.sample(idsV4))
	if err != nil {
		return nil, err
	}
	d, err := l.copied(ctx, f, "closing")
	if err != nil {
		return nil, err
	}
	if err := l.settle(ctx, kind); err != nil {
		return nil, err
	}
	r, err := l.ours(ctx, d, "--now", "2026-11-02", "-o", "json", "billing", "close")
	if err != nil {
		return nil, err
	}
	var did struct{ Bills int }
	if err := json.Unmarshal(r.out, &did); err != nil || did.Bills == 0 {
		return nil, fmt.Errorf("billing close wrote no bills: %s, %w", r.out, err)
	}
	peer, err := l.copyBills(ctx, d)
	if err != nil {
		return nil, err
	}
	rate := result{What: "closing a month", Rows: did.Bills, Unit: "bills/s", Ours: float64(did.Bills) / r.wall.Seconds()}
	memory := result{What: "its peak memory", Rows: did.Bills, Unit: "MB", Ours: r.megabytes()}
	return []result{rate.against(float64(did.Bills)/peer,
		map[db.Kind]string{db.SQLite: ".import of the bills", db.PostgreSQL: `\copy of the bills`}[kind]), memory}, nil
}

// copied returns a copy of a filled database: those that come after need it as it is.
func (l *lab) copied(ctx context.Context, f *filled, name string) (database, error) {
	d, err := l.newDatabase(ctx, f.database.kind, name)
	if err != nil {
		return d, err
	}
	if f.database.kind == db.SQLite {
		if err := removeSQLite(d.path); err != nil {
			return d, err
		}
		_, err = l.sqlite3(ctx, f.path, "VACUUM INTO "+quoted(d.path))
		return d, err
	}
	if err := l.dropDatabase(ctx, d); err != nil {
		return d, err
	}
	_, err = l.psql(ctx, l.maintenance(), "-c", "CREATE DATABASE "+d.name()+" TEMPLATE "+f.database.name())
	return d, err
}

// copyBills puts the rows of the bills into tables like theirs, with all indexes, and
// returns how many seconds that took.
func (l *lab) copyBills(ctx context.Context, d database) (float64, error) {
	seconds := 0.0
	path := l.path("peer.db")
	if err := removeSQLite(path); err != nil {
		return 0, err
	}
	for _, table := range billTables() {
		csv := l.path(table + ".csv")
		took, err := l.copyTable(ctx, d, path, table, csv)
		if err != nil {
			return 0, err
		}
		seconds += took.wall.Seconds()
	}
	return seconds, removeSQLite(path)
}

func (l *lab) copyTable(ctx context.Context, d database, path, table, csv string) (ran, error) {
	if d.kind == db.PostgreSQL {
		if err := l.preparePeer(ctx, d, table, csv); err != nil {
			return ran{}, err
		}
		return l.psql(ctx, d, "-c", `\copy peer_`+table+" FROM "+quoted(csv)+" CSV")
	}
	if _, err := l.sqlite3(ctx, d.path, ".once "+quoted(csv), "SELECT * FROM "+table); err != nil {
		return ran{}, err
	}
	schema, err := l.sqlite3(ctx, d.path, ".mode list", ".separator '' '\n'",
		"SELECT sql || ';' FROM sqlite_schema WHERE tbl_name = '"+
			table+"' AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC, rowid")
	if err != nil {
		return ran{}, err
	}
	// The shell imports no NULL, and STRICT takes no empty text for it.
	loose := strings.ReplaceAll(string(schema.out), ") STRICT", ")")
	if _, err := l.sqlite3(ctx, path, "PRAGMA journal_mode = WAL", loose); err != nil {
		return ran{}, err
	}
	return l.sqlite3(ctx, path, ".import "+quoted(csv)+" "+table)
}
