package commands

import (
	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
)

func newBillingCmd(env *Env) *cobra.Command {
	return group("billing", "Closing periods: renewals, bills, payments",
		newBillingCloseCmd(env), newBillingListCmd(env), newBillingShowCmd(env), newBillingPreviewCmd(env),
		newBillingMarkPaidCmd(env), newBillingVoidCmd(env), newBillingCreditCmd(env), newBillingCreditsCmd(env),
		newBillingReportCmd(env), newBillingStatementCmd(env), newBillingExportCmd(env))
}

// billing returns the billing of a database.
func (env *Env) billing(db Database) *billing.Service {
	return &billing.Service{Store: db, Actor: env.Settings.Actor, Rules: env.Settings.Billing}
}
