package pages_test

import (
	"maps"
	"slices"
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
		b.screenshots("admin-" + name)
	}
	// Forms as people use them: each asks once more, and says what was done.
	b.visit(pages["user-over"])
	b.press("#do-suspend", "Suspend")
	b.screenshots("admin-confirm-suspend")
	b.press("main form", "suspended")
	b.visit(pages["user-over"])
	b.run(chromedp.Click(chromedp.CSS("td.check input")), chromedp.SendKeys(chromedp.CSS("#log ~ form input[name=reason]"), "a test"))
	b.press("#log ~ form", "Take calls back")
	b.screenshots("admin-confirm-void")
	b.press("main form", "taken back")
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, fault := range b.faults {
		t.Error(fault)
	}
}

// press sends a form, and waits for a page that says something.
func (b *browser) press(form, says string) {
	b.Helper()
	eval[any](b, `document.querySelector("`+form+`").requestSubmit(); null`)
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](`document.body.innerText.includes("`+says+`")`))
	b.Must(err)
}
