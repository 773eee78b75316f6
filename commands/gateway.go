package commands

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/report"
)

// UsesGateway is the annotation of a command that asks the gateway: Services then have one.
const UsesGateway = "uses_gateway"

func newGatewayCmd(env *Env) *cobra.Command {
	return group("gateway", "Calls to AI vendors: what can be called, and whether it works",
		newGatewayStatusCmd(env), newGatewayModelsCmd(env), newGatewayTestCmd(env))
}

func gatewayCommand(codes string) map[string]string {
	return map[string]string{"exit_codes": codes, UsesGateway: "true"}
}

func newGatewayStatusCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show which vendors have a key, and what waits to be settled",
		Long: `Show which vendors can be called, whether their keys are set (never the keys), what is in
the spool, how many reservations hold something, and the calls of servers that were
killed: those that are not settled yet, and those whose outcome nobody knows.`,
		Example: "  alwrity-sub gateway status", Args: cobra.NoArgs, Annotations: gatewayCommand("0,1,2,6"),
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			status, err := s.Gateway.Status(ctx)
			return report.GatewayStatus(status), err
		}),
	}
}

func newGatewayModelsCmd(env *Env) *cobra.Command {
	var provider string
	var all bool
	cmd := &cobra.Command{
		Use: "models", Short: "List what can be called, with its prices now",
		Example: "  alwrity-sub gateway models --provider gemini\n  alwrity-sub gateway models --all", Args: cobra.NoArgs,
		Annotations: gatewayCommand("0,1,2,6"),
		RunE: env.show(func(ctx context.Context, s *Services, _ []string) (report.Document, error) {
			models, err := s.Gateway.Models(ctx, provider, all)
			return report.GatewayModels(models), err
		}),
	}
	addProvider(cmd, &provider, "only this PROVIDER")
	cmd.Flags().BoolVar(&all, "all", false, "also of vendors whose key is missing")
	return cmd
}

func newGatewayTestCmd(env *Env) *cobra.Command {
	try := gateway.Try{}
	cmd := &cobra.Command{
		Use: "test PROVIDER", Short: "Make one cheap call to a vendor, the whole way",
		Long: `Make one call to a vendor, as cheap as can be, the whole way: it is reserved against
every limit, forwarded with the vendor's key, and settled. What it cost, how long it
took and what the vendor said is shown. PROVIDER is a provider or the name of an upstream.

The call is real: the vendor charges for it, and it is recorded. With --user limits
refuse it as any other call of the user.`,
		Example: "  alwrity-sub gateway test openai\n" +
			"  alwrity-sub gateway test anthropic --model claude-haiku-4-5 --user alice",
		Args: cobra.ExactArgs(1), Annotations: gatewayCommand("0,1,2,3,4,6"),
		RunE: env.show(func(ctx context.Context, s *Services, args []string) (report.Document, error) {
			try.Name = strings.ToLower(args[0])
			tried, err := s.Gateway.Try(ctx, try)
			return report.GatewayTried(tried), err
		}),
	}
	cmd.Flags().StringVar(&try.Model, "model", "", "call this `MODEL` (default a cheap one that has a price)")
	cmd.Flags().StringVar(&try.User, "user", "",
		"the `USER` whose call it is (default "+gateway.TestUser+", which no limit refuses)")
	return cmd
}
