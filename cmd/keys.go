package cmd

import (
	"strings"

	"github.com/alwrity/alwrity-sub/pricing"
)

// The keys of the configuration that code asks for by name.
const (
	keyDatabaseURL   = "database_url"
	keyThresholds    = "alert_thresholds"
	keyDueDays       = "billing_due_days"
	keyGraceDays     = "billing_grace_days"
	keySuspendUnpaid = "billing_suspend_unpaid"
	keyRenewalNotice = "renewal_notice_days"
	keyCompanyName   = "company_name"
	keyAddress       = "company_address"
	keyCompanyEmail  = "company_email"
	keyTaxID         = "company_tax_id"
	keyPaymentNote   = "payment_note"
	keyActor         = "actor"
	keyOutput        = "output"
	keyColor         = "color"
	keyQuiet         = "quiet"
	keyDebug         = "debug"
	keyLogLevel      = "log_level"
	keyLogFormat     = "log_format"
	keyLogFile       = "log_file"
	keyLogMaxSize    = "log_max_size_mb"
	keyLogMaxBackups = "log_max_backups"
)

// key is one setting: its name in the configuration file, the variable of the
// environment and of the env file, and its flag, if it has one.
type key struct {
	name     string
	variable string
	flag     string
	fallback string
	meaning  string
}

// keys is every setting.
func keys() []key {
	return append(notifyKeys(), []key{
		{keyDatabaseURL, "DATABASE_URL", "database-url", "sqlite:///./alwrity.db", "the database: SQLite or PostgreSQL"},
		{keyThresholds, "ALWRITY_SUB_ALERT_THRESHOLDS", "", "80,90,100",
			"percents of a limit that make an alert when usage crosses them"},
		{keyDueDays, "ALWRITY_SUB_BILLING_DUE_DAYS", "", "14", "days after its issue at which a bill is due"},
		{keyGraceDays, "ALWRITY_SUB_BILLING_GRACE_DAYS", "", "7",
			"days after that at which the user of an unpaid bill is suspended"},
		{keySuspendUnpaid, "ALWRITY_SUB_BILLING_SUSPEND_UNPAID", "", "true",
			"whether users of unpaid bills are suspended at all"},
		{keyRenewalNotice, "ALWRITY_SUB_RENEWAL_NOTICE_DAYS", "", "3",
			"days before a renewal at which its user is told; 0: never"},
		{keyCompanyName, "ALWRITY_SUB_COMPANY_NAME", "", "",
			"who sends statements and reports; signs mails where SMTP_FROM has no name"},
		{keyAddress, "ALWRITY_SUB_COMPANY_ADDRESS", "", "", "its address; a new line, or \\n, begins the next line of it"},
		{keyCompanyEmail, "ALWRITY_SUB_COMPANY_EMAIL", "", "", "where customers write to about bills"},
		{keyTaxID, "ALWRITY_SUB_COMPANY_TAX_ID", "", "", "its tax number, as it stands on statements"},
		{keyPaymentNote, "ALWRITY_SUB_PAYMENT_NOTE", "", "",
			"how to pay, on statements of unpaid bills and in mails about them; lines as in the address"},
		{keyActor, "ALWRITY_SUB_ACTOR", "", "", "who is named in the audit log; the user's own name by default"},
		{keyOutput, "ALWRITY_SUB_OUTPUT", "output", "table", "table, json, jsonl or csv"},
		{keyColor, "ALWRITY_SUB_COLOR", "color", colorAuto, "auto, always or never"},
		{keyQuiet, "ALWRITY_SUB_QUIET", "quiet", "false", "no notes, no progress"},
		{keyDebug, "ALWRITY_SUB_DEBUG", "debug", "false", "log everything"},
		{keyLogLevel, "ALWRITY_SUB_LOG_LEVEL", "log-level", "warn", "debug, info, warn or error"},
		{keyLogFormat, "ALWRITY_SUB_LOG_FORMAT", "log-format", "text", "text or json"},
		{keyLogFile, "ALWRITY_SUB_LOG_FILE", "log-file", "",
			"the file for the log, usually logs/subscription_errors.log; none by default"},
		{keyLogMaxSize, "ALWRITY_SUB_LOG_MAX_SIZE_MB", "", "10", "megabytes after which a new log file is begun"},
		{keyLogMaxBackups, "ALWRITY_SUB_LOG_MAX_BACKUPS", "", "5", "old log files that are kept; 0 keeps all"},
		{strings.ToLower(pricing.HuggingFaceInputVariable), pricing.HuggingFaceInputVariable, "", "",
			"dollars for one input token of huggingface; sets the price at init"},
		{strings.ToLower(pricing.HuggingFaceOutputVariable), pricing.HuggingFaceOutputVariable, "", "",
			"dollars for one output token of huggingface; sets the price at init"},
	}...)
}

// apiKeys is every variable that holds the key of an API. Of those in one line any will do.
func apiKeys() [][]string {
	return [][]string{
		{"GEMINI_API_KEY"},
		{"OPENAI_API_KEY"},
		{"ANTHROPIC_API_KEY"},
		{"MISTRAL_API_KEY"},
		{"HF_TOKEN", "HUGGINGFACE_API_KEY"},
		{"WAVESPEED_API_KEY"},
		{"TAVILY_API_KEY"},
		{"SERPER_API_KEY"},
		{"METAPHOR_API_KEY"},
		{"EXA_API_KEY"},
		{"FIRECRAWL_API_KEY"},
		{"STABILITY_API_KEY"},
	}
}
