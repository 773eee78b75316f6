package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are what the environment asks for.
type settings struct {
	rows     int
	big      bool
	only     []string // names and groups; none: everything
	duration time.Duration
	out      string // the file for JSON lines; "": none
	postgres string // the server's URL; "": there is none
}

// fewestRows leaves rows to the databases with a hundredth of them.
const fewestRows = 10_000

func readSettings(getenv func(string) string) (settings, error) {
	s := settings{
		rows: 1_000_000, duration: 10 * time.Second, big: getenv("BENCH_BIG") == "1",
		out: getenv("BENCH_OUT"), postgres: getenv("ALWRITY_TEST_POSTGRES_URL"),
	}
	if text := getenv("BENCH_ROWS"); text != "" {
		rows, err := strconv.Atoi(text)
		if err != nil || rows < fewestRows {
			return s, fmt.Errorf("BENCH_ROWS is %q: it must be a number of %d or more", text, fewestRows)
		}
		s.rows = rows
	}
	if text := getenv("BENCH_SECONDS"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 1 {
			return s, fmt.Errorf("BENCH_SECONDS is %q: it must be a number of seconds", text)
		}
		s.duration = time.Duration(seconds) * time.Second
	}
	if s.out == "1" {
		s.out = "bench/results.jsonl"
	}
	if text := getenv("BENCH_ONLY"); text != "" {
		s.only = strings.Split(text, ",")
	}
	return s, nil
}

// selected returns the measurements that BENCH_ONLY names.
func (s settings) selected(all []measurement) ([]measurement, error) {
	if len(s.only) == 0 {
		return all, nil
	}
	for _, name := range s.only {
		if !slices.ContainsFunc(all, func(m measurement) bool { return m.name == name || m.group == name }) {
			return nil, fmt.Errorf("BENCH_ONLY has %q: it must be of %s", name, strings.Join(names(all), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(m measurement) bool {
		return !slices.Contains(s.only, m.name) && !slices.Contains(s.only, m.group)
	}), nil
}

// names returns the groups, then the measurements.
func names(all []measurement) []string {
	var groups, single []string
	for _, m := range all {
		if !slices.Contains(groups, m.group) {
			groups = append(groups, m.group)
		}
		if m.name != m.group {
			single = append(single, m.name)
		}
	}
	return append(groups, single...)
}
