package failure

import (
	"errors"
	"io/fs"
)

// WithoutPath returns what went wrong with a file, for a message that names the file itself.
func WithoutPath(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
