package pages_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/alwrity/alwrity-sub/access"
)

func TestAdminInABrowser(t *testing.T) {
	f := demo(t)
	b := openBrowser(f)
	b.signIn(f.Token("", access.ScopeAdmin))
	pages := adminPages()
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		b.visit(pages[name])
		if strings.Contains(name, "-") && !slices.Contains([]string{"user-busy", "user-hostile", "user-long"}, name) {
			b.everybody("admin-" + name) // it looks like another one
		} else {
			b.screenshots("admin-" + name)
		}
	}
	// Forms as people use them: each asks once more, and says what was done.
	for _, try := range []struct{ name, page, open, form string }{
		{"suspend", pages["user-over"], "", "#do-suspend"},
		{"void", pages["user-over"], `document.querySelector("td.check input").checked = true;
			document.querySelector("#log ~ form input[name=reason]").value = "a test"`, "#log ~ form"},
		{"cancel", pages["user-arabic"], "", "form[action$=cancel]"},
		{"change-plan", pages["user-busy"], `document.querySelector("form[action$=change-plan] select").value = "Basic"`,
			"form[action$=change-plan]"},
		{"credit", pages["user-busy"], `document.querySelector("input[name=amount]").value = "5.00";
			document.querySelector("form[action$=credit] input[name=reason]").value = "the outage of May 3"`,
			"form[action$=credit]"},
		{"price", pages["price"], `document.querySelector("input[name=input_token]").value = "0.2/1M"`,
			"form[action$=set-price]"},
		{"paid", "/admin/bill?number=2", "", "form[action$=mark-paid]"},
		{"alerts", pages["alerts"], `document.querySelector("td.check input").checked = true`, "form[action$=read-alerts]"},
	} {
		b.visit(try.page)
		if try.open != "" {
			eval[any](b, try.open+"; null")
		}
		b.run(chromedp.Submit(chromedp.CSS(try.form)), chromedp.WaitVisible(chromedp.CSS(".sheet.wide button")))
		if try.name == "change-plan" || try.name == "void" || try.name == "price" {
			b.screenshots("admin-confirm-" + try.name)
		} else {
			b.everybody("admin-confirm-" + try.name)
		}
		b.run(chromedp.Submit(chromedp.CSS(".sheet.wide form")), chromedp.WaitVisible(chromedp.CSS(".notice.good")))
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, fault := range b.faults {
		t.Error(fault)
	}
}
