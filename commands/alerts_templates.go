package commands

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/notify"
	"github.com/alwrity/alwrity-sub/report"
)

type alertsTemplatesOptions struct {
	env *Env
	dir string
}

func newAlertsTemplatesCmd(env *Env) *cobra.Command {
	opts := &alertsTemplatesOptions{env: env}
	return &cobra.Command{
		Use: "templates DIR", Short: "Write the built-in templates of messages to a directory, to change them",
		Long: `Write the built-in templates of messages to a directory, to change them. A file that
is there already stays as it is. ALWRITY_SUB_TEMPLATES names the directory with those
that count; what is not in it is taken from the built-in ones.`,
		Example: "  alwrity-sub alerts templates templates", Args: cobra.ExactArgs(1), Annotations: exitCodes("0,1,2"),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.dir = args[0]
			return alertsTemplatesRun(cmd.Context(), opts)
		},
	}
}

func alertsTemplatesRun(_ context.Context, opts *alertsTemplatesOptions) error {
	files, err := notify.BuiltInTemplates()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(opts.dir, 0o750); err != nil {
		return failure.Invalidf("the directory %s can't be made: %s", opts.dir, reason(err)).Because(err)
	}
	written := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(opts.dir, name)
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			_, err = file.WriteString(files[name])
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			return failure.Invalidf("%s can't be written: %s", path, reason(err)).Because(err)
		}
		written++
	}
	return opts.env.print(report.TemplatesWritten(written, len(files)-written))
}
