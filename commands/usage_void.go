package commands

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageVoidOptions struct {
	file, reason string
	query        usage.LogQuery
	dryRun       bool
}

func newUsageVoidCmd(env *Env) *cobra.Command {
	var opts usageVoidOptions
	cmd := &cobra.Command{
		Use: "void [ID…] --reason R", Short: "Take back events that were recorded wrongly",
		Long: `Take back events that were recorded wrongly. Nothing is removed: a counter-entry with
all amounts negative is added to the log, so that totals, limits, reports and the next
bill are right at once; of a period that is billed already the next bill has an
adjustment. Alerts of thresholds that are no longer reached are withdrawn. The id
stays used up: who reports the event again is told that it is a duplicate.

Of an event that was corrected, what stands in its place is taken back. Taking back
twice changes nothing. Where one of the ids is not known, nothing is changed. Of many
events, each thousand is taken back whole or not at all: interrupted, run it again.`,
		Example: "  alwrity-sub usage void req-7f3a --reason \"the job failed after all\"\n" +
			"  alwrity-sub usage void -f ids.txt --reason \"reported twice\" --dry-run\n" +
			"  alwrity-sub usage void --user alice --from 2026-11-03T10:00:00Z --to 2026-11-03T11:00:00Z --reason \"load test\"",
		Args: cobra.ArbitraryArgs, Annotations: exitCodes("0,1,2,3,5,6,130"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := opts.ids(env.In, args)
			if err != nil {
				return err
			}
			return env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
				k := usage.Correction{Audit: env.audit("usage void"), Reason: opts.reason, DryRun: opts.dryRun}
				if ids == nil {
					voided, err := s.Corrections.VoidWhere(ctx, k, opts.query)
					return report.Voided(voided, !opts.dryRun), err
				}
				voided, err := s.Corrections.Void(ctx, k, ids)
				return report.Voided(voided, !opts.dryRun), err
			})(cmd, nil)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.reason, "reason", "", "why; it is kept with the event")
	flags.StringVarP(&opts.file, "file", "f", "", "a `FILE` with an id on each line, or an object with one; - is stdin")
	flags.StringVar(&opts.query.User, "user", "", "all events of this `USER` between --from and --to")
	addTime(cmd, &opts.query.From, "from", "with --user: from then on")
	addTime(cmd, &opts.query.To, "to", "with --user: before then")
	addProvider(cmd, &opts.query.Provider, "with --user: only those of this PROVIDER")
	flags.StringVar(&opts.query.Model, "model", "", "with --user: only those of this `MODEL`")
	flags.BoolVar(&opts.dryRun, "dry-run", false, "show what would be taken back, and change nothing")
	mustRequire(cmd, "reason")
	return cmd
}

// ids returns the ids that are named, nil where a user's events are to be taken back.
func (opts *usageVoidOptions) ids(in io.Reader, args []string) ([]string, error) {
	q, ways := &opts.query, 0
	for _, named := range []bool{len(args) > 0, opts.file != "", q.User != ""} {
		if named {
			ways++
		}
	}
	switch {
	case ways != 1:
		return nil, failure.Invalidf("name the events in one way: by their ids, in a file, or as those of a user").
			WithHint("ID…, or -f FILE, or --user USER --from TIME --to TIME")
	case q.User == "" && (!q.From.IsZero() || !q.To.IsZero() || q.Provider != "" || q.Model != ""):
		return nil, failure.Invalidf("--from, --to, --provider and --model are for --user: ids name their events")
	case q.User != "" && (q.From.IsZero() || q.To.IsZero()):
		return nil, failure.Invalidf("--user needs --from and --to: what lies between them is taken back")
	case q.User != "":
		return nil, nil
	case opts.file == "":
		return args, nil
	case opts.file == "-":
		return readIDs("the standard input", in)
	}
	file, err := os.Open(opts.file)
	if err != nil {
		return nil, unreadable(opts.file, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	return readIDs(opts.file, file)
}

// longestIDLine is how long a line of a file of ids may be: that of an exported event.
const longestIDLine = 1 << 20

// readIDs reads an id from each line that is not empty: the line itself, or the "id" of a JSON object.
func readIDs(name string, in io.Reader) ([]string, error) {
	ids := []string{}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 4096), longestIDLine)
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte("\ufeff")))
		if len(line) == 0 {
			continue
		}
		id, err := idOfLine(line)
		if err == nil {
			err = usage.ValidateID(id)
		}
		if err != nil {
			return nil, failure.Within(err, "line %d of %s", n, name)
		}
		ids = append(ids, id)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, failure.Invalidf("line %d of %s is longer than %d bytes: it is no id", n+1, name, longestIDLine)
	case err != nil:
		return nil, unreadable(name, err)
	case len(ids) == 0:
		return nil, failure.Invalidf("there is no id in %s", name)
	}
	return ids, nil
}

func idOfLine(line []byte) (string, error) {
	if line[0] != '{' {
		return string(line), nil
	}
	var event struct {
		ID *string `json:"id"`
	}
	if err := json.Unmarshal(line, &event); err != nil || event.ID == nil {
		return "", failure.Invalidf("the line is no JSON object with an id")
	}
	return *event.ID, nil
}

func newUsageCorrectCmd(env *Env) *cobra.Command {
	var event usage.Event
	k := usage.Correction{}
	cmd := &cobra.Command{
		Use: "correct ID --reason R", Short: "Record an event anew as it should have been",
		Long: `Take an event back, as usage void does, and record it anew with what the flags say,
in one step. What is not given stays as it was recorded. The new event has an id of
its own, and the log links both. Of an event that was corrected before, what stands
in its place is corrected. The same correction again changes nothing.`,
		Example: "  alwrity-sub usage correct req-7f3a --input-tokens 240000 --reason \"ten times the tokens\"\n" +
			"  alwrity-sub usage correct req-7f3b --status-code 500 --reason \"the job failed after all\"\n" +
			"  alwrity-sub usage correct req-7f3c --model gpt-4o --reason \"the name was mistyped\"",
		Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := mustNotBeEmpty(cmd, "id", "user", "provider"); err != nil {
				return err
			}
			change, err := changeByFlags(cmd, event)
			if err != nil {
				return err
			}
			k.Audit = env.audit("usage correct")
			return env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
				corrected, err := s.Corrections.Correct(ctx, k, args[0], change)
				return report.Corrected(corrected, !k.DryRun), err
			})(cmd, args)
		},
	}
	addEventFlags(cmd, &event)
	flags := cmd.Flags()
	flags.Lookup("user").Usage = "the `USER` whose it is"
	flags.Lookup("id").Usage = "the `ID` of the event in its place (default a new UUID)"
	flags.StringVar(&k.Reason, "reason", "", "why; it is kept with the event")
	flags.BoolVar(&k.DryRun, "dry-run", false, "show what would be changed, and change nothing")
	flags.BoolVar(&k.AllowFuture, "allow-future", false, "take a --time that is still to come")
	mustRequire(cmd, "reason")
	return cmd
}

// changeByFlags returns what gives an event the fields whose flags are given.
func changeByFlags(cmd *cobra.Command, given usage.Event) (func(usage.Event) usage.Event, error) {
	var changed []*usage.Field
	fields, content := usage.EntryFields(), false
	for i := range fields {
		f := &fields[i]
		name := strings.TrimSuffix(strings.ReplaceAll(f.Name, "_", "-"), "-id") // user_id is --user
		if flag := cmd.Flags().Lookup(name); flag != nil && flag.Changed && !f.Recorded {
			changed = append(changed, f)
			content = content || name != "id"
		}
	}
	if !content {
		return nil, failure.Invalidf("there is nothing to correct: say what it should have been").
			WithHint("such as --input-tokens, --model or --status-code; to take it back alone: alwrity-sub usage void "+
				"--reason … %s", failure.ShellArgument(cmd.Flags().Arg(0)))
	}
	return func(event usage.Event) usage.Event {
		to, from := usage.Entry{Event: event}, usage.Entry{Event: given}
		for _, f := range changed {
			f.Copy(&to, &from)
		}
		return to.Event
	}, nil
}
