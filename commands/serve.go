package commands

import (
	"github.com/spf13/cobra"
)

// Serves is the annotation of a command that serves until it is ended.
const Serves = "serves"

func newServeCmd(env *Env) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the HTTP API and the billing page",
		Long: `Serve the HTTP API and the billing page, on ALWRITY_SUB_LISTEN (127.0.0.1:8080)
unless --listen says otherwise. It runs beside other commands and other servers on the same
database. SIGTERM or an interrupt ends it once the requests that are running are answered.`,
		Example: "  alwrity-sub serve\n  alwrity-sub serve --listen :8080",
		Args:    cobra.NoArgs, Annotations: map[string]string{"exit_codes": "0,1,2,6", Serves: "true"},
		RunE: func(cmd *cobra.Command, _ []string) error { return env.Serve(cmd.Context(), listen) },
	}
	cmd.Flags().StringVar(&listen, "listen", "", "the `ADDRESS` to listen on (default ALWRITY_SUB_LISTEN)")
	return cmd
}
