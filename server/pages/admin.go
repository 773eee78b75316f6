package pages

import (
	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/server/web"
)

// adminRoutes are the pages of operators. What usage costs is shown there, whatever customers see.
func (p *pages) adminRoutes() []web.Route {
	admin := *p
	admin.ShowCost = true
	p = &admin
	routes := []web.Route{
		{Pattern: "GET /admin", Do: p.adminOverview},
		{Pattern: "GET /admin/users", Do: p.adminUsers},
		{Pattern: "GET /admin/user", Do: p.adminUser},
		{Pattern: "GET /admin/explain", Do: p.adminExplain},
		{Pattern: "GET /admin/plans", Do: p.adminPlans},
		{Pattern: "GET /admin/plan", Do: p.adminPlan},
		{Pattern: "GET /admin/prices", Do: p.adminPrices},
		{Pattern: "GET /admin/price", Do: p.adminPrice},
		{Pattern: "GET /admin/bills", Do: p.adminBills},
		{Pattern: "GET /admin/bill", Do: p.adminBill},
		{Pattern: "GET /admin/alerts", Do: p.adminAlerts},
		{Pattern: "GET /admin/outbox", Do: p.adminOutbox},
		{Pattern: "GET /admin/audit", Do: p.adminAudit},
		{Pattern: "GET /admin/health", Do: p.adminHealth},
		{Pattern: "POST /admin/do/{action}", Do: p.adminDo},
	}
	for i := range routes {
		routes[i].Scope = access.ScopeAdmin
	}
	return routes
}

func adminNavigation(section string) []entry {
	entries := []entry{{Path: "/admin", Name: "Today"}, {Path: "/admin/users", Name: "Users"},
		{Path: "/admin/bills", Name: "Bills"}, {Path: "/admin/plans", Name: "Plans"}, {Path: "/admin/prices", Name: "Prices"},
		{Path: "/admin/alerts", Name: "Alerts"}, {Path: "/admin/outbox", Name: "Outbox"},
		{Path: "/admin/audit", Name: "Audit"}, {Path: "/admin/health", Name: "Health"}}
	for i := range entries {
		entries[i].Current = entries[i].Path == section
	}
	return entries
}

// listPage is a page of a list, with what it can be narrowed by.
type listPage struct {
	Heading, Lead string
	Search        *searchForm // nil: none
	Choices       []choice
	Parts         []part
	Empty         string // what is said where there is nothing
	Select        *selectForm
	First, Next   string // links; "" for none
}

// searchForm is a field to search in, with the parameters that stay.
type searchForm struct {
	Action, Label, Name, Value string
	Keep                       []pair
	Options                    []optionList
}

type pair struct{ Name, Value string }

type optionList struct {
	Label, Name string
	Options     []option
}

// selectForm does something with the rows that are chosen, or with all that are shown.
type selectForm struct {
	Buttons []button
}

type button struct{ Action, Name string }

// pageSize is how many rows a page of a list has.
const pageSize = 100

// following is the address of this page with one parameter changed.
func following(c *web.Call, name, value string) string {
	q := c.URL.Query()
	q.Del("done")
	if q.Del(name); value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return c.URL.Path
	}
	return c.URL.Path + "?" + q.Encode()
}
