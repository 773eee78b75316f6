package commands

import (
	"context"
	"fmt"
	"strings"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/report"
)

// patience is how many days a period that has ended may stay open: cron runs nightly,
// and one night may fail.
const patience = 2

// checkBilling looks at everything that was billed.
func checkBilling(ctx context.Context, env *Env, s *Services) ([]report.Check, error) {
	h, err := s.BillingHealth.BillingHealth(ctx, env.Now().AddDate(0, 0, -patience))
	if err != nil {
		return nil, err
	}
	return []report.Check{periodsCheck(h), numbersCheck(h), billsCheck(h), billedUsageCheck(h)}, nil
}

func periodsCheck(h billing.Health) report.Check {
	c := report.Check{Name: "closed periods", OK: h.Overdue == 0, Detail: "every period that ended more than two days ago"}
	if h.Bills == 0 && c.OK {
		c.Detail = "no period was billed yet"
	}
	if !c.OK {
		c.Detail = fmt.Sprintf("%s with a period that ended more than two days ago and is not closed", report.Counted(h.Overdue, "user"))
		c.Hint = "run every night: alwrity-sub billing close"
	}
	return c
}

func numbersCheck(h billing.Health) report.Check {
	c := report.Check{Name: "bill numbers", OK: h.Bills == h.LastNumber && h.LastNumber == h.GivenNumber,
		Detail: fmt.Sprintf("%d, without gaps", h.Bills)}
	if !c.OK {
		c.Detail = fmt.Sprintf("%d bills and credit notes, the highest number is %d, the last that was given %d", h.Bills, h.LastNumber, h.GivenNumber)
		c.Hint = "bills were added or removed in the database by hand: restore them from a backup"
	}
	return c
}

func billsCheck(h billing.Health) report.Check {
	c := report.Check{Name: "bills", OK: len(h.Unequal) == 0 && h.Negative == 0, Detail: "all are the sums of their lines"}
	var wrong []string
	if n := len(h.Unequal); n > 0 {
		numbers := make([]string, n)
		for i, number := range h.Unequal {
			numbers[i] = fmt.Sprint(number)
		}
		wrong = append(wrong, "not the sums of their lines: "+strings.Join(numbers, ", "))
	}
	if h.Negative > 0 {
		wrong = append(wrong, report.Counted(h.Negative, "user")+" used up more credit than there was")
	}
	if !c.OK {
		c.Detail, c.Hint = strings.Join(wrong, "; "), "bills or credits were changed in the database by hand: restore them from a backup"
	}
	return c
}

func billedUsageCheck(h billing.Health) report.Check {
	c := report.Check{Name: "billed usage", OK: h.Early == 0, Detail: "bills agree with the usage of closed periods"}
	if h.Waiting > 0 {
		c.Detail = fmt.Sprintf("%s of closed periods with a cost of %s in all for the next bills, from late events or new prices",
			report.Counted(h.Waiting, "difference"), h.WaitingCost.Display())
	}
	if !c.OK {
		c.Detail = fmt.Sprintf("%s of usage in periods that are not closed", report.Counted(h.Early, "line"))
		c.Hint = "billing_accounts was changed in the database by hand: restore it from a backup"
	}
	return c
}
