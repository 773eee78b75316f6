package pages

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/server/web"
)

func (p *pages) signInRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /{$}", Do: home},
		{Pattern: "GET /login", Do: p.login},
		{Pattern: "POST /login", Do: p.signIn},
		{Pattern: "POST /logout", Do: p.signOut},
	}
}

// cookieName is what the cookie is called: over HTTPS with the prefix by which browsers refuse to have it set by
// anyone but this host.
func cookieName(r *http.Request) string {
	if web.NoteOf(r.Context()).HTTPS {
		return "__Host-alwrity"
	}
	return "alwrity"
}

// whoIs tells who is signed in.
func (p *pages) whoIs(r *http.Request, now time.Time) (access.Identity, error) {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return p.services.Access.Authenticate(r.Context(), "", now) // nobody, unless nobody is asked
	}
	return p.services.Access.Session(r.Context(), cookie.Value, now)
}

func setCookie(w http.ResponseWriter, r *http.Request, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: cookieName(r), Value: value, Path: "/", MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: web.NoteOf(r.Context()).HTTPS, SameSite: http.SameSiteStrictMode})
}

// home leads to the page that one signs in for.
func home(w http.ResponseWriter, c *web.Call) error {
	http.Redirect(w, c.Request, landing(c.Who), http.StatusSeeOther)
	return nil
}

// landing is where somebody is led who has asked for no page.
func landing(who access.Identity) string {
	if who.User == "" && who.May(access.ScopeAdmin) {
		return "/admin"
	}
	return "/billing"
}

// loginData is what the page to sign in shows.
type loginData struct {
	Next, Link, Problem string
}

// login shows the page to sign in with a token. One who follows a one-time link has it in the address: the page signs
// in with it once it is shown, so that a program for mail that only looks at the address does not use it up.
func (p *pages) login(w http.ResponseWriter, c *web.Call) error {
	q := c.URL.Query()
	data := loginData{Next: localPath(q.Get("next")), Link: q.Get("link")}
	return p.show(w, c, http.StatusOK, page{template: "login", title: "Sign in", data: data})
}

func (p *pages) signIn(w http.ResponseWriter, c *web.Call) error {
	if err := readForm(c); err != nil {
		return err
	}
	next := localPath(c.PostForm.Get("next"))
	signedIn, err := p.signInBy(c)
	if web.Reason(err) == access.ReasonNotAuthenticated {
		data := loginData{Next: next, Problem: web.Tell(c.Request, err).Message}
		return p.show(w, c, http.StatusUnauthorized, page{template: "login", title: "Sign in", data: data})
	}
	if err != nil {
		return err
	}
	setCookie(w, c.Request, signedIn.Secret, signedIn.Identity.ExpiresAt.Sub(c.Now))
	if next == "" {
		next = landing(signedIn.Identity)
	}
	http.Redirect(w, c.Request, next, http.StatusSeeOther)
	return nil
}

// signInBy begins a session with the link or token of the form.
func (p *pages) signInBy(c *web.Call) (access.SignedIn, error) {
	if link := c.PostForm.Get("link"); link != "" {
		return c.Access.SignInByLink(c.Context(), link, c.RemoteAddr, c.Now)
	}
	return c.Access.SignIn(c.Context(), strings.TrimSpace(c.PostForm.Get("token")), c.RemoteAddr, c.Now)
}

func (p *pages) signOut(w http.ResponseWriter, c *web.Call) error {
	if cookie, err := c.Cookie(cookieName(c.Request)); err == nil {
		if err := c.Access.SignOut(c.Context(), cookie.Value); err != nil {
			return err
		}
	}
	setCookie(w, c.Request, "", -time.Second)
	http.Redirect(w, c.Request, "/login?done=signedout", http.StatusSeeOther)
	return nil
}

// localPath returns a path of this site, "" for what leads elsewhere.
func localPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") ||
		strings.ContainsAny(text, "\\\r\n\t") || strings.HasPrefix(text, "/login") {
		return ""
	}
	return text
}
