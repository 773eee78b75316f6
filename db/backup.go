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
	if err := claim(file); err != nil {
		return err
	}
	write := d.copyTo
	if d.kind == PostgreSQL {
		write = d.dump
	}
	if err := write(ctx, file); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// claim makes the empty file that a backup goes into, for its owner alone: a
// backup holds everything, and never overwrites another.
func claim(file string) error {
	made, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, os.ErrExist):
		return failure.Conflictf("the file %s exists already: a backup never overwrites", file)
	case err != nil:
		return failure.Unavailablef("the backup can't be written to %s: %s", file, errors.Unwrap(err)).
			WithHint("check that its directory exists and can be written").Because(err)
	}
	return made.Close()
}

// copyTo writes a SQLite database into an empty file.
func (d *DB) copyTo(ctx context.Context, file string) error {
	if _, err := d.reader.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		return d.failure(ctx, err)
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
		return failure.Unavailablef("pg_dump failed: %s", output).Because(err)
	}
	return nil
}
