package db

import (
	"context"

	"github.com/alwrity/alwrity-sub/usage"
)

func (d *dialect) tableNames() []string {
	return append([]string{
		"users", "subscription_plans", "plan_limits", "plan_versions", "user_subscriptions", "subscription_history",
		"api_providers", "api_provider_pricing", "api_model_aliases", "api_usage_logs", "usage_reratings", "usage_voids",
		"usage_refusals", "usage_summaries", "usage_daily", "usage_fleet_daily", "usage_user_monthly",
		"usage_reservations", "usage_alerts", "usage_archives", "usage_archived_totals", "usage_token_totals",
		"usage_archived_token_totals", "billing_accounts", "billing_numbers", "billing_history", "billing_lines",
		"billing_credits", "outbox", "outbox_deliveries", "api_tokens", "api_token_secrets", "sessions", "sign_in_links",
		"gateway_jobs", "catalogue_version", "access_version", "database_kind", "audit_log",
	}, d.ownTables...)
}

// Status describes the database. It costs the same however much is in it.
func (d *DB) Status(ctx context.Context) (usage.StorageStatus, error) { return d.status(ctx, false) }

// Counted is Status with its tables counted, where the schema is one that this binary knows.
func (d *DB) Counted(ctx context.Context) (usage.StorageStatus, error) { return d.status(ctx, true) }

func (d *DB) status(ctx context.Context, counted bool) (usage.StorageStatus, error) {
	s := usage.StorageStatus{Kind: string(d.kind), Location: d.target.redacted, SchemaNeeded: SchemaVersion}
	var err error
	if s.SchemaVersion, err = d.schemaVersion(ctx); err != nil {
		return s, err
	}
	err = d.view(ctx, func(t *tx) error {
		if err := t.query(ctx, into(&s.Version, &s.Encoding), d.softwareQuery); err != nil {
			return err
		}
		if err := t.query(ctx, into(&s.SizeBytes), d.sizeQuery); err != nil || !counted || s.SchemaVersion != SchemaVersion {
			return err
		}
		for _, name := range t.tableNames() {
			table := usage.TableStatus{Name: name}
			if err := t.query(ctx, into(&table.Rows), "SELECT COUNT(*) FROM "+name); err != nil {
				return err
			}
			s.Tables = append(s.Tables, table)
		}
		return nil
	})
	return s, err
}
