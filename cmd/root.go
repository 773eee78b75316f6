package cmd

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const longHelp = `The subscription back office of an AI product: plans, prices, usage, limits,
alerts and reports, on an embedded SQLite file or on PostgreSQL.

Results go to stdout, everything else to stderr. With -o json a failure is one
JSON object on stderr.`

const firstSteps = `  alwrity-sub init
  alwrity-sub users subscribe alice --plan pro
  alwrity-sub usage record --user alice --provider openai --model gpt-4o --input-tokens 1000 --output-tokens 200
  alwrity-sub limits check --user alice --provider openai
  alwrity-sub usage report`

// newRoot puts the command tree together.
func (g *program) newRoot(verbs []*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:               "alwrity-sub",
		Short:             "Plans, prices, usage, limits, alerts and reports of an AI product",
		Long:              longHelp,
		Example:           firstSteps,
		Version:           g.process.Version,
		Args:              cobra.ArbitraryArgs, // unknown commands are found in showHelp
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return g.prepare(c) },
	}
	root.SetIn(g.process.In)
	root.SetOut(g.out)
	root.SetErr(g.process.Err)
	root.SetFlagErrorFunc(flagError)
	addGlobalFlags(root.PersistentFlags())
	root.AddCommand(verbs...)
	root.SetHelpCommand(newHelp(root))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	help := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) { g.showHelp(help, c, args) })
	g.wrapCommands(root)
	return root
}

// addGlobalFlags adds the flags of every command. Their defaults are those of the configuration, which comes between.
func addGlobalFlags(flags *pflag.FlagSet) {
	flags.String("database-url", "", "database `URL` (default: DATABASE_URL, else sqlite:///./alwrity.db)")
	flags.String("env-file", "", "`FILE` with environment variables (default: .env here, if it exists)")
	flags.String("config", "", "configuration `FILE` (default: alwrity-sub.yaml here or in the user's config directory)")
	flags.StringP("output", "o", "", "`FORMAT` of results: table, json, jsonl or csv (default: table)")
	flags.String("now", "", "act as if it were this moment: a `TIME` of RFC 3339, or a date")
	flags.String("color", "", "`WHEN` to use colours: auto, always or never (default: auto)")
	flags.BoolP("quiet", "q", false, "only what was asked for: no notes, no progress")
	flags.Bool("debug", false, "log everything")
	flags.String("log-level", "", "log this `LEVEL` and above: debug, info, warn or error (default: warn)")
	flags.String("log-format", "", "`FORMAT` of logs: text or json (default: text)")
	flags.String("log-file", "", "log to this `FILE` as well (default: none; usually logs/subscription_errors.log)")
}

// wrapCommands notes when a command's own code begins, which tells its errors from
// those of the command line, and words the errors about arguments.
func (g *program) wrapCommands(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error { return argumentsError(c, args, check(c, args)) }
	}
	if work := c.RunE; work != nil {
		c.RunE = func(c *cobra.Command, args []string) error {
			g.began = true
			return work(c, args)
		}
	}
	for _, child := range c.Commands() {
		g.wrapCommands(child)
	}
}

// needsNoConfig tells whether a command works without any configuration.
func needsNoConfig(c *cobra.Command) bool {
	name := firstLevel(c).Name()
	return name == "help" || name == "completion"
}

// isCompletion tells whether a shell asks how a word goes on.
func isCompletion(c *cobra.Command) bool {
	return c.Name() == cobra.ShellCompRequestCmd || c.Name() == cobra.ShellCompNoDescRequestCmd
}

// firstLevel returns the command right below the root that c is or belongs to.
func firstLevel(c *cobra.Command) *cobra.Command {
	for c.HasParent() && c.Parent().HasParent() {
		c = c.Parent()
	}
	return c
}
