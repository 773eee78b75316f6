package db_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// Both migrations make the same tables, and the same columns in the same order, but
// for how an event is found by its id: by a key on SQLite, by a table of ids on
// PostgreSQL, whose log is partitioned and can't have a unique index of them.
func TestBothSchemasAreAlike(t *testing.T) {
	postgres := dbtest.PostgreSQL(t)
	postgres.Create(t)
	sqlite := dbtest.SQLite(t)
	sqlite.Create(t)
	columns := map[string][]string{
		"SQLite": lines(t, sqlite.SQL, `SELECT m.name || '.' || c.name || ' ' || lower(c.type) ||
			CASE WHEN c."notnull" OR c.pk > 0 THEN ' not null' ELSE '' END || CASE WHEN c.pk > 0 THEN ' key' ELSE '' END
			FROM sqlite_schema m, pragma_table_info(m.name) c
			WHERE m.type = 'table' AND m.name NOT IN ('schema_versions', 'sqlite_sequence') AND c.name <> 'event_key'
				ORDER BY m.name, c.cid`),
		"PostgreSQL": lines(t, postgres.SQL, `SELECT c.table_name || '.' || c.column_name || ' ' || c.data_type ||
			CASE WHEN c.is_nullable = 'NO' THEN ' not null' ELSE '' END ||
			CASE WHEN EXISTS (SELECT 1 FROM information_schema.key_column_usage k
				JOIN information_schema.table_constraints t USING (constraint_schema, constraint_name)
				WHERE t.constraint_type = 'PRIMARY KEY' AND k.table_schema = c.table_schema AND k.table_name = c.table_name
					AND k.column_name = c.column_name)
				THEN ' key' ELSE '' END
			FROM information_schema.columns c WHERE c.table_schema = current_schema()
				AND c.table_name NOT IN ('schema_versions', 'usage_event_ids', 'api_usage_logs_past', 'api_usage_logs_future')
			ORDER BY c.table_name COLLATE "C", c.ordinal_position`),
	}
	kinds := strings.NewReplacer("timestamp with time zone", "integer", "bigint", "integer", "smallint", "integer",
		"boolean", "integer", "jsonb", "text")
	a, b := columns["SQLite"], columns["PostgreSQL"]
	for i, column := range b {
		b[i] = kinds.Replace(column)
	}
	for _, list := range [][]string{a, b} {
		for i, column := range list {
			if strings.HasPrefix(column, "api_usage_logs.") {
				list[i] = strings.TrimSuffix(column, " key") // the partitions' key has to be in the primary key
			}
		}
	}
	if len(a) < 150 || len(a) != len(b) {
		t.Errorf("SQLite has %d columns and PostgreSQL %d", len(a), len(b))
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("the column %d is %q on SQLite and %q on PostgreSQL", i, a[i], b[i])
		}
	}
}

// Both have the same indexes and checks, as far as their texts can be compared.
func TestBothSchemasHaveTheSameIndexes(t *testing.T) {
	postgres := dbtest.PostgreSQL(t)
	postgres.Create(t)
	sqlite := dbtest.SQLite(t)
	sqlite.Create(t)
	a := lines(t, sqlite.SQL, `SELECT m.tbl_name || ': ' ||
		(SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(m.name) ORDER BY seqno)) ||
		CASE WHEN m.sql LIKE '% WHERE %' THEN ' partial' ELSE '' END
		FROM sqlite_schema m WHERE m.type = 'index' AND m.name NOT LIKE 'sqlite_%' AND m.tbl_name <> 'schema_versions'
			AND m.sql NOT LIKE 'CREATE UNIQUE%' AND m.name NOT IN ('api_usage_logs_by_key', 'api_usage_logs_by_user')
				ORDER BY 1`)
	for i := range a { // whose indexes end with the log_id anyway
		if strings.HasPrefix(a[i], "api_usage_logs: ") {
			a[i] = strings.Replace(a[i], "occurred_at", "occurred_at, log_id", 1)
		}
	}
	b := lines(t, postgres.SQL, `SELECT c.relname || ': ' ||
		(SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a
			WHERE a.attrelid = x.indexrelid) ||
		CASE WHEN x.indpred IS NOT NULL THEN ' partial' ELSE '' END
		FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
		WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND NOT x.indisunique
			AND c.relname NOT IN ('schema_versions', 'api_usage_logs_past', 'api_usage_logs_future')
		ORDER BY 1`)
	if fmt.Sprint(a) != fmt.Sprint(b) || len(a) == 0 {
		t.Errorf("SQLite:\n%s\nPostgreSQL:\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
}

func lines(t *testing.T, d *sql.DB, query string) []string {
	t.Helper()
	rows, err := d.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		found = append(found, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCreateIsSafeToRepeat(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		for i, wantBefore := range []int64{0, db.SchemaVersion, db.SchemaVersion} {
			d, before, after, err := db.Create(t.Context(), place.Target)
			if err != nil || before != wantBefore || after != db.SchemaVersion {
				t.Fatalf("time %d: from %d to %d, %v", i, before, after, err)
			}
			if err := write(d); err != nil {
				t.Error(err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// SQLite's settings belong to each connection, and its journal to the file.
func TestSQLiteSettings(t *testing.T) {
	place := dbtest.SQLite(t)
	place.Create(t)
	if got := fmt.Sprint(lines(t, place.SQL, "PRAGMA journal_mode")); got != "[wal]" {
		t.Errorf("the journal is %s", got)
	}
}

// Before version 8 the wording of an error told which mails wait for a mail server to be configured.
func TestMailThatIsHeldBeforeAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 7)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01'"}[place.Kind]
		const unconfigured = "no mail server is configured (SMTP_HOST)"
		for _, row := range []string{
			"'email', 'a', 'waiting', '" + unconfigured + "'", "'email', 'b', 'waiting', ''",
			"'email', 'c', 'dead', '" + unconfigured + "'", "'webhook', 'd', 'waiting', '" + unconfigured + "'",
			"'email', 'e', 'waiting', 'connection refused'",
		} {
			execute(t, before.Pool(), "INSERT INTO outbox (message_key, kind, user_id, data, created_at) VALUES ("+
				strings.Split(row, ", ")[1]+", 'bill_ready', 'u', '{}', "+moment+")")
			execute(t, before.Pool(), `INSERT INTO outbox_deliveries (message_id, audience, urgent, attempts, next_attempt_at,
				claimed_by, changed_at, channel, recipient, status, last_error)
				SELECT MAX(message_id), 'user', FALSE, 1, `+moment+", '', "+moment+", "+row+" FROM outbox")
		}
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		place.Create(t)
		held := lines(t, place.SQL, "SELECT recipient FROM outbox_deliveries WHERE held ORDER BY recipient")
		if fmt.Sprint(held) != "[a]" {
			t.Errorf("held are %s", held)
		}
		if n := fmt.Sprint(lines(t, place.SQL, "SELECT COUNT(*) FROM outbox_deliveries")); n != "[5]" {
			t.Errorf("%s deliveries are left", n)
		}
	})
}

// Version 10 finds a database that is real, whose users and credits have none of what it brings.
func TestGuardsOfRowsBeforeAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 9)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01'"}[place.Kind]
		execute(t, before.Pool(), "INSERT INTO users (user_id, created_at) VALUES ('u', "+moment+")")
		for range 2 {
			execute(t, before.Pool(), "INSERT INTO billing_credits (user_id, at, amount_pico, reason, actor) VALUES "+
				"('u', "+moment+", 5000000, 'x', 'y')")
		}
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		d := place.Create(t)
		if d.Rehearsal() {
			t.Error("a real database has become a rehearsal")
		}
		got := lines(t, place.SQL, "SELECT name || '/' || address || '/' || country || '/' || tax_id FROM users")
		got = append(got, lines(t, place.SQL, "SELECT 'none' || credit_key || reference FROM billing_credits")...)
		if fmt.Sprint(got) != "[/// none none]" {
			t.Errorf("%q", got)
		}
		if err := d.BeginRehearsal(t.Context()); !failure.Is(err, failure.Conflict) {
			t.Errorf("%v", err)
		}
	})
}

// Before version 11 no column of the log could be negative, in no partition of it, and an alert stood for ever.
func TestLogTakesCounterEntriesAfterAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 10)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01 00:00:00+00'"}[place.Kind]
		row := func(id string, n int) string {
			columns, values := "", ""
			if place.Kind == db.SQLite {
				columns, values = "event_key, ", "1, "
			}
			return fmt.Sprintf(`INSERT INTO api_usage_logs (%soccurred_at, period_start, recorded_at, plan_id, requests,
				input_tokens, output_tokens, cached_input_tokens, images, searches, pages, characters, seconds, cost_pico,
				response_time_ms, retry_count, status_code, billable, event_id, user_id, provider, vendor, model, pricing,
				endpoint, method, error_message) VALUES (%s%s, %[3]s, %[3]s, 1, %[4]d, %[4]d, %[4]d, %[4]d, %[4]d, %[4]d, %[4]d,
				%[4]d, %[4]d, %[4]d, 0, 0, 200, FALSE, '%[5]s', 'u', 'p', 'v', 'm', 'exact', '', '', '')`,
				columns, values, moment, n, id)
		}
		if place.Kind == db.PostgreSQL {
			execute(t, before.Pool(), `CREATE TABLE log_of_december
				(LIKE api_usage_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES)`)
			execute(t, before.Pool(), `ALTER TABLE api_usage_logs ATTACH PARTITION log_of_december
				FOR VALUES FROM ('2025-12-01 00:00:00+00') TO ('2026-01-01 00:00:00+00')`)
		}
		execute(t, before.Pool(), row("a", 7))
		if _, err := before.Pool().Exec(row("b", -7)); err == nil {
			t.Error("version 10 has no checks: the test shows nothing")
		}
		execute(t, before.Pool(), "INSERT INTO users (user_id, created_at) VALUES ('u', "+moment+")")
		const alert = `INSERT INTO usage_alerts (user_id, period_start, limit_name, meter, action, threshold, used_amount,
			max_amount, event_id, created_at) VALUES ('u', %[1]s, 'l', 'calls', 'block', 80, 9, 10, 'a', %[1]s)`
		execute(t, before.Pool(), fmt.Sprintf(alert, moment))
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		after, err := db.MigrateTo(t.Context(), place.Target, 11)
		if err != nil {
			t.Fatal(err)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
		execute(t, place.SQL, row("b", -7))
		sum := lines(t, place.SQL, `SELECT SUM(requests + input_tokens + output_tokens + cached_input_tokens + images
			+ searches + pages + characters + seconds + cost_pico) || ' of ' || COUNT(*) FROM api_usage_logs`)
		if fmt.Sprint(sum) != "[0 of 2]" {
			t.Errorf("the log adds up to %s", sum)
		}
		if _, err := place.SQL.Exec(fmt.Sprintf(alert, moment)); err == nil {
			t.Error("an alert stands twice")
		}
		execute(t, place.SQL, "UPDATE usage_alerts SET withdrawn_at = created_at")
		execute(t, place.SQL, fmt.Sprintf(alert, moment))
	})
}

// Version 12 lists more that a price may be found by, also in the months of the log that are there.
func TestBasesAfterAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 11)
		if err != nil {
			t.Fatal(err)
		}
		at, key := "'2025-12-01'", ""
		if place.Kind == db.SQLite {
			at, key = "1764547200000000", "event_key, "
		} else {
			execute(t, before.Pool(), `CREATE TABLE api_usage_logs_2025_12
				(LIKE api_usage_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
				ALTER TABLE api_usage_logs ATTACH PARTITION api_usage_logs_2025_12
					FOR VALUES FROM ('2025-12-01') TO ('2026-01-01')`)
		}
		insert := func(id, basis string) string {
			keyValue := ""
			if key != "" {
				keyValue = "7, "
			}
			return fmt.Sprintf(`INSERT INTO api_usage_logs (%soccurred_at, period_start, recorded_at, plan_id, requests,
				input_tokens, output_tokens, cached_input_tokens, images, searches, pages, characters, seconds, cost_pico,
				response_time_ms, retry_count, status_code, billable, event_id, user_id, provider, vendor, model, pricing,
				endpoint, method, error_message) VALUES (%s%s, %s, %s, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 200, FALSE, '%s',
				'u', 'openai', 'openai', 'gpt-4o', '%s', '', '', '')`, key, keyValue, at, at, at, id, basis)
		}
		execute(t, before.Pool(), insert("old", "exact"))
		if _, err := before.Pool().Exec(insert("early", "alias")); err == nil {
			t.Fatal("an alias is stored before the migration")
		}
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		after, err := db.MigrateTo(t.Context(), place.Target, 12)
		if err != nil {
			t.Fatal(err)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
		logged := lines(t, place.SQL, "SELECT event_id || ' ' || pricing FROM api_usage_logs")
		if got := fmt.Sprint(logged); got != "[old exact]" {
			t.Errorf("the log has %s", got)
		}
		if got := fmt.Sprint(lines(t, place.SQL, "SELECT COUNT(*) FROM api_model_aliases")); got != "[0]" {
			t.Errorf("there are %s aliases", got)
		}
		for _, basis := range []string{"alias", "prefixed", "snapshot", "fine_tuned", "unpriced"} {
			execute(t, place.SQL, insert(basis, basis))
		}
		if _, err := place.SQL.Exec(insert("wrong", "guessed")); err == nil {
			t.Error("any word is stored")
		}
	})
}

// Before version 13 there were whole seconds, no rare quantities, and prices had no terms.
func TestSecondsBeforeAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 12)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "928195200000000", db.PostgreSQL: "'1999-06-01 00:00:00+00'"}[place.Kind]
		key := map[db.Kind]string{db.SQLite: "event_key, ", db.PostgreSQL: ""}[place.Kind]
		keyOf := map[db.Kind]string{db.SQLite: "1, ", db.PostgreSQL: ""}[place.Kind]
		amounts := "calls, errors, unpriced_calls, input_tokens, output_tokens, cached_input_tokens, images, searches, " +
			"pages, characters, seconds, cost_pico"
		for _, statement := range []string{
			"INSERT INTO users (user_id, created_at) VALUES ('u', " + moment + ")",
			"INSERT INTO api_usage_logs (" + key + `occurred_at, period_start, recorded_at, plan_id, requests, input_tokens,
				output_tokens, cached_input_tokens, images, searches, pages, characters, seconds, cost_pico, response_time_ms,
				retry_count, status_code, billable, event_id, user_id, provider, vendor, model, pricing, endpoint, method,
				error_message) VALUES (` + keyOf + moment + ", " + moment + ", " + moment + `, 1, 1, 2, 3, 1, 4, 5, 6, 7, 12, 8,
				9, 0, 200, FALSE, 'e', 'u', 'p', 'v', 'm', 'exact', '', '', '')`,
			"INSERT INTO usage_summaries (user_id, period_start, provider, vendor, model, " + amounts + ") VALUES ('u', " +
				moment + ", 'p', 'v', 'm', 1, 0, 0, 2, 3, 1, 4, 5, 6, 7, 12, 8)",
			"INSERT INTO usage_daily (day, user_id, plan_id, provider, vendor, model, " + amounts +
				") VALUES (19990601, 'u', 1, 'p', 'v', 'm', 1, 0, 0, 2, 3, 1, 4, 5, 6, 7, 12, 8)",
			"INSERT INTO usage_user_monthly (month, user_id, plan_id, " + amounts +
				") VALUES (199906, 'u', 1, 1, 0, 0, 2, 3, 1, 4, 5, 6, 7, 12, 8)",
			"INSERT INTO usage_fleet_daily (day, plan_id, provider, vendor, model, slot, cost_dollars, day_parts, " + amounts +
				") VALUES (19990601, 1, 'p', 'v', 'm', 0, 0, -1, 1, 0, 0, 2, 3, 1, 4, 5, 6, 7, 12, 8)",
			`INSERT INTO api_providers (provider, vendor, vendor_rules, characters_are_input_tokens)
				VALUES ('p', 'v', '[]', FALSE)`,
			`INSERT INTO api_provider_pricing (provider, model, effective_from, request_pico, input_token_pico,
				output_token_pico, image_pico, search_pico, page_pico, character_pico, second_pico, source, created_at)
				VALUES ('p', 'm', ` +
				moment + ", 0, 0, 0, 0, 0, 0, 0, 1501, 'admin', " + moment + ")",
		} {
			execute(t, before.Pool(), statement)
		}
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		place.Create(t)
		after, err := db.Open(t.Context(), place.Target)
		if err != nil {
			t.Fatal(err)
		}
		defer after.Close()
		if found, err := after.Reconcile(t.Context(), false); err != nil || len(found.Discrepancies) > 0 || !found.Rollups {
			t.Errorf("the totals are %+v, %v", found, err)
		}
		for _, table := range []string{"api_usage_logs", "usage_summaries", "usage_fleet_daily"} {
			const kept = "SELECT milliseconds || ' ' || characters || ' ' || COALESCE(cache_write_tokens, 0) FROM "
			if got := fmt.Sprint(lines(t, place.SQL, kept+table)); got != "[12000 7 0]" {
				t.Errorf("%s has %s", table, got)
			}
		}
		book, err := after.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
		call := pricing.Call{Provider: "p", Model: "m", At: now, Used: pricing.Quantities{pricing.Seconds: 2000}}
		if r, err := book.Rate(call); err != nil || r.Cost != 3002 || r.Price.Given != 0 {
			t.Errorf("two seconds cost %+v, %v", r, err)
		}
		call.Used[pricing.Seconds] = 2001 // a price so fine was allowed
		if r, err := book.Rate(call); err == nil {
			t.Errorf("two seconds and a bit cost %s", r.Cost)
		}
	})
}

// Before version 14 one price of a model began at a moment, and no other one ever could.
func TestPricesCanBeFixedAfterAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 13)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01 00:00:00+00'"}[place.Kind]
		execute(t, before.Pool(), `INSERT INTO api_providers (provider, vendor, vendor_rules, characters_are_input_tokens)
			VALUES ('p', 'v', '[]', FALSE)`)
		price := fmt.Sprintf(`INSERT INTO api_provider_pricing (provider, model, effective_from, request_pico,
			input_token_pico, output_token_pico, cached_input_token_pico, image_pico, search_pico, page_pico, character_pico,
			second_pico, above_input_tokens, above_input_token_pico, above_output_token_pico, source, created_at)
			VALUES ('p', 'm', %[1]s, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 'admin', %[1]s)`, moment)
		execute(t, before.Pool(), price)
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		d := place.Create(t)
		book, err := d.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(book.History("p", "m")[0].Rates); !strings.HasPrefix(got, "[0.000000000001 ") {
			t.Errorf("the price is %s", got)
		}
		if _, err := place.SQL.Exec(price); err == nil {
			t.Error("two prices begin at one moment")
		}
		execute(t, place.SQL, "UPDATE api_provider_pricing SET fixed_at = created_at, fixed_by = 'a', fix_reason = 'r', "+
			"replaced_by = price_id")
		execute(t, place.SQL, price)
	})
}

// Lines of bills from before version 15 don't have what each price came to, and go on without.
func TestLinesBeforeChargesAreKept(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 14)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01 00:00:00+00'"}[place.Kind]
		execute(t, before.Pool(), "INSERT INTO users (user_id, created_at) VALUES ('alice', "+moment+")")
		execute(t, before.Pool(), `INSERT INTO subscription_plans (name, tier, position, monthly_price_pico,
			yearly_price_pico, description, features, withdrawn, source, updated_at)
			VALUES ('P', 'pro', 1, 0, 0, '', '[]', FALSE, 'file', `+moment+")")
		execute(t, before.Pool(), fmt.Sprintf(`INSERT INTO billing_history (number, kind, user_id, plan_id, cycle,
			period_start, period_end, issued_at, due_at, status, subtotal_pico, rounding_pico, total_pico, cost_pico,
			reference, terms) SELECT 1, 'bill', 'alice', plan_id, '', %[1]s, %[1]s, %[1]s, %[1]s, 'paid', 0, 0, 0, 5, '', ''
			FROM subscription_plans`, moment))
		execute(t, before.Pool(), fmt.Sprintf(`INSERT INTO billing_lines (number, line, user_id, kind, description,
			period_start, period_end, provider, vendor, model, calls, errors, unpriced_calls, input_tokens, output_tokens,
			cached_input_tokens, images, searches, pages, characters, milliseconds, cost_pico, amount_pico, unit_prices)
			VALUES (1, 1, 'alice', 'usage', 'x', %[1]s, %[1]s, 'p', 'v', 'm', 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 0, '')`,
			moment))
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		bills, err := place.Create(t).Bills(t.Context(), billing.Query{Lines: true})
		if err != nil {
			t.Fatal(err)
		}
		if l := bills[0].Lines[0]; l.Usage.Cost != 5 || l.Charges != nil {
			t.Errorf("the line is %+v", l)
		}
	})
}

// Before version 17 no plan, and nothing that a plan ever was, had rates.
func TestPlansHaveNoRatesBeforeAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 14)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01 00:00:00+00'"}[place.Kind]
		execute(t, before.Pool(), `INSERT INTO subscription_plans (name, tier, position, monthly_price_pico,
			yearly_price_pico, description, features, withdrawn, source, updated_at)
			VALUES ('Free', 'free', 0, 0, 0, '', '[]', FALSE, 'admin', `+moment+")")
		execute(t, before.Pool(), `INSERT INTO plan_versions (plan_id, held_until, monthly_price_pico, yearly_price_pico,
			overage, markup_millionths, limits) SELECT plan_id, `+moment+", 5, 0, 'block', 0, '[]' FROM subscription_plans")
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		after := place.Create(t)
		plans, _, err := after.Plans(t.Context(), time.Now())
		if err != nil || len(plans) != 1 || len(plans[0].Past) != 1 || plans[0].Past[0].Monthly != 5 ||
			plans[0].Rates != plans[0].Past[0].Rates || plans[0].Rates.ParallelCalls != 0 {
			t.Errorf("the plans are %+v, %v", plans, err)
		}
		if _, err := place.SQL.Exec("UPDATE subscription_plans SET parallel_calls = 0"); err == nil {
			t.Error("a rate of 0 is stored")
		}
	})
}

// Tokens, calls and reservations of the time before version 19 have no limits and no token, and are all there.
func TestTokensHaveNoLimitsBeforeAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 18)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01 00:00:00+00'"}[place.Kind]
		for _, statement := range []string{
			"INSERT INTO users (user_id, created_at) VALUES ('u', AT)",
			`INSERT INTO api_tokens (name, user_id, act_as, scopes, providers, models, created_at)
				VALUES ('n', 'u', FALSE, 'gateway', '', '', AT)`,
			`INSERT INTO api_token_secrets (public_part, token_id, hash, created_at)
				SELECT 'ask_AB12CD34EF56', token_id, 'h', AT FROM api_tokens`,
			`INSERT INTO usage_reservations (reservation_id, user_id, provider, vendor, model, period_start, calls, tokens,
				cost_pico, status, created_at, expires_at, event_id)
				VALUES ('r', 'u', 'gemini', 'google', '', AT, 1, 1, 1, 'held', AT, AT, '')`,
		} {
			execute(t, before.Pool(), strings.ReplaceAll(statement, "AT", moment))
		}
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		d := place.Create(t)
		tokens, err := d.Tokens(t.Context(), access.TokenQuery{Limit: 10})
		if err != nil || len(tokens) != 1 || tokens[0].Public != "ask_AB12CD34EF56" || tokens[0].IsBound() {
			t.Errorf("the tokens are %+v, %v", tokens, err)
		}
		held, err := d.Reservations(t.Context(), usage.ReservationQuery{Limit: 10})
		if err != nil || len(held) != 1 || held[0].TokenID != 0 {
			t.Errorf("the reservations are %+v, %v", held, err)
		}
		version := lines(t, place.SQL, "SELECT version FROM access_version")
		execute(t, place.SQL, "UPDATE api_tokens SET limits = '[]'")
		if after := lines(t, place.SQL, "SELECT version FROM access_version"); fmt.Sprint(after) == fmt.Sprint(version) {
			t.Error("nobody hears of a change of a token's limits")
		}
	})
}

// Version 20 counts refusals from then on, and finds what stands in the log by its status.
func TestRefusalsOfADatabaseBeforeAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 19)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01'"}[place.Kind]
		execute(t, before.Pool(), "INSERT INTO users (user_id, created_at) VALUES ('u', "+moment+")")
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		after := place.Create(t)
		day := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
		counted := usage.Refusals{Day: day, User: "u", Reason: usage.LimitExceeded, Limit: "calls", Calls: 7}
		if err := after.AddRefusals(t.Context(), []usage.Refusals{counted}); err != nil {
			t.Fatal(err)
		}
		q := usage.RefusalQuery{From: day, To: day.AddDate(0, 0, 1)}
		found, err := usage.MakeRefusalReport(t.Context(), after, q, 0)
		if err != nil || found.Sum != 7 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// Version 16 finds a database without tokens: they can be made then, and changes of both its parts are counted.
func TestAccessOfADatabaseBeforeAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 15)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01'"}[place.Kind]
		execute(t, before.Pool(), "INSERT INTO users (user_id, created_at) VALUES ('u', "+moment+")")
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		s := &access.Service{Store: place.Create(t)}
		audit := usage.Audit{At: time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC), Actor: "a", Action: "tokens create"}
		made, err := s.Create(t.Context(), audit, access.NewToken{User: "u"})
		if err != nil || made.NewUser {
			t.Fatalf("%+v, %v", made.Token, err)
		}
		if _, err := s.Authenticate(t.Context(), made.Secret, audit.At); err != nil {
			t.Error(err)
		}
		if n := lines(t, place.SQL, "SELECT version FROM access_version"); fmt.Sprint(n) != "[3]" {
			t.Errorf("a token and its secret have made the version %s", n)
		}
		execute(t, place.SQL, "UPDATE api_tokens SET last_used_at = "+moment)
		if n := lines(t, place.SQL, "SELECT version FROM access_version"); fmt.Sprint(n) != "[3]" {
			t.Errorf("its use has made the version %s", n)
		}
		execute(t, place.SQL, "UPDATE api_tokens SET revoked_at = "+moment)
		if n := lines(t, place.SQL, "SELECT version FROM access_version"); fmt.Sprint(n) != "[4]" {
			t.Errorf("that it was revoked has made the version %s", n)
		}
	})
}

// Before version 18 summaries were not counted: each counts as one change, and from then on all do.
func TestSummariesOfADatabaseBeforeAMigrationCount(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 17)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01'"}[place.Kind]
		execute(t, before.Pool(), `INSERT INTO usage_summaries (user_id, period_start, provider, vendor, model, calls, errors,
			unpriced_calls, input_tokens, output_tokens, cached_input_tokens, images, searches, pages, characters,
			milliseconds, cost_pico) VALUES ('u', `+moment+", 'gemini', 'google', 'm', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)")
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		d, now := place.Create(t), time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
		version := func(user string) string {
			version, err := d.UserVersion(t.Context(), user, now)
			if err != nil {
				t.Fatal(err)
			}
			return version
		}
		first := version("u")
		if first != version("u") || version("u") == version("nobody") {
			t.Error("a version says nothing")
		}
		execute(t, place.SQL, "UPDATE usage_summaries SET changes = changes + 1")
		if first == version("u") {
			t.Error("a change is not seen")
		}
	})
}

// Before version 21 nothing was estimated. The first estimated call is added to totals and an archive of before.
func TestMeasuredOfADatabaseBeforeAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 20)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "928195200000000", db.PostgreSQL: "'1999-06-01 00:00:00+00'"}[place.Kind]
		key := map[db.Kind]string{db.SQLite: "event_key, ", db.PostgreSQL: ""}[place.Kind]
		keyOf := map[db.Kind]string{db.SQLite: "1, ", db.PostgreSQL: ""}[place.Kind]
		const amounts = "calls, errors, unpriced_calls, input_tokens, output_tokens, cached_input_tokens, images, " +
			"searches, pages, characters, milliseconds, cost_pico"
		for _, statement := range []string{
			"INSERT INTO users (user_id, created_at) VALUES ('u', " + moment + ")",
			"INSERT INTO api_usage_logs (" + key + `occurred_at, period_start, recorded_at, plan_id, requests, input_tokens,
				output_tokens, cached_input_tokens, images, searches, pages, characters, milliseconds, cost_pico,
				response_time_ms, retry_count, status_code, billable, event_id, user_id, provider, vendor, model, pricing,
				endpoint, method, error_message, service_tier) VALUES (` + keyOf + moment + ", " + moment + ", " + moment +
				`, 1, 1, 2, 3, 1, 4, 5, 6, 7, 12, 8, 9, 0, 200, FALSE, 'e', 'u', 'p', 'v', 'm', 'exact', '', '', '', 'batch')`,
			"INSERT INTO usage_summaries (user_id, period_start, provider, vendor, model, " + amounts + ") VALUES ('u', " +
				moment + ", 'p', 'v', 'm', 1, 0, 0, 2, 3, 1, 4, 5, 6, 7, 12, 8)",
			"INSERT INTO usage_daily (day, user_id, plan_id, provider, vendor, model, " + amounts +
				") VALUES (19990601, 'u', 1, 'p', 'v', 'm', 1, 0, 0, 2, 3, 1, 4, 5, 6, 7, 12, 8)",
			"INSERT INTO usage_user_monthly (month, user_id, plan_id, " + amounts +
				") VALUES (199906, 'u', 1, 1, 0, 0, 2, 3, 1, 4, 5, 6, 7, 12, 8)",
			"INSERT INTO usage_fleet_daily (day, plan_id, provider, vendor, model, slot, cost_dollars, day_parts, " + amounts +
				") VALUES (19990601, 1, 'p', 'v', 'm', 0, 0, -1, 1, 0, 0, 2, 3, 1, 4, 5, 6, 7, 12, 8)",
		} {
			execute(t, before.Pool(), statement)
		}
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		after := place.Create(t)
		found, err := after.Reconcile(t.Context(), false)
		if err != nil || len(found.Discrepancies) > 0 || !found.Rollups {
			t.Errorf("the totals are %+v, %v", found, err)
		}
		log, err := after.Logs(t.Context(), usage.LogQuery{Measured: "reported", Limit: 10})
		if err != nil || len(log) != 1 || log[0].Measured != usage.UseReported || log[0].ServiceTier != "batch" ||
			log[0].ClientRequestID != "" {
			t.Errorf("the log has %+v, %v", log, err)
		}
		for _, table := range []string{"usage_summaries", "usage_daily", "usage_fleet_daily", "billing_lines"} {
			if got := fmt.Sprint(lines(t, place.SQL, "SELECT COUNT(estimated_cost_pico) FROM "+table)); got != "[0]" {
				t.Errorf("%s has %s", table, got)
			}
		}
	})
}

// Reservations of the time before version 22 are settled by who took them.
func TestReservationsHaveNoOriginBeforeAMigration(t *testing.T) {
	forEach(t, func(t *testing.T, place dbtest.Place) {
		before, err := db.MigrateTo(t.Context(), place.Target, 21)
		if err != nil {
			t.Fatal(err)
		}
		moment := map[db.Kind]string{db.SQLite: "1764547200000000", db.PostgreSQL: "'2025-12-01 00:00:00+00'"}[place.Kind]
		execute(t, before.Pool(), "INSERT INTO users (user_id, created_at) VALUES ('u', "+moment+")")
		execute(t, before.Pool(), strings.ReplaceAll(`INSERT INTO usage_reservations (reservation_id, user_id, provider,
			vendor, model, period_start, calls, tokens, cost_pico, status, created_at, expires_at, event_id)
			VALUES ('r', 'u', 'gemini', 'google', '', AT, 1, 1, 1, 'held', AT, AT, '')`, "AT", moment))
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		d := place.Create(t)
		if held, err := d.Unsettled(t.Context(), time.Now().AddDate(10, 0, 0), 10); err != nil || len(held) != 0 {
			t.Errorf("%+v, %v", held, err)
		}
		if f, err := d.Figures(t.Context(), time.Now()); err != nil || f.Unknown.Calls != 0 {
			t.Errorf("%+v, %v", f, err)
		}
	})
}
