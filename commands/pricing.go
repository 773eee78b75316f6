package commands

import (
	"github.com/spf13/cobra"
)

func newPricingCmd(env *Env) *cobra.Command {
	return group("pricing", "Prices of providers and models",
		newPricingListCmd(env, nil), newPricingHistoryCmd(env, nil), newPricingSetCmd(env, nil), newPricingQuoteCmd(env, nil),
		newPricingRerateCmd(env, nil), newPricingExportCmd(env, nil), newPricingApplyCmd(env, nil))
}
