package commands

import "github.com/spf13/cobra"

func newBillingCmd(env *Env) *cobra.Command {
	return group("billing", "Closing periods: renewals, bills, payments",
		newBillingCloseCmd(env), newBillingListCmd(env), newBillingShowCmd(env), newBillingPreviewCmd(env),
		newBillingMarkPaidCmd(env), newBillingVoidCmd(env), newBillingCreditCmd(env), newBillingCreditsCmd(env),
		newBillingReportCmd(env), newBillingStatementCmd(env), newBillingExportCmd(env))
}
