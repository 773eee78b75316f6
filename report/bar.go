package report

import (
	"fmt"
	"strings"

	"github.com/alwrity/alwrity-sub/usage"
)

// barCells is how wide the bar of a limit is.
const barCells = 20

// limitBar draws how full a limit is: "██████████████░░░░░░  66.0%".
func limitBar(u usage.Use) span {
	switch {
	case u.Limit.Unlimited:
		return dim.of("unlimited")
	case u.Limit.Max == 0:
		return dim.of(notInPlan)
	}
	perMille, _ := u.PerMille()
	// What is used at all shows, and only what is full looks full.
	filled := min(perMille*barCells/1000, barCells)
	if filled == 0 && u.Used > 0 {
		filled = 1
	}
	bar := strings.Repeat("█", int(filled)) + strings.Repeat("░", int(barCells-filled))
	return span{fmt.Sprintf("%s %6s", bar, shortPercent(perMille)), fullness(perMille)}
}

// shortPercent writes thousandths as percent; what is far beyond full, roughly.
func shortPercent(perMille int64) string {
	if perMille >= 10_000 {
		return ">999%"
	}
	return fmt.Sprintf("%d.%d%%", perMille/10, perMille%10)
}

// fullness is the colour of a bar: the steps are those of the default alerts.
func fullness(perMille int64) style {
	switch {
	case perMille >= 1000:
		return bad
	case perMille >= 800:
		return caution
	}
	return good
}
