package commands

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/health"
)

const limitsOf = "every limit: alwrity-sub usage show {user}; " +
	"a larger plan: alwrity-sub users change-plan {user} --plan …"

const tokenLimits = "its limits: alwrity-sub tokens list; to change them: alwrity-sub tokens change TOKEN --limit …"

// hints are what a person at a terminal is told to do about a failure, by its reason.
// {name} stands for the argument of that name.
//
//nolint:gochecknoglobals // read-only
var hints = map[string]string{
	// the database
	"not_initialized":  "run: alwrity-sub init",
	"no_database_file": "run: alwrity-sub init (it creates the file), or check DATABASE_URL",
	"no_rehearsal": "name another one: alwrity-sub --database-url … init --rehearsal; " +
		"or rehearse in a copy of a SQLite file: alwrity-sub db backup --rehearsal FILE",
	"totals_differ": "run: alwrity-sub reconcile --repair",

	"recorded_ahead": "a clock, or --now, was ahead; take them back: alwrity-sub usage void ID --reason …, " +
		"alwrity-sub billing void NUMBER --reason …; or restore a backup",

	"totals_to_rebuild": "to rebuild them from the log: alwrity-sub reconcile --repair",
	"periods_overdue":   "run every night: alwrity-sub billing close",

	// refused calls
	"limit_exceeded":       limitsOf,
	"not_in_plan":          limitsOf,
	"token_limit_exceeded": tokenLimits,
	"not_in_token":         tokenLimits,
	"several_tokens":       "name it by its id or its public part: alwrity-sub tokens list",
	"too_many_parallel_calls": "settle or release what has ended, or wait until it expires: " +
		"alwrity-sub limits reservations --user {user}",
	"suspended": "where a bill is unpaid (alwrity-sub billing list --user {user} --status past_due): " +
		"alwrity-sub billing mark-paid NUMBER; else: alwrity-sub users resume {user}",
	"cancelled": "to begin again: alwrity-sub users renew {user}",
	"expired":   "to begin again: alwrity-sub users renew {user}",

	// prices and plans
	"unpriced": "set a price: alwrity-sub pricing set {provider} {model} --request-cost … " +
		"(or --input-token-cost … and so on) --effective-from …, then run: alwrity-sub pricing rerate",
	"unpriced_fine_tuned": "a fine-tuned model has a price of its own: " +
		"alwrity-sub pricing set {provider} {model} --input-token-cost … --output-token-cost …; " +
		"where it costs what its base model does, write fine_tuned: base in the provider's entry of a price file " +
		"(alwrity-sub pricing apply)",
	"alias_without_price": "did you mean another model? " +
		"Else first set its price: alwrity-sub pricing set {provider} {model} --request-cost …",
	"alias_with_price": "to change what it costs: alwrity-sub pricing set {provider} {model} …",
	"unpriced_usage": "set a price from then on (alwrity-sub pricing set … --effective-from …), " +
		"or say which model it is (alwrity-sub pricing alias …), then run: alwrity-sub pricing rerate --dry-run",
	"calls_unpriced":            "set the price, then run: alwrity-sub pricing rerate",
	"environment_prices_differ": "to take them from now on: alwrity-sub pricing set huggingface",
	"unpriced_near": "did you mean --model {near}? " +
		"Else set a price: alwrity-sub pricing set {provider} {model} --request-cost …",
	"unpriced_without_model": "name a model with --model; {provider} has prices for {models}",
	"price_for_one_token":    "did you mean {meant}? Else say that it is right with --force",
	"file_price_slips": "a price of one token is such as 3/1M; if it is right, take it out of the file, " +
		"and set it later with: alwrity-sub pricing set … --force",
	"environment_price_slips": "it is what one token costs, such as 3/1M; if it is right, remove it, " +
		"and set it later with: alwrity-sub pricing set huggingface … --force",
	"price_begins": "fix it from when it began (alwrity-sub pricing history {provider} {model}); " +
		"to change it from a later moment on: alwrity-sub pricing set {provider} {model} … --effective-from …, " +
		"then: alwrity-sub pricing rerate",
	"price_jumps":          "if it is right, say so with --force",
	"plan_has_subscribers": "move them first: alwrity-sub users change-plan USER --plan …, or keep the plan in the file",

	// usage
	"unknown_alert":       "the ids are in: alwrity-sub alerts list",
	"unknown_user":        "list them: alwrity-sub users list",
	"unknown_reservation": "list them: alwrity-sub limits reservations",
	"unknown_event":       "list them: alwrity-sub usage logs",
	"event_archived": "if it is of an archived month (alwrity-sub usage archives), bring that back first: " +
		"alwrity-sub usage restore FILE",
	"reservation_open":    "settle it under an id of its own, or give it back: alwrity-sub limits release {reservation}",
	"reservation_settled": "it holds nothing any more; its call is in: alwrity-sub usage logs --user {user}",
	"archived":            "bring the month back first: alwrity-sub usage restore {file}",
	"usage_archived":      "choose a later start, or bring the month back first: alwrity-sub usage restore {file}",
	"file_archived":       "bring the month back: alwrity-sub usage restore {file}",
	"not_archived": "list what is archived: alwrity-sub usage archives; " +
		"events of another database: alwrity-sub usage import {file}",
	"archived_already": "list what is archived: alwrity-sub usage archives",
	"archive_gone":     "list what is archived: alwrity-sub usage archives",

	"suspect_fields": "say what a field is (--map {first}=FIELD), or that it does not matter: --ignore {all}",
	"suspect_results": "first run: jq -c '(.data // [.])[] | {start_time: (.start_time // .starting_at)} + .results[]' " +
		"FILE > calls.jsonl; where a row names none, say whose: --user USER --provider PROVIDER",
	"unknown_field": "the fields are in docs/json.md, under event files",
	"no_column":     "name the column that has it (--map THEIRS={field}), or give it to all rows: {flag} …",
	"no_event_file": "an event file is JSON lines, a JSON list, or CSV with a header, in UTF-8 or UTF-16",
	"no_time":       "say when the calls without a time were made: --time …",
	"enforce_now":   "leave out --time; a call that was made before is recorded without --enforce",
	"future_time":   "if it is meant: --allow-future",

	// the gateway
	"upstream_not_configured": "set {variables} in the environment or the env file; " +
		"what is set: alwrity-sub gateway status",
	"upstream_refuses_key": "the vendor does not take what {variables} has: look at it, or make another key there",
	"upstream_away":        "can this machine reach {url}? It is set in the file of ALWRITY_SUB_GATEWAY_UPSTREAMS",
	"upstream_slow":        "try again later, or another model with --model",
	"upstream_refused": "try another model with --model (alwrity-sub gateway models --provider {upstream}), " +
		"or ask the vendor what it means",
	"no_test_call": "give it one: test, in the file of ALWRITY_SUB_GATEWAY_UPSTREAMS; docs/gateway.md has the form",

	// tokens
	"unknown_token":      "list them: alwrity-sub tokens list",
	"token_ended":        "make another: alwrity-sub tokens create …",
	"token_without_user": "for one user: --user USER; for any: --act-as; for an operator: --scope admin",

	// subscriptions
	"unknown_subscriber": "list them: alwrity-sub users list; " +
		"to begin a subscription: alwrity-sub users subscribe USER --plan …",
	"no_subscription":        "to begin one: alwrity-sub users subscribe {user} --plan …",
	"already_subscribed":     "to change the plan: alwrity-sub users change-plan {user} --plan {plan}",
	"already_on_plan":        "to take back a change that lies ahead: alwrity-sub users change-plan {user} --plan {plan}",
	"ends_before_change":     "to let it go on: alwrity-sub users renew {user}",
	"plan_withdrawn":         "move to another: alwrity-sub users subscribe {user} --plan …",
	"subscription_suspended": "first run: alwrity-sub users resume {user}",
	"ended_while_suspended":  "it has ended while it was suspended; first run: alwrity-sub users resume {user}",
	"subscription_ended": "to begin again: alwrity-sub users renew {user}, or alwrity-sub users subscribe {user} " +
		"--plan …",
	"periods_closed": "let it hold from {until} on, " +
		"or correct what was billed: alwrity-sub billing credit {user} AMOUNT --reason …",

	// bills
	"bill_not_written": "to be written by the next alwrity-sub billing close",
	"unknown_bill":     "list them: alwrity-sub billing list",
	"bills_of_user":    "they are in: alwrity-sub billing list --user {user}",
	"never_billed": "periods are closed by: alwrity-sub billing close; " +
		"what the next bill will be: alwrity-sub billing preview {user}",
	"bill_continued": "first make that one void: alwrity-sub billing void {bill} --reason …, " +
		"or give credit for the rest: alwrity-sub billing credit {user} AMOUNT --reason …",
	"credit_used_up":    "first make the bills void that have used it up: alwrity-sub billing list --user …",
	"credit_incomplete": `alwrity-sub billing credit {user} 5.00 --reason "outage of May 3"`,

	// messages
	"nothing_configured": "set SMTP_HOST and SMTP_FROM, ALWRITY_SUB_WEBHOOK_URL or ALWRITY_SUB_SLACK_WEBHOOK_URL, " +
		"then try: alwrity-sub alerts test --to you@example.com",
	"not_delivered":    "nothing is lost, the next run tries again; look closer with: alwrity-sub alerts test",
	"unknown_delivery": "the ids are in: alwrity-sub alerts outbox list",
	"mail_unusable":    "{hint}; look closer with: alwrity-sub alerts test --to you@example.com",
	"messages_wait":    "does cron run it? alwrity-sub alerts send",
	"messages_stuck": "see them with: alwrity-sub alerts outbox list --status dead (or unconfirmed); " +
		"then retry ID or drop ID",
	"delivery_failed": "see them with: alwrity-sub alerts outbox list; " +
		"then: alwrity-sub alerts outbox retry ID, or drop ID",
}

// Hint returns what a person at a terminal can do about a failure; "" where nothing is known.
func Hint(f *failure.Error) string {
	return cmp.Or(f.Hint, hintText(f.Reason, f.Args))
}

// HintFor returns what a person at a terminal can do about a reason without arguments; "" where nothing is known.
func HintFor(reason string) string { return hints[reason] }

// withHints words what to do about each check.
func withHints(checks []health.Check) []health.Check {
	for i := range checks {
		c := &checks[i]
		c.Hint = cmp.Or(c.Hint, hintText(c.Reason, c.Args))
	}
	return checks
}

// hintText returns the hint for a reason. What stands in a command is quoted for a shell.
func hintText(reason string, args failure.Args) string {
	text, pairs := hints[reason], make([]string, 0, 2*len(args))
	for _, arg := range args {
		value, placeholder := arg.Value, "{"+arg.Name+"}"
		switch arg.Name {
		case "hint", "models", "meant", "until": // for people
		default:
			if value = failure.ShellWord(value); strings.HasPrefix(arg.Value, "-") {
				text = behindDashes(text, placeholder)
			}
		}
		pairs = append(pairs, placeholder, value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// behindDashes moves a placeholder behind "--" at the end of its command, unless it is the value of a flag: what it
// stands for would be a flag.
func behindDashes(text, placeholder string) string {
	command := regexp.MustCompile(`alwrity-sub [^;,()]*[^;,() ]`)
	return command.ReplaceAllStringFunc(text, func(command string) string {
		words := strings.Fields(command)
		i := slices.Index(words, placeholder)
		if i < 1 || strings.HasPrefix(words[i-1], "--") {
			return command
		}
		words = slices.Delete(words, i, i+1)
		if !slices.Contains(words, "--") {
			words = append(words, "--")
		}
		return strings.Join(append(words, placeholder), " ")
	})
}

// PublicReason returns the reason of a failure where it is part of the JSON that programs
// rely on (docs/json.md); "" where it is not.
func PublicReason(f *failure.Error) string {
	switch {
	case f.Code == failure.Denied, f.Reason == "rows_rejected", f.Reason == "not_delivered", f.Reason == "archived":
		return f.Reason
	case f.Reason == "usage_archived", f.Reason == "file_archived":
		return "archived"
	}
	return ""
}
