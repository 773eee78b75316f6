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
			f.Fatal("chromium is missing: scripts/browser.sh installs it")
		}
		f.Skip("chromium is missing: scripts/browser.sh installs it")
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

// screenshots writes pictures of the page that is shown, and looks whether it fits on each screen.
func (b *browser) screenshots(name string) {
	b.Helper()
	dir := filepath.Join("testdata", "screenshots")
	b.Must(os.MkdirAll(dir, 0o755))
	for _, look := range looks {
		b.run(chromedp.EmulateViewport(look.width, 900))
		b.paint(look.scheme)
		wide := eval[bool](b, "document.documentElement.scrollWidth > innerWidth")
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		b.Must(err)
		if wide {
			b.Errorf("%s is wider than a screen of %d pixels", name, look.width)
		}
		b.Must(os.WriteFile(filepath.Join(dir, name+"-"+look.name+".png"), picture, 0o644))
	}
	b.everybody(name)
}

// everybody looks whether everybody can use the page that is shown, in both colours.
func (b *browser) everybody(name string) {
	b.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			b.Fatal("axe-core is missing: scripts/browser.sh fetches it")
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

func TestPagesInABrowser(t *testing.T) {
	f := demo(t)
	b := openBrowser(f)
	for name, user := range map[string]string{"busy": busy, "fresh": fresh, "over": over, "suspended": suspended,
		"long": long, "arabic": arabic, "hostile": hostile} {
		b.signIn(f.Token(user))
		b.screenshots("billing-" + name)
		if user == busy || user == hostile {
			for _, path := range []string{"log", "bills", "plan", "tokens"} {
				b.visit("/billing/" + path)
				b.screenshots(path + "-" + name)
			}
		}
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, fault := range b.faults {
		t.Error(fault)
	}
}
