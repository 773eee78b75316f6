package access

import (
	"net"
	"net/netip"

	"github.com/alwrity/alwrity-sub/failure"
)

// Who everybody is while nobody is asked, as the original has it.
const (
	DevelopmentUser  = "mock_user_id"
	DevelopmentEmail = "mock@example.com"
)

// development is everybody, while nobody is asked.
func (s *Service) development() Identity {
	who := userIdentity(DevelopmentUser)
	who.Name, who.Email = "anybody", DevelopmentEmail
	if s.Issuer != nil && s.Issuer.Admins.has(DevelopmentEmail) {
		who.Scopes = append(who.Scopes, ScopeAdmin)
	}
	return who
}

// CheckListen returns an invalid failure for an address to listen on, host:port, where nobody is asked who they are and
// others than this machine could call.
func (s *Service) CheckListen(address string) error {
	if !s.Disabled || isLoopback(address) {
		return nil
	}
	return failure.Invalidf("nobody is asked who they are (DISABLE_AUTH), and %q is no address of this machine alone",
		failure.Shorten(address)).WithHint("listen on 127.0.0.1, or leave DISABLE_AUTH out")
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
