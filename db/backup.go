package db

import (
	"context"
	"errors"
	"os"

	"github.com/alwrity/alwrity-sub/failure"
)

// Backup writes a consistent copy of the database while others go on writing: of
// SQLite another SQLite file, of PostgreSQL an archive that pg_restore reads. The
// file must not be there yet. With rehearsal the copy is a database for rehearsals; of PostgreSQL that is an invalid
// failure, since the copy is an archive.
func (d *DB) Backup(ctx context.Context, file string, rehearsal bool) error {
	if rehearsal && d.kind != SQLite {
		return failure.Invalidf("a backup of PostgreSQL can't be made one for rehearsals").
			WithHint("leave --rehearsal out, and rehearse with --dry-run")
	}
	if err := claim(file); err != nil {
		return err
	}
	err := d.backup(ctx, d, file)
	if err == nil && rehearsal {
		err = markRehearsal(ctx, file)
	}
	if err != nil {
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
