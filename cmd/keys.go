package cmd

import (
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/pricing"
)

// The keys of the configuration that code asks for by name.
const (
	keyDatabaseURL    = "database_url"
	keyThresholds     = "alert_thresholds"
	keyDueDays        = "billing_due_days"
	keyGraceDays      = "billing_grace_days"
	keySuspendUnpaid  = "billing_suspend_unpaid"
	keyRenewalNotice  = "renewal_notice_days"
	keyCompanyName    = "company_name"
	keyAddress        = "company_address"
	keyCompanyEmail   = "company_email"
	keyTaxID          = "company_tax_id"
	keyPaymentNote    = "payment_note"
	keyActor          = "actor"
	keyOutput         = "output"
	keyColor          = "color"
	keyQuiet          = "quiet"
	keyDebug          = "debug"
	keyLogLevel       = "log_level"
	keyLogFormat      = "log_format"
	keyLogFile        = "log_file"
	keyLogMaxSize     = "log_max_size_mb"
	keyLogMaxBackups  = "log_max_backups"
	keyListen         = "listen"
	keyMetricsListen  = "metrics_listen"
	keyTLSCert        = "tls_cert"
	keyTLSKey         = "tls_key"
	keyAllowedOrigins = "alwrity_allowed_origins"
	keyTrustedProxies = "trusted_proxies"
	keyPageCost       = "billing_page_cost"
	keyRedisURL       = "redis_url"
	keyNoCache        = "subscription_dashboard_nocache"
)

// key is one setting: its name in the configuration file, the variable of the
// environment and of the env file, and its flag, if it has one.
type key struct{ name, flag, fallback, meaning string }

// variable is the name of the key in the environment. What other programs read too has no prefix.
func (k key) variable() string {
	name := strings.ToUpper(k.name)
	for _, shared := range []string{"DATABASE_URL", "SMTP_", "HUGGINGFACE_", "ALWRITY_ALLOWED_ORIGINS",
		"CLERK_", "REACT_APP_", "ADMIN_EMAIL", "DISABLE_AUTH", "REDIS_URL",
		"SUBSCRIPTION_DASHBOARD_NOCACHE", "USAGE_LIMITS_"} {
		if strings.HasPrefix(name, shared) {
			return name
		}
	}
	return variablePrefix + name
}

const variablePrefix = "ALWRITY_SUB_"

// keys is every setting.
func keys() []key {
	return slices.Concat(notifyKeys(), accessKeys(), gatewayKeys(), []key{
		{keyDatabaseURL, "database-url", "sqlite:///./alwrity.db", "the database: SQLite or PostgreSQL"},
		{keyThresholds, "", "80,90,100", "percents of a limit that make an alert when usage crosses them"},
		{keyDueDays, "", "14", "days after its issue at which a bill is due"},
		{keyGraceDays, "", "7", "days after that at which the user of an unpaid bill is suspended"},
		{keySuspendUnpaid, "", "true", "whether users of unpaid bills are suspended at all"},
		{keyRenewalNotice, "", "3", "days before a renewal at which its user is told; 0: never"},
		{keyCompanyName, "", "", "who sends statements and reports; signs mails where SMTP_FROM has no name"},
		{keyAddress, "", "", "its address; a new line, or \\n, begins the next line of it"},
		{keyCompanyEmail, "", "", "where customers write to about bills"},
		{keyTaxID, "", "", "its tax number, as it stands on statements"},
		{keyPaymentNote, "", "", "how to pay, on statements of unpaid bills and in mails about them; lines as in the " +
			"address"},
		{keyActor, "", "", "who is named in the audit log; the user's own name by default"},
		{keyOutput, "output", "table", "table, json, jsonl or csv"},
		{keyColor, "color", colorAuto, "auto, always or never"},
		{keyQuiet, "quiet", "false", "no notes, no progress"},
		{keyDebug, "debug", "false", "log everything"},
		{keyLogLevel, "log-level", "warn", "debug, info, warn or error"},
		{keyLogFormat, "log-format", "text", "text or json"},
		{keyLogFile, "log-file", "", "the file for the log, usually logs/subscription_errors.log; none by default"},
		{keyLogMaxSize, "", "10", "megabytes after which a new log file is begun"},
		{keyLogMaxBackups, "", "5", "old log files that are kept; 0 keeps all"},
		{keyListen, "", "127.0.0.1:8080", "the address that serve listens on"},
		{keyMetricsListen, "", "", "an address of its own for /metrics, open to all who reach it; none: that of serve"},
		{keyTLSCert, "", "", "the file of the certificate with which serve speaks TLS"},
		{keyTLSKey, "", "", "the file of its key"},
		{keyAllowedOrigins, "", "", "the origins of web pages that may call the server, such as https://app.example.com"},
		{keyPageCost, "", "none", "none, or usage: customers see what their usage costs you, on their page and from /v1"},
		{keyTrustedProxies, "", "", "addresses or networks of proxies whose X-Forwarded-For is believed"},
		{keyRedisURL, "", "", "the Redis of several servers, for what may be lost: redis://user:password@host:6379/0"},
		{keyNoCache, "", "false", "true: each dashboard and overview is made anew, and none is kept"},
		{strings.ToLower(pricing.HuggingFaceInputVariable), "", "",
			"dollars for one input token of huggingface; sets the price at init"},
		{strings.ToLower(pricing.HuggingFaceOutputVariable), "", "",
			"dollars for one output token of huggingface; sets the price at init"},
	})
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
