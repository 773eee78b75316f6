package health

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/billing"
	"github.com/alwrity/alwrity-sub/failure"
)

// daysToClose is how many days a period that has ended may stay open: cron runs nightly, and one night may fail.
const daysToClose = 2

// bills looks at everything that was billed.
func (s *Service) bills(ctx context.Context, now time.Time, _ *Configuration) ([]Check, error) {
	h, err := s.Store.BillingHealth(ctx, now.AddDate(0, 0, -daysToClose))
	if err != nil {
		return nil, err
	}
	return []Check{periodsCheck(h), numbersCheck(h), billsCheck(h), billedUsageCheck(h)}, nil
}

func periodsCheck(h billing.Health) Check {
	switch {
	case h.OverdueUsers > 0:
		return Check{
			Name: "closed periods",
			Detail: failure.Counted(h.OverdueUsers, "user") +
				" with a period that ended more than two days ago and is not closed",
			Reason: "periods_overdue",
		}
	case h.Bills == 0:
		return Check{Name: "closed periods", OK: true, Detail: "no period was billed yet"}
	}
	return Check{Name: "closed periods", OK: true, Detail: "every period that ended more than two days ago"}
}

func numbersCheck(h billing.Health) Check {
	if h.Bills == h.HighestNumber && h.HighestNumber == h.LastGivenNumber {
		return Check{Name: "bill numbers", OK: true, Detail: fmt.Sprintf("%d, without gaps", h.Bills)}
	}
	return Check{
		Name: "bill numbers",
		Detail: fmt.Sprintf("%d bills and credit notes, the highest number is %d, the last that was given %d",
			h.Bills, h.HighestNumber, h.LastGivenNumber),
		Hint: "bills were added or removed in the database by hand: restore them from a backup",
	}
}

func billsCheck(h billing.Health) Check {
	var wrong []string
	note := func(what string, bills []int64) {
		if len(bills) > 0 {
			wrong = append(wrong, what+": "+strings.Trim(strings.ReplaceAll(fmt.Sprint(bills), " ", ", "), "[]"))
		}
	}
	note("not the sums of their lines", h.MismatchedBills)
	note("with lines whose prices do not come to their cost", h.MischargedBills)
	if h.OverdrawnUsers > 0 {
		wrong = append(wrong, failure.Counted(h.OverdrawnUsers, "user")+" used up more credit than there was")
	}
	if len(wrong) == 0 {
		return Check{Name: "bills", OK: true, Detail: "all are the sums of their lines, and these of their prices"}
	}
	return Check{
		Name: "bills", Detail: strings.Join(wrong, "; "),
		Hint: "bills or credits were changed in the database by hand: restore them from a backup",
	}
}

func billedUsageCheck(h billing.Health) Check {
	switch {
	case h.PrematureLines > 0:
		return Check{
			Name: "billed usage", Detail: failure.Counted(h.PrematureLines, "line") + " of usage in periods that are not closed",
			Hint: "billing_accounts was changed in the database by hand: restore it from a backup",
		}
	case h.UnbilledTotals > 0:
		return Check{Name: "billed usage", OK: true, Detail: fmt.Sprintf(
			"%s of closed periods with a cost of %s in all for the next bills, from late events or new prices",
			failure.Counted(h.UnbilledTotals, "difference"), h.UnbilledCost.Display())}
	}
	return Check{Name: "billed usage", OK: true, Detail: "bills agree with the usage of closed periods"}
}
