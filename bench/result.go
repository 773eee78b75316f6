package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// result is one row of the table.
type result struct {
	Measurement string    `json:"measurement"`
	What        string    `json:"what"`
	Rows        int       `json:"rows"`
	Unit        string    `json:"unit"`
	Ours        float64   `json:"ours"`
	Peer        float64   `json:"peer,omitempty"` // 0: there is none
	PeerIs      string    `json:"peer_is,omitempty"`
	Ratio       float64   `json:"ratio,omitempty"` // ours to the peer's
	Target      string    `json:"target,omitempty"`
	Met         *bool     `json:"met,omitempty"`
	Note        string    `json:"note,omitempty"`
	Runs        []float64 `json:"runs,omitempty"`      // ours, of which Ours is the median
	PeerRuns    []float64 `json:"peer_runs,omitempty"` // the peer's
}

// against sets the peer's figure and the ratio.
func (r result) against(peer float64, peerIs string) result {
	r.Peer, r.PeerIs = peer, peerIs
	if peer != 0 {
		r.Ratio = r.Ours / peer
	}
	return r
}

// ratioAtLeast and the like set the target and whether it is met. A figure that was
// not to be had meets nothing.
func (r result) ratioAtLeast(target float64) result {
	return r.judged(">= "+figure(target), r.Ratio >= target)
}

func (r result) ratioAtMost(target float64) result {
	return r.judged("<= "+figure(target), r.Ratio > 0 && r.Ratio <= target)
}

func (r result) ratioBelow(target float64) result {
	return r.judged("< "+figure(target), r.Ratio > 0 && r.Ratio < target)
}

func (r result) oursAtMost(target float64) result {
	return r.judged("<= "+figure(target)+" "+r.Unit, r.Ours > 0 && r.Ours <= target)
}

func (r result) oursBelow(target float64) result {
	return r.judged("< "+figure(target)+" "+r.Unit, r.Ours > 0 && r.Ours < target)
}

func (r result) judged(target string, met bool) result {
	r.Target, r.Met = target, &met
	return r
}

func (r result) verdict() string {
	switch {
	case r.Met == nil:
		return ""
	case *r.Met:
		return "met"
	}
	return "MISSED"
}

// figure writes a number with as many digits as mean something.
func figure(n float64) string {
	switch {
	case n == math.Trunc(n) || n >= 1000:
		return humanize.Comma(int64(math.Round(n)))
	case n >= 100:
		return strconv.FormatFloat(n, 'f', 0, 64)
	case n >= 10:
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	return strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64)
}

// about says what was measured where; the figures mean nothing without.
type about struct {
	Time     time.Time `json:"time"`
	Commit   string    `json:"commit"`
	Machine  string    `json:"machine"`
	Software string    `json:"software"`
}

// writeTable writes the results for a person.
func writeTable(out io.Writer, a about, results []result) error {
	fmt.Fprintf(out, "\n%s, %s\n%s, commit %s\n\n", a.Time.Format("2006-01-02 15:04"), a.Machine, a.Software, a.Commit)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MEASUREMENT\tWHAT\tROWS\tOURS\tPEER\t\tRATIO\tTARGET\t\tNOTE")
	before := ""
	for _, r := range results {
		name := r.Measurement
		if name == before {
			name = ""
		}
		before = r.Measurement
		ours, rows, peer, ratio := "", "", "", ""
		if r.Unit != "" {
			ours = figure(r.Ours) + " " + r.Unit
		}
		if r.Rows != 0 {
			rows = humanize.Comma(int64(r.Rows))
		}
		if r.Peer != 0 {
			peer, ratio = figure(r.Peer), strconv.FormatFloat(r.Ratio, 'f', 2, 64)
		}
		line := []string{name, r.What, rows, ours, peer, r.PeerIs, ratio, r.Target, r.verdict(), r.Note}
		fmt.Fprintln(w, strings.Join(line, "\t"))
	}
	return w.Flush()
}

// writeJSON appends the results to the file for programs, a line each.
func (s settings) writeJSON(a about, results []result) error {
	if s.out == "" {
		return nil
	}
	file, err := os.OpenFile(s.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(file)
	for _, r := range results {
		if err := encoder.Encode(struct {
			about
			result
		}{a, r}); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return file.Close()
}

// median returns the middle one, of an even number the upper.
func median(runs []float64) float64 {
	if len(runs) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(runs))
	return sorted[len(sorted)/2]
}

// spread says how far runs lie apart: what is nearer together than that is equal.
func spread(runs []float64) string {
	return fmt.Sprintf("%s to %s in %d runs", figure(slices.Min(runs)), figure(slices.Max(runs)), len(runs))
}
