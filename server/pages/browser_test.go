package pages_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/servertest"
)

// browser is a tab of a real browser, which notes what it must not do: errors on the console, requests elsewhere.
type browser struct {
	*servertest.Fixture
	ctx    context.Context
	mutex  sync.Mutex
	faults []string
}

// openBrowser starts a browser. Without one the test is skipped, or fails where CI is true.
func openBrowser(f *servertest.Fixture) *browser {
	f.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			f.Fatal("chromium is missing: scripts/tools.sh installs it")
		}
		f.Skip("chromium is missing: scripts/tools.sh installs it")
	}
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox,
		chromedp.UserDataDir(f.TempDir()), chromedp.NoFirstRun)
	for _, flag := range []string{"disable-gpu", "disable-quic", "disable-background-networking",
		"disable-component-update", "disable-sync", "hide-scrollbars", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocated, stop := chromedp.NewExecAllocator(f.Context(), options...)
	f.Cleanup(stop)
	ctx, end := chromedp.NewContext(allocated)
	f.Cleanup(end)
	b := &browser{Fixture: f, ctx: ctx}
	f.Must(chromedp.Listen(ctx, b.listen))
	return b
}

// listen notes what the browser must not do.
func (b *browser) listen(event any) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, b.URL+"/") && !strings.HasPrefix(e.Request.URL, "data:") {
			b.faults = append(b.faults, "it asks "+e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, "it throws "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.faults = append(b.faults, fmt.Sprintf("it says %s %v", e.Type, e.Args))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelVerbose {
			return // advice about password managers
		}
		b.faults = append(b.faults, fmt.Sprintf("it logs %s %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	}
}

// run does something in the browser, and fails the test if that can't be done.
func (b *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, late := context.WithTimeout(b.ctx, time.Minute)
	defer late()
	b.Must(chromedp.Do(ctx, actions...))
}

// eval returns what a script finds in the page.
func eval[T any](b *browser, script string) T {
	b.Helper()
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	b.Must(err)
	return found
}

// visit goes to a path of the server.
func (b *browser) visit(path string) { b.Helper(); b.run(chromedp.Navigate(b.URL + path)) }

// signIn signs a user in by the form.
func (b *browser) signIn(token string) {
	b.Helper()
	b.visit("/login")
	b.run(chromedp.SendKeys(chromedp.CSS("#token"), token), chromedp.Submit(chromedp.CSS("#token")),
		chromedp.WaitVisible(chromedp.CSS("header.head h1")))
}

// looks are the screens and colours in which each page is looked at.
var looks = []struct {
	name   string
	width  int64
	scheme string
}{
	{"320-light", 320, "light"}, {"320-dark", 320, "dark"}, {"768-light", 768, "light"}, {"768-dark", 768, "dark"},
	{"1440-light", 1440, "light"}, {"1440-dark", 1440, "dark"},
}

// screenshots looks whether the page that is shown fits on each screen, and takes pictures where they are asked for:
// that takes longer than everything else.
func (b *browser) screenshots(name string) {
	b.Helper()
	for _, look := range looks {
		b.run(chromedp.EmulateViewport(look.width, 900))
		b.paint(look.scheme)
		if eval[bool](b, "document.documentElement.scrollWidth > innerWidth") {
			b.Errorf("%s is wider than a screen of %d pixels", name, look.width)
		}
		if os.Getenv("ALWRITY_TEST_PICTURES") == "1" {
			b.picture(name + "-" + look.name)
		}
	}
	b.everybody(name)
}

func (b *browser) picture(name string) {
	b.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	b.Must(err)
	dir := filepath.Join("testdata", "screenshots")
	b.Must(os.MkdirAll(dir, 0o755))
	b.Must(os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644))
}

// everybody looks whether everybody can use the page that is shown, in both colours.
func (b *browser) everybody(name string) {
	b.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			b.Fatal("axe-core is missing: scripts/tools.sh fetches it")
		}
		return
	}
	eval[any](b, string(script)+";null")
	for _, scheme := range []string{"light", "dark"} {
		b.paint(scheme)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`axe.run().then(r => r.violations.map(v =>
			v.impact + " " + v.id + ": " + v.nodes.map(n => n.html.slice(0, 160) + " " + n.failureSummary).join("; ")))`,
			chromedp.EvalAwaitPromise))
		b.Must(err)
		for _, violation := range found {
			b.Errorf("%s, %s: %s", name, scheme, violation)
		}
	}
}

// paint chooses the colours that the reader prefers.
func (b *browser) paint(scheme string) {
	b.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	b.Must(err)
}

// each does something with a browser on the server of the demonstration, and looks whether all was well.
func each(t *testing.T, options []func(*server.Options), do func(b *browser)) {
	t.Helper()
	b := openBrowser(demo(t, options...))
	do(b)
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, fault := range b.faults {
		t.Error(fault)
	}
}

func TestPagesInABrowser(t *testing.T) {
	each(t, nil, func(b *browser) {
		b.visit("/login")
		b.screenshots("login")
		for name, user := range map[string]string{"busy": busy, "fresh": fresh, "over": over, "suspended": suspended,
			"long": long, "arabic": arabic, "hostile": hostile} {
			b.signIn(b.Token(user))
			b.screenshots("billing-" + name)
			if user == busy || user == hostile {
				for _, path := range []string{"alerts", "log", "bills", "plan", "tokens"} {
					b.visit("/billing/" + path)
					b.screenshots(path + "-" + name)
				}
			}
		}
		for _, path := range []string{"?show=tokens&by=model&time=90d", "?time=last&by=model", "/log?status=failed"} {
			b.visit("/billing" + path)
			b.everybody(path)
		}
	})
}

// A page that shows what usage costs, on a server that warns.
func TestCostInABrowser(t *testing.T) {
	shows := func(o *server.Options) {
		o.Pages.ShowCost, o.Warning = true, "Nobody is asked who they are (DISABLE_AUTH)"
	}
	each(t, []func(*server.Options){shows}, func(b *browser) {
		b.signIn(b.Token(busy))
		b.visit("/billing?show=cost&by=model")
		b.screenshots("cost")
		b.visit("/billing/log")
		b.everybody("log with cost")
	})
}

// click presses a button or follows a link, and waits for the page that comes.
func (b *browser) click(selector string) {
	b.Helper()
	ctx, late := context.WithTimeout(b.ctx, time.Minute)
	defer late()
	response, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
	b.Must(err)
	if response.Status >= 400 {
		b.Errorf("%s leads to %s: %d", selector, response.URL, response.Status)
	}
}

// says wants a text on the page.
func (b *browser) says(selector, want string) {
	b.Helper()
	b.run(chromedp.WaitVisible(chromedp.CSS(selector)))
	got := eval[string](b, fmt.Sprintf("document.querySelector(%q).innerText", selector))
	if !strings.Contains(got, want) {
		b.Errorf("%s says %q, and not %q", selector, got, want)
	}
}

// count returns how many of something the page has.
func (b *browser) count(selector string) int {
	b.Helper()
	return eval[int](b, fmt.Sprintf("document.querySelectorAll(%q).length", selector))
}

// Everything that a customer can do is done, by pointer and form.
func TestActionsInABrowser(t *testing.T) {
	each(t, nil, func(b *browser) {
		link, err := b.Access.CreateLink(t.Context(), b.Audit("tokens link"), busy, false)
		b.Must(err)
		b.visit("/login?link=" + link.Secret) // the page signs in by itself
		b.says("header.head .eyebrow", "Pro plan")

		b.click("section[aria-labelledby=alerts] button")
		b.says(".notice", "marked as read")
		if b.count("#alerts") != 0 {
			t.Error("there are alerts that were marked as read")
		}
		b.click(".choices a[href*='show=tokens']")
		b.click(".choices a[href*='by=model']")
		b.says("table.legend thead", "Model")
		b.says("table.legend tbody", "gemini-2.5-flash")

		b.click("section[aria-labelledby=bills] a[href$='.html']")
		b.says("h1", "Bill")
		b.visit("/billing")

		b.click("nav a[href='/billing/log']")
		b.run(chromedp.SetValue(chromedp.CSS("#status"), "failed"), chromedp.SendKeys(chromedp.CSS("#model"), "gpt-4o-mini"))
		b.click(".filter button")
		if rows, failed := b.count("table.log tbody tr"), b.count("table.log td.full"); rows == 0 || rows != failed {
			t.Errorf("%d rows, of which %d failed", rows, failed)
		}
		b.visit("/billing/log")
		b.click(".pager a[rel=next]")
		b.says(".pager", "Newest")

		b.click("nav a[href='/billing/tokens']")
		b.run(chromedp.SendKeys(chromedp.CSS("#name"), hostile))
		b.click("form.stack button")
		secret := eval[string](b, "document.querySelector('.secret').innerText")
		if answer := b.Ask("GET", "/v1/users/"+busy+"/usage", secret, ""); answer.StatusCode != 200 {
			t.Errorf("the new token is not taken: %s", answer.Status)
		}
		b.screenshots("token-new")
		b.visit("/billing/tokens")
		if b.count(".secret") != 0 {
			t.Error("the secret is shown a second time")
		}
		b.click(".cards li:first-child button")
		b.says(".notice", "revoked")
		if answer := b.Ask("GET", "/v1/users/"+busy+"/usage", secret, ""); answer.StatusCode != 401 {
			t.Errorf("the revoked token is taken: %s", answer.Status)
		}

		b.click("nav a[href='/billing/plan']")
		b.click(".plans form button")
		b.says(".notice", "plan is changed")
		b.says(".facts", "Changes to Free")
		b.screenshots("plan-changed")

		b.click(".who button")
		b.says(".notice", "signed out")
	})
}

// Without a script, and by keyboard alone, one gets as far.
func TestWithoutScripts(t *testing.T) {
	each(t, nil, func(b *browser) {
		_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: true})
		b.Must(err)
		link, err := b.Access.CreateLink(t.Context(), b.Audit("tokens link"), busy, false)
		b.Must(err)
		b.visit("/login?link=" + link.Secret)
		ctx, late := context.WithTimeout(b.ctx, time.Minute)
		defer late()
		_, err = chromedp.RunResponse(ctx, chromedp.Focus(chromedp.CSS("form.stack button")), chromedp.KeyEvent(kb.Enter))
		b.Must(err)
		b.run(chromedp.WaitVisible(chromedp.CSS("section[aria-labelledby=usage] figure svg")))
	})
}
