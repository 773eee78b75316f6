// Package notifytest has servers for tests of mail and webhooks: they take what they
// get, or fail in the way that they are told. Each runs as a process of its own.
package notifytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The kinds of certificates.
const (
	GoodCertificate    = "good"
	ExpiredCertificate = "expired"
	OtherCertificate   = "other" // for another host
)

// certificate makes a certificate for localhost, and writes that of the authority which
// has made it to ca.pem in a directory.
func certificate(kind, dir string) (tls.Certificate, error) {
	now := time.Now()
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"},
		IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(2, 0, 0), KeyUsage: x509.KeyUsageCertSign}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	caFile := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o600); err != nil {
		return tls.Certificate{}, err
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	switch kind {
	case ExpiredCertificate:
		leaf.NotAfter = now.AddDate(0, 0, -1)
	case OtherCertificate:
		leaf.DNSNames, leaf.IPAddresses = []string{"mail.elsewhere.example"}, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	own, err := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), authorityKey)
	return tls.Certificate{Certificate: [][]byte{own}, PrivateKey: key}, err
}
