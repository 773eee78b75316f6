package commands

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
)

type versionOptions struct{ env *Env }

func newVersionCmd(env *Env) *cobra.Command {
	opts := &versionOptions{env}
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  alwrity-sub version", Args: cobra.NoArgs, Annotations: exitCodes("0,1,2"),
		RunE: func(cmd *cobra.Command, _ []string) error { return versionRun(cmd.Context(), opts) },
	}
}

func versionRun(_ context.Context, opts *versionOptions) error {
	return opts.env.print(report.Version(report.VersionInfo{
		Version: opts.env.Settings.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, SQLite: opts.env.Settings.SQLiteVersion,
	}))
}
