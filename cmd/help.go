package cmd

import (
	"fmt"

	"github.com/spf13/cobra"
)

// showHelp is cobra's help with the exit codes at its end. Cobra comes here as well for a group that was called without
// a command of its own, and for one that does not know the next word: that is an error in the command line.
func (g *program) showHelp(help func(*cobra.Command, []string), c *cobra.Command, args []string) {
	g.command = c
	if words := c.Flags().Args(); len(words) > 0 && c.HasSubCommands() && !c.Flags().Changed("help") {
		g.usageErr = unknownCommand(c, words[0], g.secrets)
		return
	}
	help(c, args)
	fmt.Fprint(g.out, exitHelp(c))
}

// newHelp is the command help. Cobra's own one succeeds for commands that do not exist.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]...",
		Short:   "Show how a command is used",
		Example: "  alwrity-sub help usage import",
		RunE: func(_ *cobra.Command, words []string) error {
			c, rest, err := root.Find(words)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return unknownCommand(c, rest[0], &redactor{})
			}
			c.InitDefaultHelpFlag()
			c.InitDefaultVersionFlag()
			return c.Help()
		},
	}
}
