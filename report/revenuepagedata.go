package report

type revenuePage struct {
	Title      string
	Company    string
	Month      string
	MonthText  string
	AsOf       string
	Figures    []namedFigure
	History    *historyPage
	Parts      *partsPage
	Unpaid     *unpaidPage
	Breakdowns []breakdown
	Providers  *breakdown
	Near       *nearPage
	Idle       *idlePage
	Unpriced   string
}

type namedFigure struct {
	Name  string
	Value figure
	Note  string
}

// moneyRow is a row of a table of revenue, cost and margin.
type moneyRow struct {
	Name    string
	Bills   string
	Bars    []bar
	Revenue figure
	Cost    figure
	Margin  figure
	Percent string
}

type historyPage struct {
	Charts []monthChart
	Rows   []moneyRow // the newest first
}

type partsPage struct {
	Rows []namedFigure
	Sum  figure
}

type breakdown struct {
	ID, Title, Column, Lead string
	Legend                  bool
	Rows                    []moneyRow
	Sum                     moneyRow
}

// Short tells whether a table is printed on one page and never broken.
func (b breakdown) Short() bool { return len(b.Rows) <= 8 }

type unpaidPage struct {
	Rows []struct {
		Name   string
		Bar    bar
		Bills  string
		Amount figure
	}
	Bills  string
	Amount figure
}

type nearPage struct {
	Rows []nearRow
	More string
}

type nearRow struct {
	User, Plan, Limit, Used, Max, Percent, Until string
	Bar                                          bar
}

type idlePage struct {
	Rows []idleRow
	More string
}

type idleRow struct {
	User, Plan, Period string
	Fee                figure
	Each               string // "a year", or ""
}
