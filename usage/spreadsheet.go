package usage

import "strings"

// formulaStarts are the characters with which a spreadsheet begins to calculate.
const formulaStarts = "=+-@\t\r"

// ProtectCell returns a text of a CSV file so that no spreadsheet runs it as a formula: where it begins like one, an
// apostrophe is put before it. A text that would read as protected already gets one more, so that UnprotectCell finds
// every text again.
func ProtectCell(s string) string {
	if startsFormula(s) || looksProtected(s) {
		return "'" + s
	}
	return s
}

// UnprotectCell is the exact inverse of ProtectCell.
func UnprotectCell(s string) string {
	if looksProtected(s) {
		return s[1:]
	}
	return s
}

func startsFormula(s string) bool { return s != "" && strings.IndexByte(formulaStarts, s[0]) >= 0 }

func looksProtected(s string) bool {
	rest, quoted := strings.CutPrefix(s, "'")
	return quoted && (startsFormula(rest) || strings.HasPrefix(rest, "'"))
}
