package cmd

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/alwrity/alwrity-sub/access"
	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/failure"
)

const (
	keyOIDCIssuer    = "oidc_issuer"
	keyOIDCAudience  = "oidc_audience"
	keyOIDCUserClaim = "oidc_user_claim"
	keyClerk         = "clerk_publishable_key"
	keyClerkOfReact  = "react_app_clerk_publishable_key"
	keyAdminEmails   = "admin_emails"
	keyAdminDomain   = "admin_email_domain"
	keyDisableAuth   = "disable_auth"
	keyPublicURL     = "public_url"
)

// accessKeys is every setting of who may call the server.
func accessKeys() []key {
	return []key{
		{keyOIDCIssuer, "", "", "the OpenID issuer whose JWTs the server takes, as they name it"},
		{keyOIDCAudience, "", "", "the audience that they must be for; needed with an issuer"},
		{keyOIDCUserClaim, "", "sub", "the claim of theirs that is the user"},
		{keyClerk, "", "", "a publishable key of Clerk, which names its issuer"},
		{keyClerkOfReact, "", "", "the same, where the other is not set"},
		{keyAdminEmails, "", "", "mail addresses of the users of the issuer who are admins, with commas between them"},
		{keyAdminDomain, "", "", "the domain of mail addresses whose users are admins"},
		{keyDisableAuth, "", "false", "true: nobody is asked who they are; on a loopback address alone"},
		{keyPublicURL, "", "", "where browsers find the server; by default where it listens"},
	}
}

// accessSettings are what configuration says of who may call.
type accessSettings struct {
	issuer   *access.Issuer // nil: none
	disabled bool
}

// access reads who may call.
func (r *reader) access() accessSettings {
	s := accessSettings{disabled: r.boolean(keyDisableAuth)}
	issuer := &access.Issuer{URL: r.text(keyOIDCIssuer), Audience: r.text(keyOIDCAudience),
		UserClaim: r.text(keyOIDCUserClaim),
		Admins:    access.Admins{Emails: r.list(keyAdminEmails), Domain: r.text(keyAdminDomain)}}
	clerk := keyClerk
	if r.text(clerk) == "" {
		clerk = keyClerkOfReact
	}
	switch of := r.text(clerk); {
	case of != "" && issuer.URL != "":
		r.fail(failure.Invalidf("%s and %s exclude each other: there is one issuer", r.label(clerk), r.label(keyOIDCIssuer)))
	case of != "":
		address, err := access.ClerkIssuer(of)
		if err != nil {
			r.fail(failure.Within(err, "%s", r.label(clerk)))
		}
		issuer.URL, issuer.KeysURL = address, address+"/.well-known/jwks.json"
	case issuer.URL != "":
		r.checkIssuer(issuer)
	}
	if issuer.URL != "" {
		s.issuer = issuer
	}
	return s
}

func (r *reader) checkIssuer(issuer *access.Issuer) {
	u, err := url.Parse(issuer.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		r.fail(failure.Invalidf("%s is %q: it must be a URL such as https://login.example.com", r.label(keyOIDCIssuer),
			failure.Shorten(issuer.URL)))
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopbackHost(u.Hostname())):
		r.fail(failure.Invalidf("%s is %q: it must begin with https://", r.label(keyOIDCIssuer),
			failure.Shorten(issuer.URL)))
	case issuer.Audience == "":
		r.fail(failure.Invalidf("%s is set and the audience is not: a token for another program would do",
			r.label(keyOIDCIssuer)).WithHint("set ALWRITY_SUB_OIDC_AUDIENCE to the client or API that tokens are for"))
	}
}

func isLoopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// publicURL is where browsers find the server.
func (r *reader) publicURL() string {
	if said := r.text(keyPublicURL); said != "" {
		if u, err := url.Parse(said); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			r.fail(failure.Invalidf("%s is %q: it must be a URL such as https://billing.example.com", r.label(keyPublicURL),
				failure.Shorten(said)))
		}
		return strings.TrimRight(said, "/")
	}
	scheme := "http"
	if r.text(keyTLSCert) != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(r.text(keyListen))
	if ip, ipErr := netip.ParseAddr(host); err != nil || host == "" || ipErr == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// access makes what knows the callers of a database.
func (g *program) access(d *db.DB) *access.Service {
	return &access.Service{Store: d, Issuer: g.settings.access.issuer, Disabled: g.settings.access.disabled}
}
