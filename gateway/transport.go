package gateway

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// newTransport makes what carries calls to an upstream. It follows no redirect, unpacks nothing by itself and goes
// through no proxy: what it connects to is looked at once the name has become an address.
func newTransport(u *Upstream) *http.Transport {
	dialer := &net.Dialer{Timeout: u.Timeouts.Connect, KeepAlive: 30 * time.Second}
	if !u.Private {
		dialer.Control = refusePrivate
	}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: u.Timeouts.TLS,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		ResponseHeaderTimeout: u.Timeouts.FirstByte, DisableCompression: true, ForceAttemptHTTP2: true,
		MaxIdleConns: 1024, MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// errPrivate says that a name has led to an address that is not meant.
var errPrivate = errors.New("the address of the upstream is a private one, and its entry does not say private: true")

// refusePrivate refuses a connection to this machine or its networks. It sees the address that is connected to, not the
// one that was looked up before.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	where, err := netip.ParseAddrPort(address)
	if err != nil || isPrivate(where.Addr()) {
		return errPrivate
	}
	return nil
}

// privateNetworks are reached from here alone, or lead to others that are. Beside them are those that netip knows.
var privateNetworks = []netip.Prefix{ // read-only
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carriers'
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // IPv4 within IPv6
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

func isPrivate(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return !a.IsGlobalUnicast() || a.IsPrivate() ||
		slices.ContainsFunc(privateNetworks, func(p netip.Prefix) bool { return p.Contains(a) })
}
