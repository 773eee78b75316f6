package commands

import (
	"context"
	"errors"
	"io"
	"os"
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
	strict                bool
}

func newUsageImportCmd(env *Env) *cobra.Command {
	var opts usageImportOptions
	cmd := &cobra.Command{
		Use: "import FILE|-", Short: "Record the calls of a file of JSON lines or CSV",
		Long: `Record the calls of a file of JSON lines, or of CSV with a header, also packed with
gzip; - is standard input. Importing a file again adds nothing, so an import that was interrupted is
simply run again. A bad row stops nothing: it is counted, shown with its line and
reason, and written whole to the rejects file; the exit code is 2 then.`,
		Example: "  alwrity-sub usage import calls.jsonl --rejects bad.jsonl\n" +
			"  cat calls.csv.gz | alwrity-sub usage import - --format csv",
		Args:        cobra.ExactArgs(1),
		Annotations: map[string]string{"exit_codes": "0,1,2,5,6,130", BoundedMemory: "true"},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.file = args[0]
			return usageImportRun(cmd.Context(), env, opts)
		},
	}
	cmd.Flags().StringVar(&opts.format, "format", "", "jsonl or csv (default by the file's ending, else jsonl)")
	cmd.Flags().BoolVar(&opts.strict, "strict", false, "reject calls that have no price")
	cmd.Flags().StringVar(&opts.rejects, "rejects", "", "write the rows that were not recorded to this `FILE`")
	return cmd
}

func usageImportRun(ctx context.Context, env *Env, opts usageImportOptions) error {
	format, err := opts.fileFormat()
	if err != nil {
		return err
	}
	return env.withServices(ctx, func(s *Services) error {
		in, size, err := opts.open(env.In)
		if err != nil {
			return err
		}
		defer in.Close()
		// A read of a pipe would wait for whoever writes into it.
		defer context.AfterFunc(ctx, func() { _ = in.Close() })()
		if err := s.Archives.RequireNotArchived(ctx, opts.file); err != nil {
			return err
		}
		rejects, err := openRejects(opts.rejects, in)
		if err != nil {
			return err
		}
		began := time.Now() //nolint:forbidigo // how long the import takes is no matter of --now
		bar := env.progressBar(size, "importing", progressbar.OptionShowBytes(true))
		result, err := s.Usage.Import(ctx, env.Now(), decompressed(io.TeeReader(in, bar)), usage.ImportOptions{
			Format: format, Name: opts.file, Strict: opts.strict, Rejects: rejects, Hint: Hint,
		})
		if damaged, ok := errors.AsType[damagedError](err); ok {
			err = failure.Invalidf("the file %s is damaged: %s after %d rows", opts.file, damaged, result.Read).Because(err)
		}
		if errors.Is(err, os.ErrClosed) && ctx.Err() != nil {
			err = ctx.Err()
		}
		result.Elapsed = time.Since(began) //nolint:forbidigo // as above
		_ = bar.Finish()                   // it only draws
		if closeErr := rejects.close(); err == nil {
			err = closeErr
		}
		return opts.finish(env, result, err)
	})
}

// finish prints the result, also of an import that did not come to its end.
func (opts *usageImportOptions) finish(env *Env, result usage.ImportResult, err error) error {
	if err != nil {
		if result.Read > 0 && !env.writesJSON() {
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
		return failure.Invalidf("%d of %d rows were not recorded", bad, result.Read).WithReason("rows_rejected").
			WithHint("%s; mend them and import that file", where)
	}
	return nil
}

func (opts *usageImportOptions) fileFormat() (usage.FileFormat, error) {
	switch format := usage.FileFormat(strings.ToLower(opts.format)); format {
	case usage.JSONLines, usage.CSV:
		return format, nil
	case "":
		name := strings.ToLower(opts.file)
		if strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".csv") {
			return usage.CSV, nil
		}
		return usage.JSONLines, nil
	}
	return "", failure.Invalidf("format is %q: it must be jsonl or csv", failure.Shorten(opts.format))
}

// open returns the file, or standard input, and its size, -1 where that is not known.
func (opts *usageImportOptions) open(stdin io.Reader) (io.ReadCloser, int64, error) {
	if opts.file == "-" {
		return io.NopCloser(stdin), -1, nil
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
