package db

import (
	"context"
	"errors"
	"os"
	"os/exec"

	"github.com/alwrity/alwrity-sub/failure"
)

// Backup writes a consistent copy of the database while others go on writing: of
// SQLite another SQLite file, of PostgreSQL an archive that pg_restore reads. The
// file must not be there yet.
func (d *DB) Backup(ctx context.Context, file string) error {
	if _, err := os.Lstat(file); err == nil {
		return failure.Conflictf("the file %s exists already: a backup never overwrites", file)
	}
	if d.kind == PostgreSQL {
		return d.dump(ctx, file)
	}
	if _, err := d.reader.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		return errors.Join(backupFailure(file, d.failure(ctx, err)), removeIfThere(file))
	}
	return useWAL(ctx, file)
}

// useWAL gives a copy the journal mode of its original, which VACUUM INTO does not
// copy, so that it can be used as it is.
func useWAL(ctx context.Context, file string) error {
	d, err := connect(ctx, SQLiteFile(file), "rw")
	if err != nil {
		return err
	}
	_, err = d.writer.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	return errors.Join(d.classify(err), d.Close())
}

func removeIfThere(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func backupFailure(file string, err error) error {
	if _, statErr := os.Stat(file); statErr != nil && failure.Is(err, failure.Unavailable) {
		return failure.Unavailablef("the backup can't be written to %s: %s", file, err).WithHint("check that its directory exists and can be written")
	}
	return err
}

// dump runs pg_dump, which is what PostgreSQL's own tools restore from. The
// password goes through the environment, where no list of processes shows it.
func (d *DB) dump(ctx context.Context, file string) error {
	path, err := exec.LookPath("pg_dump")
	if err != nil {
		return failure.Unavailablef("a backup of PostgreSQL needs pg_dump, and it is not installed").
			WithHint("install the package postgresql-client, or run pg_dump where the server is").Because(err)
	}
	dsn, password, err := d.target.withoutPassword()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, path, "--format=custom", "--no-owner", "--file="+file, "--dbname="+dsn)
	if password != "" {
		command.Env = append(command.Environ(), "PGPASSWORD="+password)
	}
	if output, err := command.CombinedOutput(); err != nil {
		return errors.Join(failure.Unavailablef("pg_dump failed: %s", output).Because(err), removeIfThere(file))
	}
	return nil
}
