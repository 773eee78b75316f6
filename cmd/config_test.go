package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/alwrity/alwrity-sub/commands"
	"github.com/alwrity/alwrity-sub/pricing"
)

// values are four values of each key that are right, one for each layer.
func values() map[string][4]string {
	return map[string][4]string{
		keyDatabaseURL:                  {"sqlite:///./a.db", "sqlite:///./b.db", "sqlite:///./c.db", "sqlite:///./d.db"},
		keyThresholds:                   {"", "50,60", "70", "85,95"},
		keyDueDays:                      {"", "1", "2", "3"},
		keyGraceDays:                    {"", "4", "5", "6"},
		keySuspendUnpaid:                {"", "false", "true", "false"},
		keyRenewalNotice:                {"", "7", "8", "9"},
		keyCompanyName:                  {"", "A & Co", "B", "C"},
		keyAddress:                      {"", "A 1", "B 2", "C 3"},
		keyCompanyEmail:                 {"", "a@a.example", "b@b.example", "c@c.example"},
		keyTaxID:                        {"", "A1", "B2", "C3"},
		keyPaymentNote:                  {"", "in cash", "by wire", "by cheque"},
		keyActor:                        {"", "alice", "bob", "carol"},
		keyOutput:                       {"json", "csv", "jsonl", "json"},
		keyColor:                        {"never", "always", "never", "always"},
		keyQuiet:                        {"true", "false", "true", "false"},
		keyDebug:                        {"false", "true", "false", "true"},
		keyLogLevel:                     {"error", "info", "debug", "error"},
		keyLogFormat:                    {"json", "text", "json", "json"},
		keyLogFile:                      {"a.log", "b.log", "c.log", "d.log"},
		keyLogMaxSize:                   {"", "11", "12", "13"},
		keyLogMaxBackups:                {"", "1", "2", "3"},
		"huggingface_input_token_cost":  {"", "0.1", "0.2", "0.000001"},
		"huggingface_output_token_cost": {"", "1e-06", "0.5", "0.0000000375"},
		keySMTPHost:                     {"", "mail.example.com", "localhost", "10.0.0.1"},
		keySMTPPort:                     {"", "25", "465", "2525"},
		keySMTPUser:                     {"", "mailer", "billing", "me"},
		keySMTPPassword:                 {"", "s3cret", "hunter2", "12345"},
		keySMTPFrom:                     {"", "a@example.com", "b@example.com", "c@example.com"},
		keySMTPTLS:                      {"", "implicit", "starttls", "none"},
		keySMTPCAFile:                   {"", "a.pem", "b.pem", "c.pem"},
		keySMTPTimeout:                  {"", "1", "2", "600"},
		keyAlertEmail:                   {"", "a@example.com,b@example.com", "a@example.com", "b@example.com"},
		keyAlertKinds:                   {"", "all", "suspended", "past_due,expired"},
		keyWebhookURL:                   {"", "https://example.com/a", "http://localhost:1/b", "https://example.com/c"},
		keyWebhookSecret:                {"", "one", "two", "three"},
		keyWebhookTimeout:               {"", "1", "2", "3"},
		keySlackURL:                     {"", "https://example.com/a", "https://example.com/b", "https://example.com/c"},
		keyQuietHours:                   {"", "22:00-07:00", "off", "00:00-06:30"},
		keyTimeZone:                     {"", "Europe/Berlin", "Asia/Kolkata", "America/New_York"},
		keyDigest:                       {"", "daily", "off", "daily"},
		keyTemplates:                    {"", "a", "b", "c"},
		keyListen:                       {"", "127.0.0.1:1", "localhost:2", ":3"},
		keyMetricsListen:                {"", "127.0.0.1:1", "localhost:2", ":3"},
		keyTLSCert:                      {"", "a.pem", "b.pem", "c.pem"},
		keyTLSKey:                       {"", "a.key", "b.key", "c.key"},
		keyAllowedOrigins:               {"", "https://a.example", "https://b.example", "https://c.example"},
		keyPageCost:                     {"", "usage", "none", "usage"},
		keyTrustedProxies:               {"", "10.0.0.0/8", "10.0.0.1", "::1"},
		keyRedisURL:                     {"", "redis://a:6379/0", "redis://b:6379/1", "rediss://c:6379/2"},
		keyNoCache:                      {"", "true", "false", "true"},
		keyOIDCIssuer:                   {"", "https://a.example", "https://b.example", "https://c.example"},
		keyOIDCAudience:                 {"", "a", "b", "c"},
		keyOIDCUserClaim:                {"", "email", "uid", "sub"},
		keyClerk: {"", "pk_test_YS5leGFtcGxlJA==", "pk_test_Yi5leGFtcGxlJA==",
			"pk_live_Yy5leGFtcGxlJA=="},
		keyClerkOfReact: {"", "pk_test_YS5leGFtcGxlJA==", "pk_test_Yi5leGFtcGxlJA==",
			"pk_live_Yy5leGFtcGxlJA=="},
		keyAdminEmails: {"", "a@a.example", "b@b.example", "c@c.example"},
		keyAdminDomain: {"", "a.example", "b.example", "c.example"},
		keyDisableAuth: {"", "true", "false", "true"},
		keyPublicURL:   {"", "https://a.example", "https://b.example", "https://c.example"},

		keyGatewayUpstreams: {"", "a.yaml", "b.yaml", "c.yaml"},
		keyGatewaySpool:     {"", "a", "b", "c"},
		keyGatewayOutput:    {"", "1", "2000", "30000"},
		keyGatewayGone:      {"", "drain", "cancel", "drain"},
		keyGatewayBroken:    {"", "true", "false", "true"},
		keyGatewayUnpriced:  {"", "true", "false", "true"},
		keyFailOpen:         {"", "true", "false", "true"},
	}
}

// partners are settings without which others are refused.
func partners() map[string]string {
	return map[string]string{keyTLSCert: "ALWRITY_SUB_TLS_KEY=k", keyTLSKey: "ALWRITY_SUB_TLS_CERT=c",
		keyOIDCIssuer: "ALWRITY_SUB_OIDC_AUDIENCE=a", keyOIDCAudience: "ALWRITY_SUB_OIDC_ISSUER=https://a.example"}
}

// Flag > environment > env file > config file > default: for each key, with each
// set of layers that set it, the strongest of them wins.
func TestPrecedence(t *testing.T) {
	layers := []string{"flag", "environment", "env file", "config file"}
	for _, k := range keys() {
		v, ok := values()[k.name]
		if !ok {
			t.Fatalf("%s is not tested", k.name)
		}
		for set := range 1 << len(layers) {
			if k.flag == "" && set&1 != 0 {
				continue
			}
			want, from := k.fallback, "default"
			for i := len(layers) - 1; i >= 0; i-- {
				if set&(1<<i) != 0 {
					want, from = v[i], layers[i]
				}
			}
			t.Run(fmt.Sprintf("%s/%04b", k.name, set), func(t *testing.T) {
				p, flags := testProcess(t), globalFlags()
				if partner := partners()[k.name]; partner != "" && set != 0 {
					p.Environ = append(p.Environ, partner)
				}
				if set&1 != 0 {
					if err := flags.Set(k.flag, v[0]); err != nil {
						t.Fatal(err)
					}
				}
				if set&2 != 0 {
					p.Environ = append(p.Environ, k.variable()+"="+v[1])
				}
				if set&4 != 0 {
					write(t, p.Dir, ".env", k.variable()+"="+v[2]+"\n")
				}
				if set&8 != 0 {
					write(t, p.Dir, defaultConfigFile, k.name+": "+v[3]+"\n")
				}
				c, err := loadConfig(p, flags)
				if err != nil {
					t.Fatal(err)
				}
				got, err := c.text(k.name)
				if err != nil || got != want {
					t.Errorf("%q (%v), want %q of the %s", got, err, want, from)
				}
				if _, err := c.check(p, false, false); err != nil {
					t.Errorf("not accepted: %s", err)
				}
			})
		}
	}
}

func globalFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	addGlobalFlags(flags)
	return flags
}

func TestEmptyIsNotSet(t *testing.T) {
	p := testProcess(t)
	p.Environ = append(p.Environ, "DATABASE_URL=", "ALWRITY_SUB_OUTPUT=", "OPENAI_API_KEY=")
	write(t, p.Dir, ".env", "DATABASE_URL=\nALWRITY_SUB_COLOR=\nGEMINI_API_KEY=\n")
	write(t, p.Dir, defaultConfigFile, "database_url:\noutput: \"\"\ncolor: never\n")
	c, err := loadConfig(p, globalFlags())
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.check(p, false, false)
	if err != nil || s.databaseURL != "sqlite:///./alwrity.db" || s.output != "table" || s.color != "never" {
		t.Errorf("%+v (%v)", s, err)
	}
	for _, k := range c.apiKeys(p) {
		if k.Present {
			t.Errorf("%s is present", k.Variable)
		}
	}
}

func TestBadSettings(t *testing.T) {
	for _, test := range []struct{ where, line, want string }{
		{"environment", "ALWRITY_SUB_OUTPUT=jsn", `ALWRITY_SUB_OUTPUT is "jsn": it must be table, json, jsonl or csv`},
		{"env file", "ALWRITY_SUB_OUTPUT=xml", `ALWRITY_SUB_OUTPUT in .env is "xml": it must be table, json, jsonl or csv`},
		{"config file", "output: xml", `output in alwrity-sub.yaml is "xml": it must be table, json, jsonl or csv`},
		{"flag", "--output=xml", `--output is "xml": it must be table, json, jsonl or csv`},
		{"flag", "--output=", `--output is "": it must be table, json, jsonl or csv`},
		{"flag", "--color=yes", `--color is "yes": it must be auto, always or never`},
		{"flag", "--log-level=warning", `--log-level is "warning": it must be debug, info, warn or error`},
		{"flag", "--log-format=xml", `--log-format is "xml": it must be text or json`},
		{"environment", "ALWRITY_SUB_QUIET=perhaps", `ALWRITY_SUB_QUIET is "perhaps": it must be true or false`},
		{"config file", "debug: 7", `debug in alwrity-sub.yaml is "7": it must be true or false`},
		{"config file", "actor: [a, b]", `actor in alwrity-sub.yaml must be one value, and no list or group`},
		{"environment", "ALWRITY_SUB_ACTOR=a\x1bb",
			`ALWRITY_SUB_ACTOR is "a\x1bb": it must be at most 200 characters, none of them a control character`},
		{"environment", "ALWRITY_SUB_LOG_MAX_SIZE_MB=0",
			`ALWRITY_SUB_LOG_MAX_SIZE_MB is "0": it must be a whole number from 1 to 100000`},
		{"environment", "ALWRITY_SUB_LOG_MAX_SIZE_MB=1.5",
			`ALWRITY_SUB_LOG_MAX_SIZE_MB is "1.5": it must be a whole number from 1 to 100000`},
		{"config file", "log_max_backups: -1",
			`log_max_backups in alwrity-sub.yaml is "-1": it must be a whole number from 0 to 100000`},
		{"environment", "ALWRITY_SUB_ALERT_THRESHOLDS=80,ninety",
			`ALWRITY_SUB_ALERT_THRESHOLDS has "ninety" in it: each must be a whole percent from 1 to 1000`},
		{"environment", "ALWRITY_SUB_ALERT_THRESHOLDS=0",
			`ALWRITY_SUB_ALERT_THRESHOLDS has "0" in it: each must be a whole percent from 1 to 1000`},
		{"environment", "ALWRITY_SUB_ALERT_THRESHOLDS=80,1001",
			`ALWRITY_SUB_ALERT_THRESHOLDS has "1001" in it: each must be a whole percent from 1 to 1000`},
		{"environment", "ALWRITY_SUB_ALERT_THRESHOLDS=80,,90",
			`ALWRITY_SUB_ALERT_THRESHOLDS has "" in it: each must be a whole percent from 1 to 1000`},
		{"environment", "ALWRITY_SUB_ALERT_THRESHOLDS=90,80",
			`ALWRITY_SUB_ALERT_THRESHOLDS has 80 after 90: they must ascend, each once`},
		{"environment", "ALWRITY_SUB_ALERT_THRESHOLDS=80,80",
			`ALWRITY_SUB_ALERT_THRESHOLDS has 80 after 80: they must ascend, each once`},
		{"config file", "alert_thresholds: [80, 92.5]",
			`alert_thresholds in alwrity-sub.yaml has "92.5" in it: each must be a whole percent from 1 to 1000`},
		{"config file", "alert_thresholds: []",
			`alert_thresholds in alwrity-sub.yaml is empty: there must be one threshold at least`},
		{"config file", "alert_treshold: 80",
			"alwrity-sub.yaml has the key \"alert_treshold\", which is not known\nhint: did you mean alert_thresholds?"},
		{"config file", "databse_url: postgresql://u:geheim@h/d",
			"alwrity-sub.yaml has the key \"databse_url\", which is not known\nhint: did you mean database_url?"},
		{"config file", "database:\n  url: geheim",
			"alwrity-sub.yaml has the key \"database.url\", which is not known\nhint: did you mean database_url?"},
		{"config file", "quiet: true\n\tcolor: geheim", "alwrity-sub.yaml, line 2: this is no YAML of the form key: value"},
		{"config file", "DATABASE_URL=postgresql://u:geheim@h/d",
			"alwrity-sub.yaml, line 1: this is no YAML of the form key: value"},
		{"config file", "quiet: true\nquiet: false", "alwrity-sub.yaml, line 2: this is no YAML of the form key: value"},
		{"config file", "- geheim", "alwrity-sub.yaml, line 1: this is no YAML of the form key: value"},
		{"flag", "--config=nowhere.yaml",
			"nowhere.yaml can't be read: no such file or directory\n" +
				"hint: make it a file that you may read, or name another with --config"},
		{"flag", "--config=", "can't be read: is a directory"},
		{"flag", "--env-file=nowhere.env",
			"nowhere.env can't be read: no such file or directory\n" +
				"hint: make it a file that you may read, or name another with --env-file"},
		{"flag", "--env-file=.", "can't be read: is a directory"},
		{"flag", "--now=2026-02-30", `--now is "2026-02-30": there is no such time`},
		{"flag", "--now=", `--now is "": there is no such time`},
		{"flag", "--now=2026-01-01T25:00:00Z", `there is no such time`},
		{"flag", "--now=1969-12-31", `it must lie between the years 1970 and 8999`},
	} {
		t.Run(test.line, func(t *testing.T) {
			p := testProcess(t, "work")
			switch test.where {
			case "flag":
				p.Args = append(p.Args, test.line)
			case "environment":
				p.Environ = append(p.Environ, test.line)
			case "env file":
				write(t, p.Dir, ".env", test.line)
			case "config file":
				write(t, p.Dir, defaultConfigFile, test.line)
			}
			got := do(t, p, func(context.Context, *commands.Env) error { t.Error("the command has run"); return nil })
			if got.status != 2 || got.out != "" {
				t.Errorf("exit %d, stdout %q", got.status, got.out)
			}
			mustContain(t, got.err, test.want)
			if strings.Contains(got.err, "geheim") {
				t.Errorf("shows a secret: %s", got.err)
			}
		})
	}
}

func TestConfigFilePlaces(t *testing.T) {
	p := testProcess(t)
	p.ConfigDir = t.TempDir()
	actor := func() string {
		c, err := loadConfig(p, globalFlags())
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.check(p, false, false)
		if err != nil {
			t.Fatal(err)
		}
		return s.commands.Actor
	}
	if got := actor(); got != "tester" {
		t.Errorf("without a file: %s", got)
	}
	write(t, p.ConfigDir, "alwrity-sub/alwrity-sub.yaml", "actor: personal")
	if got := actor(); got != "personal" {
		t.Errorf("with the user's file: %s", got)
	}
	write(t, p.Dir, "alwrity-sub.yaml", "actor: local")
	if got := actor(); got != "local" {
		t.Errorf("with a file here too: %s", got)
	}
}

// What the commands get to see.
func TestSettings(t *testing.T) {
	p := testProcess(t, "work", "-q", "--color", "always")
	p.Environ = append(p.Environ, "DATABASE_URL=postgresql://u:geheim@h:5432/d", "HUGGINGFACE_INPUT_TOKEN_COST=0.000002",
		"HUGGINGFACE_API_KEY=x", "ALWRITY_SUB_ACTORR=me")
	write(t, p.Dir, ".env", "HUGGINGFACE_INPUT_TOKEN_COST=7\nHUGGINGFACE_OUTPUT_TOKEN_COST=nan\nEXA_API_KEY=x\nOTHER=1\n")
	write(t, p.Dir, defaultConfigFile, "alert_thresholds: [75, 100]\n")
	p.Width, p.ErrTerminal = 99, true
	got := do(t, p, func(_ context.Context, env *commands.Env) error {
		s := env.Settings
		if s.DatabaseURL != "postgresql://u@h:5432/d" || s.Version != "1.2.3" || s.Actor != "tester" ||
			!slices.Equal(s.Thresholds, []int{75, 100}) {
			t.Errorf("%+v", s)
		}
		if s.Lookup(pricing.HuggingFaceInputVariable) != "0.000002" || s.Lookup(pricing.HuggingFaceOutputVariable) != "nan" ||
			s.Lookup("EXA_API_KEY") != "" || s.Lookup("OTHER") != "" {
			t.Error("Lookup finds the wrong values")
		}
		want := []string{
			"flags: --color, --quiet",
			"environment: DATABASE_URL, HUGGINGFACE_INPUT_TOKEN_COST",
			"env file .env: HUGGINGFACE_INPUT_TOKEN_COST, HUGGINGFACE_OUTPUT_TOKEN_COST",
			"config file alwrity-sub.yaml: alert_thresholds",
			"not known, has no effect: ALWRITY_SUB_ACTORR (did you mean ALWRITY_SUB_ACTOR?)",
		}
		if !slices.Equal(s.Sources, want) {
			t.Errorf("sources:\n%s", strings.Join(s.Sources, "\n"))
		}
		var present []string
		for _, k := range s.APIKeys {
			if k.Present {
				present = append(present, k.Variable)
			}
		}
		if len(s.APIKeys) != 12 || !slices.Equal(present, []string{"HUGGINGFACE_API_KEY", "EXA_API_KEY"}) {
			t.Errorf("keys: %v", s.APIKeys)
		}
		if !env.Quiet || !env.Printer.Color || env.Printer.Width != 99 || !env.Progress {
			t.Errorf("%+v", env.Printer)
		}
		return nil
	})
	if got.status != 0 || got.err != "" {
		t.Errorf("%+v", got)
	}
}
