package access

import (
	"strings"
	"testing"
	"time"
)

func TestNewSecret(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token, stored := newSecret()
		if public, ok := PublicPart(token); !ok || public != stored.Public || !isToken(token) || len(token) != 49 {
			t.Fatalf("%s is no token of %s", token, stored.Public)
		}
		if strings.Contains(stored.Hash, token[17:]) || stored.Hash != hashOf(token) || len(stored.Hash) != 64 {
			t.Fatalf("it is stored as %q", stored.Hash)
		}
		if seen[stored.Public] {
			t.Fatal("the same twice")
		}
		seen[stored.Public] = true
	}
}

func TestWhatIsNoToken(t *testing.T) {
	good, _ := newSecret()
	for _, text := range []string{"", "ask_", "ask__", good[:48], good + "x", "ASK_" + good[4:], good[:20] + "-" +
		good[21:],
		strings.Replace(good, "_", " ", 2), good[:17] + "\x00" + good[18:], "ask_" + strings.Repeat("ü", 6) + good[16:]} {
		if isToken(text) {
			t.Errorf("%q is taken for a token", text)
		}
	}
}

func TestRedact(t *testing.T) {
	a, stored := newSecret()
	b, _ := newSecret()
	for text, want := range map[string]string{
		"":                          "",
		"ask_":                      "ask_",
		"please ask_me":             "please ask_me",
		a:                           stored.Public + "_***",
		"x " + a + "," + b + ".":    "x " + stored.Public + "_***," + b[:16] + "_***.",
		"half " + a[:30]:            "half " + stored.Public + "_***",
		"only " + stored.Public:     "only " + stored.Public,
		stored.Public + "_ nothing": stored.Public + "_ nothing",
	} {
		if got := Redact(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestIdentityMay(t *testing.T) {
	user := Identity{User: "alice", Scopes: []Scope{ScopeRead}}
	gateway := Identity{ActAs: true, Scopes: []Scope{ScopeGateway}, Providers: []string{"openai"},
		Models: []string{"gpt-4o"}}
	admin := Identity{Scopes: []Scope{ScopeAdmin}}
	for name, tt := range map[string]struct{ got, want bool }{
		"read":              {user.May(ScopeRead), true},
		"not events":        {user.May(ScopeEvents), false},
		"not admin":         {user.May(ScopeAdmin), false},
		"admin may read":    {admin.May(ScopeRead), true},
		"nobody":            {Identity{}.May(ScopeRead), false},
		"for herself":       {user.MayActFor("alice"), true},
		"not for bob":       {user.MayActFor("bob"), false},
		"not for nobody":    {Identity{}.MayActFor(""), false},
		"not for Alice":     {user.MayActFor("Alice"), false},
		"for any":           {gateway.MayActFor("bob"), true},
		"an admin for any":  {admin.MayActFor("bob"), true},
		"all models":        {user.MayCall("x", "y"), true},
		"its model":         {gateway.MayCall("openai", "GPT-4o"), true},
		"no other model":    {gateway.MayCall("openai", "gpt-4o-mini"), false},
		"no other provider": {gateway.MayCall("gemini", "gpt-4o"), false},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %v", name, tt.got)
		}
	}
}

func TestParseExpiry(t *testing.T) {
	now := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "90d": now.AddDate(0, 0, 90), "12h": now.Add(12 * time.Hour), "2027-01-31": time.Date(2027, 1, 31, 0, 0, 0, 0,
			time.UTC),
	} {
		if got, err := ParseExpiry(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"soon", "d", "-1d", "99999d", "1e3d", "2027-02-30"} {
		if got, err := ParseExpiry(text, now); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}
