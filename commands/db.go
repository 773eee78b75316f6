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

type dbStatusOptions struct{ env *Env }

func newDBStatusCmd(env *Env) *cobra.Command {
	opts := &dbStatusOptions{env}
	return &cobra.Command{
		Use: "status", Short: "Show which database is used, its schema and its size", Example: "  alwrity-sub db status", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return dbStatusRun(cmd.Context(), opts) },
	}
}

func dbStatusRun(ctx context.Context, opts *dbStatusOptions) (err error) {
	s, err := opts.env.Inspect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	status, err := s.Storage.Status(ctx)
	if err != nil {
		return err
	}
	return opts.env.print(report.Status(status))
}

type dbBackupOptions struct {
	env  *Env
	file string
}

func newDBBackupCmd(env *Env) *cobra.Command {
	opts := &dbBackupOptions{env: env}
	return &cobra.Command{
		Use: "backup FILE", Short: "Write a consistent copy of the database, while others go on writing",
		Long: `Write a consistent copy of the database while others go on writing: of SQLite a
database file, of PostgreSQL an archive for pg_restore (made by pg_dump). The file
must not be there yet.`,
		Example: "  alwrity-sub db backup alwrity-2026-11-23.db", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2,5,6"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.file = args[0]
			return dbBackupRun(cmd.Context(), opts)
		},
	}
}

func dbBackupRun(ctx context.Context, opts *dbBackupOptions) error {
	return opts.env.withServices(ctx, func(s *Services) error {
		if err := s.Storage.Backup(ctx, opts.file); err != nil {
			return err
		}
		info, err := os.Stat(opts.file)
		if err != nil {
			return failure.Unavailablef("the backup is not there: %s", reason(err)).Because(err)
		}
		return opts.env.print(report.Backup(opts.file, info.Size()))
	})
}
