package report

import (
	"fmt"
	"strings"

	"github.com/alwrity/alwrity-sub/usage"
)

// barCells is how wide the bar of a limit is.
const barCells = 20

// limitBar draws how full a limit is: "██████████████░░░░░░  66.0%".
func limitBar(u usage.LimitUse) span {
	switch {
	case u.Limit.Unlimited:
		return dim.of("unlimited")
	case u.Limit.Max == 0:
		return dim.of(notInPlan)
	}
	perMille, _ := u.PerMille()
	// What is used at all shows, and only what is full looks full.
	filled := min(perMille*barCells/1000, barCells)
	bar := strings.Repeat("█", int(filled)) + strings.Repeat("░", int(barCells-filled))
	if filled == 0 && u.Used > 0 {
		bar = sliver(perMille) + strings.Repeat("░", barCells-1)
	}
	return span{fmt.Sprintf("%s %6s", bar, ShortPercent(perMille)), fullness(perMille)}
}

// sliver is the first cell of a bar where not all of it is filled, in eighths.
func sliver(perMille int64) string {
	eighths := []rune("▏▎▍▌▋▊▉")
	return string(eighths[min(perMille*barCells*8/1000, int64(len(eighths)-1))])
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
