package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/usage"
)

type usageRestoreOptions struct {
	env  *Env
	file string
}

func newUsageRestoreCmd(env *Env) *cobra.Command {
	opts := &usageRestoreOptions{env: env}
	return &cobra.Command{
		Use: "restore FILE", Short: "Bring an archived month of the log back",
		Long: `Bring the log rows of an archived month back as they were recorded, with their cost,
plan and period; usage can be recorded in the month again. The file must be the one
that was archived from this database, to the last byte. It stays where it is. In
another database its events are recorded with usage import.`,
		Example: "  alwrity-sub usage archives\n  alwrity-sub usage restore /srv/alwrity/archive/usage-2026-08.jsonl.gz",
		Args:    cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,3,5,6,130"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.file = args[0]
			return usageRestoreRun(cmd.Context(), opts)
		},
	}
}

func usageRestoreRun(ctx context.Context, opts *usageRestoreOptions) error {
	sum, err := sumOfFile(opts.file)
	if err != nil {
		return failure.Invalidf("the file %s can't be read: %s", opts.file, reason(err)).Because(err)
	}
	return opts.env.withServices(ctx, func(s *Services) error {
		a, err := opts.find(ctx, s, sum)
		if err != nil {
			return err
		}
		rows := usage.ReadArchived(func() (io.ReadCloser, error) { return openChecked(opts.file, sum) })
		audit := usage.Audit{At: opts.env.Now(), Actor: opts.env.Settings.Actor, Action: "usage restore"}
		if err := s.Archives.Restore(ctx, audit, a, rows); err != nil {
			return err
		}
		return opts.env.print(report.Restored(a))
	})
}

// find returns the archived month whose file has a SHA-256.
func (opts *usageRestoreOptions) find(ctx context.Context, s *Services, sum string) (usage.Archive, error) {
	archives, err := s.Archives.Archives(ctx)
	if err != nil {
		return usage.Archive{}, err
	}
	for _, a := range archives {
		if a.SHA256 == sum {
			return a, nil
		}
	}
	for _, a := range archives {
		if a.File == filepath.Base(opts.file) {
			return a, failure.Conflictf("the file %s is not the one that was archived: its SHA-256 is %s, and %s was recorded", opts.file, sum, a.SHA256).
				WithHint("find the right file, or its copy in a backup")
		}
	}
	return usage.Archive{}, failure.NotFoundf("no month is archived in %s", opts.file).
		WithHint("list what is archived: alwrity-sub usage archives; events of another database: alwrity-sub usage import %s", opts.file)
}

// checkedFile is a file that must have a SHA-256 when its end is read.
type checkedFile struct {
	*os.File
	want string
	sum  hash.Hash
}

func openChecked(path, sum string) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, failure.Invalidf("the file %s can't be read: %s", path, reason(err)).Because(err)
	}
	return &checkedFile{file, sum, sha256.New()}, nil
}

// Read implements io.Reader.
func (f *checkedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.sum.Write(p[:n]) // which never fails
	if errors.Is(err, io.EOF) && hex.EncodeToString(f.sum.Sum(nil)) != f.want {
		return n, failure.Conflictf("the file %s has changed while it was read", f.Name())
	}
	return n, err
}
