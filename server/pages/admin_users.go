package pages

import (
	"net/http"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/report"
	"github.com/alwrity/alwrity-sub/server/web"
	"github.com/alwrity/alwrity-sub/usage"
)

func (p *pages) adminUsers(w http.ResponseWriter, c *web.Call) error {
	q := c.Query()
	query := usage.UserQuery{Search: strings.TrimSpace(q.Text("q")), Status: plan.Status(q.Text("status")),
		Plan: q.Text("plan"), After: q.Text("after"), Now: c.Now, Limit: pageSize}
	if err := q.Err(); err != nil {
		return err
	}
	found, err := c.Lists.FindUsers(c.Context(), query)
	if err != nil {
		return err
	}
	plans, subscribers, err := c.Catalogue.Plans(c.Context(), c.Now, c.Now)
	if err != nil {
		return err
	}
	d := listPage{Heading: "Users", Lead: subscriptionsText(subscribers), Empty: "No user was ever seen here. " +
		"The first event, or the first subscription, makes one."}
	if query.Search != "" || query.Status != "" || query.Plan != "" || query.After != "" {
		d.Empty = "No user is like that."
	}
	d.Search = &searchForm{Action: "/admin/users", Label: "Id, name or mail", Name: "q", Value: query.Search,
		Options: []optionList{statusOptions(query.Status), planOptions(plans, query.Plan)}}
	if len(found.Rows) > 0 {
		d.Parts = []part{{Table: firstTable(partsOf(report.Users(found.Rows, c.Now), links{
			"user_id": func(i int) string { return userPath(found.Rows[i].UserID) }}))}}
	}
	if query.After != "" {
		d.First = following(c, "after", "")
	}
	if found.More {
		d.Next = following(c, "after", found.Rows[len(found.Rows)-1].UserID)
	}
	return p.show(w, c, http.StatusOK, page{template: "list", title: "Users", section: "/admin/users", data: d})
}

func subscriptionsText(subscribers map[int64]int) string {
	sum := sumOf(subscribers)
	return failure.Counted(sum, "subscription") + " that " + map[bool]string{true: "runs", false: "run"}[sum == 1] +
		". Who has none is on the free plan."
}

func sumOf(subscribers map[int64]int) (sum int) {
	for _, n := range subscribers {
		sum += n
	}
	return sum
}

func statusOptions(selected plan.Status) optionList {
	list := optionList{"Status", "status", []option{{"", "All", selected == ""}}}
	for _, s := range plan.Statuses() {
		list.Options = append(list.Options, option{string(s), title(string(s)), s == selected})
	}
	return list
}

func planOptions(plans plan.Plans, selected string) optionList {
	list := optionList{"Plan", "plan", []option{{"", "All", selected == ""}}}
	for _, name := range plans.Names() {
		list.Options = append(list.Options, option{name, report.Visible(name), strings.EqualFold(name, selected)})
	}
	return list
}
