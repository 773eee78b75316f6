package usage

import (
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

// Contact is who a user is, as a bill says it; each is "" where it is not known.
type Contact struct {
	Name    string
	Address string // line by line; a written \n ends a line too
	Country string // of ISO 3166-1, two letters
	TaxID   string
}

// Profile is what is kept of a user beside usage and subscription.
type Profile struct {
	Email string
	Contact
}

// ProfileChange says what of a profile is to change: nil stays as it is, "" takes it away.
type ProfileChange struct{ Email, Name, Address, Country, TaxID *string }

// IsEmpty tells whether nothing is to change.
func (c ProfileChange) IsEmpty() bool { return c == ProfileChange{} }

// longestAddress is how long an address may be.
const longestAddress = 1_000

// Of returns a profile after the change, or an invalid failure for what can't be in one. A country may be written in
// small letters.
func (c ProfileChange) Of(p Profile) (Profile, error) {
	for _, part := range []struct {
		to    *string
		value *string
		check func(string) error
	}{
		{&p.Email, c.Email, ValidateEmail},
		{&p.Name, c.Name, func(name string) error { return validateName("name", name, false) }},
		{&p.Address, c.Address, func(text string) error { return validateText("address", text, longestAddress) }},
		{&p.Country, upper(c.Country), validateCountry},
		{&p.TaxID, c.TaxID, func(id string) error { return validateName("tax_id", id, false) }},
	} {
		if part.value == nil {
			continue
		}
		if err := part.check(*part.value); err != nil {
			return p, err
		}
		*part.to = *part.value
	}
	return p, nil
}

func upper(text *string) *string {
	if text == nil {
		return nil
	}
	large := strings.ToUpper(*text)
	return &large
}

// countries are the officially assigned codes of ISO 3166-1 alpha-2: https://www.iso.org/obp/ui/#search/code/.
const countries = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS " +
	"BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE " +
	"EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM " +
	"HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC " +
	"LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA " +
	"NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO " +
	"TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"

func validateCountry(code string) error {
	if code == "" || len(code) == len("DE") && !strings.Contains(code, " ") && strings.Contains(countries, code) {
		return nil
	}
	invalid := failure.Invalidf("country is %q: it must be a code of ISO 3166-1 with two letters, such as DE or US",
		failure.Shorten(code))
	if code == "UK" {
		return invalid.WithHint("that of the United Kingdom is GB")
	}
	return invalid
}
