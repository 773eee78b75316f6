package commands

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/report"
)

func newVersionCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  alwrity-sub version", Args: cobra.NoArgs,
		Annotations: exitCodes("0,1,2"),
		RunE: func(*cobra.Command, []string) error {
			return env.print(report.Version(report.VersionInfo{
				Version: env.Settings.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
				SQLite: env.Settings.SQLiteVersion,
			}))
		},
	}
}
