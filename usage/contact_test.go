package usage_test

import (
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/usage"
)

func TestProfileChange(t *testing.T) {
	before := usage.Profile{Email: "a@b.example", Contact: usage.Contact{Name: "Ann", Country: "DE", TaxID: "DE1"}}
	text := func(s string) *string { return &s }
	after, err := usage.ProfileChange{Email: text(""), Address: text("1 High St\nLeeds"), Country: text("gb")}.Of(before)
	want := usage.Profile{Contact: usage.Contact{Name: "Ann", Address: "1 High St\nLeeds", Country: "GB", TaxID: "DE1"}}
	if err != nil || after != want {
		t.Errorf("%+v, %v", after, err)
	}
	for says, c := range map[string]usage.ProfileChange{
		"email is": {Email: text("nobody")}, "name is": {Name: text("a\tb")}, "name must": {Name: text(" a")},
		"address is": {Address: text(strings.Repeat("x", 1001))}, "address contains": {Address: text("a\x00")},
		`country is "D"`: {Country: text("d")}, `country is "XX"`: {Country: text("xx")},
		`country is "D A"`: {Country: text("d a")},
		`country is "E "`:  {Country: text("e ")}, "tax_id is": {TaxID: text(strings.Repeat("x", 300))},
		`country is "UK"`: {Country: text("uk")}, "tax_id": {TaxID: text("a\nb")},
	} {
		after, err := c.Of(before)
		if !failure.Is(err, failure.Invalid) || !strings.Contains(err.Error(), strings.Fields(says)[0]) || after != before {
			t.Errorf("%s: %+v, %v", says, after, err)
		}
	}
}
