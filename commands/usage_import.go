package commands

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageImportOptions struct {
	file, format, rejects string
	maps, ignored         []string
	mapFile               string
	usage.ImportOptions
}

func newUsageImportCmd(env *Env) *cobra.Command {
	var opts usageImportOptions
	cmd := &cobra.Command{
		Use: "import FILE|-", Short: "Record the calls of a file of JSON or CSV",
		Long: `Record the calls of a file: JSON lines, a JSON list, or CSV with a header, separated
by commas, semicolons or tabs, in UTF-8 or UTF-16, also packed with gzip or zstd; - is
standard input. Importing a file again adds nothing, so an import that was interrupted
is simply run again. A bad row stops nothing: it is counted, shown with its line and
reason, and written whole to the rejects file; the exit code is 2 then.

Besides the names of our own fields those of other formats are read:
` + readNames() + `
docs/json.md lists them. A name for anything else is given with --map. A field whose
name looks like money, a time, a quantity or an outcome and that is not read refuses
the file before the first row is recorded: say what it is, or that it does not matter.`,
		Example: "  alwrity-sub usage import calls.jsonl --rejects bad.jsonl\n" +
			"  cat calls.csv.gz | alwrity-sub usage import - --format csv\n" +
			"  alwrity-sub usage import export.csv --map customer=user_id --map started=time --ignore list_price --dry-run",
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"exit_codes": "0,1,2,5,6,130", BoundedMemory: "true"},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.file = args[0]
			return usageImportRun(cmd.Context(), env, opts)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.format, "format", "", "jsonl, json or csv (default as the file itself tells)")
	flags.BoolVar(&opts.Strict, "strict", false, "reject calls that have no price")
	flags.StringVar(&opts.rejects, "rejects", "", "write the rows that were not recorded to this `FILE`")
	flags.StringArrayVar(&opts.maps, "map", nil,
		"read the file's field THEIRS as our field OURS: `THEIRS=OURS`; may be repeated")
	flags.StringVar(&opts.mapFile, "map-file", "", "a `FILE` with one THEIRS=OURS a line")
	flags.StringArrayVar(&opts.ignored, "ignore", nil, "`FIELDS` that don't matter, separated by commas; may be repeated")
	addTime(cmd, &opts.Time, "time", "when the calls were made that have no time of their own")
	addProvider(cmd, &opts.Provider, "the PROVIDER of calls that name none")
	flags.StringVar(&opts.User, "user", "", "the `USER` of calls that name none")
	flags.BoolVar(&opts.KnownUsers, "known-user", false, "reject calls of users who were never seen")
	flags.BoolVar(&opts.DryRun, "dry-run", false, "record nothing, and show what would have been recorded")
	flags.BoolVar(&opts.AllowFuture, "allow-future", false, "record calls whose time is still to come")
	return cmd
}

// readNames lists the formats whose names are read.
func readNames() string {
	var formats []string
	for _, group := range usage.ImportNames() {
		if group.Format != "any" && !slices.Contains(formats, group.Format) {
			formats = append(formats, group.Format)
		}
	}
	return wrapped(strings.Join(formats, "; ")+".", 86)
}

// wrapped breaks a text into lines of at most so many characters.
func wrapped(text string, width int) string {
	var b strings.Builder
	length := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case length > 0 && length+1+len(word) > width:
			b.WriteByte('\n')
			length = 0
		case length > 0:
			b.WriteByte(' ')
			length++
		}
		b.WriteString(word)
		length += len(word)
	}
	return b.String()
}

func usageImportRun(ctx context.Context, env *Env, opts usageImportOptions) error {
	if err := opts.complete(); err != nil {
		return err
	}
	return env.withServices(ctx, func(s *Services) error {
		in, size, err := opts.open(env.In)
		if err != nil {
			return err
		}
		defer closeRead(in)
		// A read of a pipe would wait for whoever writes into it.
		defer context.AfterFunc(ctx, func() { closeRead(in) })()
		if err := s.Archives.RequireNotArchived(ctx, opts.file); err != nil {
			return err
		}
		rejects, err := openRejects(opts.rejects, in)
		if err != nil {
			return err
		}
		file := in
		if size < 0 {
			if file, size, err = readPipe(in, &opts.ImportOptions); err != nil {
				return whenClosed(ctx, err)
			}
			defer closeRead(file)
		}
		began := time.Now() //nolint:forbidigo // how long the import takes is no matter of --now
		bar := env.progressBar(size, "importing", progressbar.OptionShowBytes(true))
		opts.Rejects = rejects
		result, err := s.Usage.Import(ctx, env.Now(), countedFile{file, bar}, opts.ImportOptions)
		err = whenClosed(ctx, err)
		result.Elapsed = time.Since(began) //nolint:forbidigo // as above
		_ = bar.Finish()                   // it only draws
		if closeErr := rejects.close(); err == nil {
			err = closeErr
		}
		return opts.finish(env, result, err)
	})
}

// complete reads what the flags say.
func (opts *usageImportOptions) complete() error {
	switch opts.Format = usage.FileFormat(strings.ToLower(opts.format)); opts.Format {
	case "", usage.JSONLines, usage.CSV, usage.JSONArray:
	default:
		return failure.Invalidf("format is %q: it must be jsonl, json or csv", failure.Shorten(opts.format))
	}
	opts.Name, opts.Hint = opts.file, Hint
	var maps []string
	if opts.mapFile != "" {
		text, err := failure.ReadFile(opts.mapFile)
		if err != nil {
			return unreadable(opts.mapFile, err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				maps = append(maps, line)
			}
		}
	}
	fromFile := len(maps)
	for i, pair := range append(maps, opts.maps...) {
		at := strings.LastIndexByte(pair, '=')
		if at < 0 {
			return failure.Invalidf("the mapping %q has no =: write it as THEIRS=OURS", failure.Shorten(pair))
		}
		opts.Mapping.Map = append(opts.Mapping.Map, usage.Renamed{Theirs: strings.TrimSpace(pair[:at]),
			Ours: strings.TrimSpace(pair[at+1:]), MayMiss: i < fromFile})
	}
	for _, names := range opts.ignored {
		opts.Mapping.Ignore = append(opts.Mapping.Ignore, strings.Split(names, ",")...)
	}
	return nil
}

// whenClosed returns the error of the context for that of a file that was closed because the context ended.
func whenClosed(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrClosed) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// finish prints the result, also of an import that did not come to its end.
func (opts *usageImportOptions) finish(env *Env, result usage.ImportResult, err error) error {
	if err != nil {
		if result.Read > 0 && !opts.DryRun && !env.writesJSON() {
			env.warn("note: %d rows were read and %d recorded before that; run the command again, nothing is recorded twice",
				result.Read, result.Recorded)
		}
		return err
	}
	if err := env.print(report.Import(result)); err != nil {
		return err
	}
	if bad := result.Rejected + result.Conflicts; bad > 0 {
		where := "name a file with --rejects to keep them"
		if opts.rejects != "" {
			where = "they are in " + opts.rejects
		}
		were := "were not"
		if opts.DryRun {
			were = "would not be"
		}
		return failure.Invalidf("%d of %d rows %s recorded", bad, result.Read, were).WithReason("rows_rejected").
			WithHint("%s; mend them and import that file", where)
	}
	return nil
}

// open returns the file, or standard input, and its size, -1 for what can be read only once.
func (opts *usageImportOptions) open(stdin io.Reader) (importedFile, int64, error) {
	if opts.file == "-" {
		return pipe{stdin}, -1, nil
	}
	file, err := os.Open(opts.file)
	if err != nil {
		return nil, 0, unreadable(opts.file, err)
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = failure.Invalidf("%s is a directory and no file", opts.file)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	if !info.Mode().IsRegular() {
		return file, -1, nil
	}
	return file, info.Size(), nil
}
