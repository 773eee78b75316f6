package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
)

// A hundredth of the rows must have the same users, models and days, and each run the
// same events, or the figures can't be compared.
func TestEvents(t *testing.T) {
	for _, ids := range []idKind{idsV4, idsV7} {
		s := sample{ids: ids, rows: 10_000, users: 5_000, models: 45}
		var first, second bytes.Buffer
		for _, to := range []*bytes.Buffer{&first, &second} {
			if err := writeEvents(to, s); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: two files of one sample differ", ids)
		}
		checkEvents(t, s, &first)
	}
}

func checkEvents(t *testing.T, s sample, file *bytes.Buffer) {
	t.Helper()
	versions := map[idKind]uuid.Version{idsV4: 4, idsV7: 7}
	seen := map[string]map[string]bool{"id": {}, "user": {}, "model": {}, "day": {}}
	var before time.Time
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var e struct {
			ID       uuid.UUID
			User     string `json:"user_id"`
			Provider string
			Model    string
			Time     time.Time
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if e.ID.Version() != versions[s.ids] || e.ID.Variant() != uuid.RFC4122 || !e.Time.After(before) ||
			e.Time.Format("2006-01") != benchMonth {
			t.Fatalf("%s: %s", s.ids, lines.Text())
		}
		if seconds, nanoseconds := e.ID.Time().UnixTime(); s.ids == idsV7 &&
			time.Unix(seconds, nanoseconds).UnixMilli() != e.Time.UnixMilli() {
			t.Fatalf("the id has another time than the event: %s", lines.Text())
		}
		before = e.Time
		for what, value := range map[string]string{"id": e.ID.String(), "user": e.User, "model": e.Provider + e.Model,
			"day": e.Time.Format(time.DateOnly)} {
			seen[what][value] = true
		}
	}
	for what, want := range map[string]int{"id": s.rows, "user": s.users, "model": s.models, "day": 31} {
		if got := len(seen[what]); got != want {
			t.Errorf("%s: %d different of %s, want %d", s.ids, got, what, want)
		}
	}
}
