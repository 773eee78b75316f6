package commands

import (
	"github.com/spf13/cobra"
)

func newPricingCmd(env *Env) *cobra.Command {
	return group("pricing", "Prices of providers and models",
		newPricingListCmd(env), newPricingHistoryCmd(env), newPricingSetCmd(env), newPricingQuoteCmd(env),
		newPricingRerateCmd(env), newPricingExportCmd(env), newPricingApplyCmd(env))
}
