package db

import (
	"fmt"
	"slices"
	"testing"
)

func TestJoined(t *testing.T) {
	t.Parallel()
	row := func(table string, args ...any) queued {
		return queued{statement{text: "INSERT INTO " + table + " VALUES ($1, $2) ON CONFLICT DO NOTHING", args: args}, table}
	}
	wide := queued{statement{text: "INSERT INTO w VALUES ($1, $2, $11)", args: []any{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}, "w"}
	other := queued{statement: statement{text: "SELECT $1", args: []any{0}}}
	single := "INSERT INTO a VALUES ($1, $2) ON CONFLICT DO NOTHING"
	three := "WITH part2 AS (INSERT INTO c VALUES ($5, $6) ON CONFLICT DO NOTHING), part1 AS (INSERT INTO b VALUES ($3, $4) ON CONFLICT DO NOTHING) " + single
	for _, c := range []struct {
		name  string
		queue []queued
		want  []string
	}{
		{"none", nil, nil},
		{"one row", []queued{row("a", 1, 2)}, []string{single + " [1 2]"}},
		{"no rows", []queued{other, other}, []string{"SELECT $1 [0]", "SELECT $1 [0]"}},
		{"rows of three tables, between others", []queued{other, row("a", 1, 2), row("b", 3, 4), row("c", 5, 6), other},
			[]string{"SELECT $1 [0]", three + " [1 2 3 4 5 6]", "SELECT $1 [0]"}},
		{"many parameters", []queued{wide, row("a", 12, 13)},
			[]string{"WITH part1 AS (INSERT INTO a VALUES ($12, $13) ON CONFLICT DO NOTHING) INSERT INTO w VALUES ($1, $2, $11) [1 2 3 4 5 6 7 8 9 10 11 12 13]"}},
		{"before many parameters", []queued{row("a", 12, 13), wide},
			[]string{"WITH part1 AS (INSERT INTO w VALUES ($3, $4, $13)) " + single + " [12 13 1 2 3 4 5 6 7 8 9 10 11]"}},
		{"two rows of one table", []queued{row("a", 1, 2), row("a", 3, 4)}, []string{single + " [1 2]", single + " [3 4]"}},
		{"the same table again", []queued{row("a", 1, 2), row("b", 3, 4), row("c", 5, 6), row("a", 7, 8)}, []string{three + " [1 2 3 4 5 6]", single + " [7 8]"}},
	} {
		q := &tx{dialect: &dialect{buffers: &memory{}}, queue: c.queue}
		var got []string
		for _, s := range q.joined() {
			got = append(got, fmt.Sprint(s.text, " ", s.args))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}
