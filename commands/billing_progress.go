package commands

import (
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/alwrity/alwrity-sub/failure"
)

// closingProgress shows on a terminal of how many users the periods are closed, and how many bills that made. What the
// bar answers is left alone: it only draws.
type closingProgress struct {
	env   *Env
	bar   *progressbar.ProgressBar // nil until it is known how many users there are
	bills int64
}

// users is told how many users are done.
func (p *closingProgress) users(done, all int64) {
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(all, progressbar.OptionSetWriter(p.env.Err), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription("closing periods"),
			progressbar.OptionSetVisibility(p.env.Progress && !p.env.Quiet),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())
	}
	p.bar.ChangeMax64(all)
	_ = p.bar.Set64(done)
}

// bill is told of one more bill.
func (p *closingProgress) bill() {
	p.bills++
	if p.bar != nil {
		p.bar.Describe("closing periods, " + failure.Counted(p.bills, "bill"))
	}
}

func (p *closingProgress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
