package commands

import (
	"github.com/spf13/cobra"

	"github.com/alwrity/alwrity-sub/billing"
)

func newBillingCmd(env *Env) *cobra.Command {
	return group("billing", "Closing periods: renewals, bills, payments",
		newBillingCloseCmd(env, nil), newBillingListCmd(env, nil), newBillingShowCmd(env, nil), newBillingPreviewCmd(env, nil),
		newBillingMarkPaidCmd(env, nil), newBillingVoidCmd(env, nil), newBillingCreditCmd(env, nil), newBillingCreditsCmd(env, nil),
		newBillingReportCmd(env, nil), newBillingStatementCmd(env, nil), newBillingExportCmd(env, nil))
}

// billing returns the billing of a database.
func (env *Env) billing(db Database) *billing.Service {
	return &billing.Service{Store: db, Actor: env.Settings.Actor, Rules: env.Settings.Billing}
}
