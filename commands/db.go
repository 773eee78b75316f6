package commands

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/report"
)

func newDBCmd(env *Env) *cobra.Command {
	return group("db", "The database itself", newDBStatusCmd(env), newDBBackupCmd(env))
}

func newDBStatusCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show which database is used, its schema and its size",
		Example: "  alwrity-sub db status", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			s, err := env.Inspect(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			status, err := s.Storage.Counted(cmd.Context())
			if err != nil {
				return err
			}
			return env.print(report.Status(status))
		},
	}
}

func newDBBackupCmd(env *Env) *cobra.Command {
	rehearsal := false
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Write a consistent copy of the database, while others go on writing",
		Long: `Write a consistent copy of the database while others go on writing: of SQLite a
database file, of PostgreSQL an archive for pg_restore (made by pg_dump). The file
must not be there yet. With --rehearsal the copy of a SQLite file is one to rehearse in,
as init --rehearsal makes one.`,
		Example:     "  alwrity-sub db backup alwrity-2026-11-23.db\n  alwrity-sub db backup --rehearsal rehearsal.db",
		Args:        cobra.ExactArgs(1),
		Annotations: exitCodes("0,1,2,5,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (doc report.Document, err error) {
			file := args[0]
			if err := s.Storage.Backup(ctx, file, rehearsal); err != nil {
				return doc, err
			}
			info, err := os.Stat(file)
			if err != nil {
				return doc, failure.Unavailablef("the backup is not there: %s", failure.WithoutPath(err)).Because(err)
			}
			return report.Backup(file, info.Size()), nil
		}),
	}
	cmd.Flags().BoolVar(&rehearsal, "rehearsal", false, "make the copy one to rehearse in")
	return cmd
}
