package access

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/failure"
)

// testIssuer is an OpenID issuer whose keys a test changes.
type testIssuer struct {
	*httptest.Server
	mutex   sync.Mutex
	keys    map[string]crypto.Signer // by their ids
	fetches atomic.Int32
	down    atomic.Bool
}

func newTestIssuer(t *testing.T) *testIssuer {
	t.Helper()
	i := &testIssuer{keys: map[string]crypto.Signer{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.fetches.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": i.keySet()})
	})
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(i.Close)
	i.add(t, "rsa", "ec")
	return i
}

// add adds keys; one whose id begins with ec is of an elliptic curve.
func (i *testIssuer) add(t *testing.T, ids ...string) {
	t.Helper()
	i.mutex.Lock()
	defer i.mutex.Unlock()
	for _, id := range ids {
		var key crypto.Signer
		var err error
		if strings.HasPrefix(id, "ec") {
			key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		} else {
			key, err = rsa.GenerateKey(rand.Reader, 2048)
		}
		if err != nil {
			t.Fatal(err)
		}
		i.keys[id] = key
	}
}

func (i *testIssuer) withdraw(id string) crypto.Signer {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	key := i.keys[id]
	delete(i.keys, id)
	return key
}

func (i *testIssuer) key(id string) crypto.Signer {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.keys[id]
}

func (i *testIssuer) keySet() (set []map[string]string) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	for id, key := range i.keys {
		switch public := key.Public().(type) {
		case *rsa.PublicKey:
			set = append(set, map[string]string{"kty": "RSA", "kid": id, "alg": "RS256", "use": "sig",
				"n": encode(public.N.Bytes()), "e": encode([]byte{1, 0, 1})})
		case *ecdsa.PublicKey:
			point, _ := public.Bytes() // of a curve that has an encoding
			set = append(set, map[string]string{"kty": "EC", "kid": id, "alg": "ES256", "crv": "P-256",
				"x": encode(point[1:33]), "y": encode(point[33:])})
		}
	}
	return set
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sign signs claims with a key.
func sign(t *testing.T, key crypto.Signer, header, claims map[string]any) string {
	t.Helper()
	text := part(t, header) + "." + part(t, claims)
	sum := sha256.Sum256([]byte(text))
	switch key := key.(type) {
	case *rsa.PrivateKey:
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + encode(signature)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
	}
	t.Fatalf("there is no way to sign with %T", key)
	return ""
}

func part(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return encode(text)
}

func jwtNow() time.Time { return time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC) }

// claimsOf returns good claims with changes; nil removes one.
func (i *testIssuer) claimsOf(changes map[string]any) map[string]any {
	claims := map[string]any{"iss": i.URL, "sub": "user_1", "aud": []string{"other", "alwrity"},
		"iat": jwtNow().Unix(), "exp": jwtNow().Add(time.Minute).Unix(), "email": "ann@example.com"}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func (i *testIssuer) token(t *testing.T, changes map[string]any) string {
	return sign(t, i.key("rsa"), map[string]any{"alg": "RS256", "kid": "rsa", "typ": "JWT"}, i.claimsOf(changes))
}

func (i *testIssuer) service() *Service {
	return &Service{Issuer: &Issuer{URL: i.URL, Audience: "alwrity", fetches: throttle{free: true},
		Admins: Admins{Emails: []string{"root@example.com"}, Domain: "ops.example.com"}}}
}

func TestJWT(t *testing.T) {
	i := newTestIssuer(t)
	s := i.service()
	for name, token := range map[string]string{
		"RS256":                i.token(t, nil),
		"ES256":                sign(t, i.key("ec"), map[string]any{"alg": "ES256", "kid": "ec"}, i.claimsOf(nil)),
		"one audience":         i.token(t, map[string]any{"aud": "alwrity"}),
		"late, within leeway":  i.token(t, map[string]any{"exp": jwtNow().Add(-Leeway + time.Second).Unix()}),
		"early, within leeway": i.token(t, map[string]any{"nbf": jwtNow().Add(Leeway).Unix()}),
		"without the key's id": sign(t, i.key("rsa"), map[string]any{"alg": "RS256"}, i.claimsOf(nil)),
		"decimals of a second": i.token(t, map[string]any{"exp": float64(jwtNow().Unix()) + 0.5}),
	} {
		who, err := s.Authenticate(t.Context(), token, jwtNow())
		if err != nil || who.Name != "user user_1" || who.User != "user_1" || who.Email != "ann@example.com" ||
			who.May(ScopeAdmin) || who.May(ScopeEvents) || !who.May(ScopeRead) || who.MayActFor("user_2") {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	if n := i.fetches.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

func TestJWTAttacks(t *testing.T) {
	i, other := newTestIssuer(t), newTestIssuer(t)
	s := i.service()
	good := i.token(t, nil)
	parts := strings.Split(good, ".")
	public, err := x509.MarshalPKIXPublicKey(i.key("rsa").Public())
	if err != nil {
		t.Fatal(err)
	}
	hmacOf := func(secret []byte) string {
		text := part(t, map[string]any{"alg": "HS256", "kid": "rsa"}) + "." + part(t, i.claimsOf(nil))
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		return text + "." + encode(mac.Sum(nil))
	}
	none := part(t, map[string]any{"alg": "none"}) + "." + part(t, i.claimsOf(nil)) + "."
	rs256 := map[string]any{"alg": "RS256", "kid": "rsa"}
	for name, token := range map[string]string{
		"none":                          none,
		"None":                          part(t, map[string]any{"alg": "None"}) + none[strings.IndexByte(none, '.'):],
		"HS256 with the public key":     hmacOf(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
		"HS256 with its bytes":          hmacOf(public),
		"HS256 with nothing":            hmacOf(nil),
		"no signature":                  parts[0] + "." + parts[1] + ".",
		"another signature":             parts[0] + "." + parts[1] + "." + encode(make([]byte, 256)),
		"changed claims":                parts[0] + "." + part(t, i.claimsOf(map[string]any{"sub": "root"})) + "." + parts[2],
		"an issuer of its own":          other.token(t, nil),
		"an issuer's name, another key": other.token(t, map[string]any{"iss": i.URL}),
		"the key in the header": sign(t, other.key("rsa"), map[string]any{"alg": "RS256", "kid": "rsa",
			"jku": other.URL + "/keys", "jwk": other.keySet()[0]}, i.claimsOf(nil)),
		"a key of another kind": sign(t, i.key("ec"), map[string]any{"alg": "ES256", "kid": "rsa"}, i.claimsOf(nil)),
		"RS384":                 sign(t, i.key("rsa"), map[string]any{"alg": "RS384", "kid": "rsa"}, i.claimsOf(nil)),
		"issuer with a slash":   i.token(t, map[string]any{"iss": i.URL + "/"}),
		"no issuer":             i.token(t, map[string]any{"iss": nil}),
		"another audience":      i.token(t, map[string]any{"aud": "other"}),
		"part of the audience":  i.token(t, map[string]any{"aud": "alwrity-other"}),
		"no audience":           i.token(t, map[string]any{"aud": nil}),
		"late":                  i.token(t, map[string]any{"exp": jwtNow().Add(-Leeway).Unix()}),
		"no expiry":             i.token(t, map[string]any{"exp": nil}),
		"an expiry of text":     i.token(t, map[string]any{"exp": "never"}),
		"early":                 i.token(t, map[string]any{"nbf": jwtNow().Add(Leeway + 2*time.Second).Unix()}),
		"no user":               i.token(t, map[string]any{"sub": nil}),
		"an empty user":         i.token(t, map[string]any{"sub": ""}),
		"a user that is none":   i.token(t, map[string]any{"sub": "a\x00b"}),
		"a user of numbers":     i.token(t, map[string]any{"sub": 7}),
		"no JSON":               sign(t, i.key("rsa"), rs256, nil),
		"two dots":              "..",
		"more parts":            good + ".x",
		"longer than any":       good + strings.Repeat("A", longestCredential),
	} {
		who, err := s.Authenticate(t.Context(), token, jwtNow())
		if f := asFailure(err); f == nil || f.Code != failure.Denied || f.Reason != ReasonNotAuthenticated {
			t.Errorf("%s: %+v, %v", name, who, err)
		} else if strings.Contains(f.Message, parts[2]) {
			t.Errorf("%s: the message has a signature in it: %s", name, f.Message)
		}
	}
}

func asFailure(err error) *failure.Error {
	f, _ := err.(*failure.Error) //nolint:errorlint // what is not wrapped
	return f
}

func TestJWTUserClaim(t *testing.T) {
	i := newTestIssuer(t)
	s := i.service()
	s.Issuer.UserClaim = "https://example.com/user"
	who, err := s.Authenticate(t.Context(), i.token(t, map[string]any{"https://example.com/user": "ann"}), jwtNow())
	if err != nil || who.User != "ann" {
		t.Errorf("%+v, %v", who, err)
	}
	if who, err := s.Authenticate(t.Context(), i.token(t, nil), jwtNow()); err == nil {
		t.Errorf("%+v", who)
	}
}

func TestJWTAdmins(t *testing.T) {
	i := newTestIssuer(t)
	s := i.service()
	for name, tt := range map[string]struct {
		claims map[string]any
		want   bool
	}{
		"by mail":                  {map[string]any{"email": "Root@example.com"}, true},
		"by domain":                {map[string]any{"email": "ann@OPS.example.com"}, true},
		"by role":                  {map[string]any{"role": "admin"}, true},
		"by Clerk's role":          {map[string]any{"public_metadata": map[string]any{"role": "admin"}}, true},
		"another role":             {map[string]any{"role": "administrator"}, false},
		"roles":                    {map[string]any{"role": []string{"admin"}}, false},
		"no mail":                  {map[string]any{"email": nil}, false},
		"a longer domain":          {map[string]any{"email": "ann@evil-ops.example.com"}, false},
		"a domain below it":        {map[string]any{"email": "ann@x.ops.example.com"}, false},
		"a domain before it":       {map[string]any{"email": "ann@ops.example.com.evil.org"}, false},
		"two signs":                {map[string]any{"email": "ann@evil.org@ops.example.com"}, false},
		"quoted":                   {map[string]any{"email": `"x@evil.org"@ops.example.com`}, false},
		"a mail not verified":      {map[string]any{"email": "root@example.com", "email_verified": false}, false},
		"one that text says so of": {map[string]any{"email": "root@example.com", "email_verified": "true"}, true},
		"one with another text":    {map[string]any{"email": "root@example.com", "email_verified": "false"}, false},
		"a mail that is verified":  {map[string]any{"email": "root@example.com", "email_verified": true}, true},
	} {
		who, err := s.Authenticate(t.Context(), i.token(t, tt.claims), jwtNow())
		if err != nil || who.May(ScopeAdmin) != tt.want {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
}

// A key that is new is found, one that was withdrawn is not taken any longer than an hour, and an issuer that is away
// makes no difference to those whose keys are known.
func TestJWTKeysChange(t *testing.T) {
	i := newTestIssuer(t)
	s := i.service()
	try := func(key crypto.Signer, id string, at time.Time) error {
		_, err := s.Authenticate(t.Context(), sign(t, key, map[string]any{"alg": "RS256", "kid": id},
			i.claimsOf(map[string]any{"exp": at.Add(time.Minute).Unix()})), at)
		return err
	}
	now := jwtNow()
	if err := try(i.key("rsa"), "rsa", now); err != nil {
		t.Fatal(err)
	}
	i.add(t, "new")
	if err := try(i.key("new"), "new", now); err != nil {
		t.Errorf("a new key is not found: %v", err)
	}
	old := i.withdraw("rsa")
	i.down.Store(true)
	later := now.Add(keysFor)
	if err := try(i.key("new"), "new", later); err != nil {
		t.Errorf("the issuer is away: %v", err)
	}
	if err := try(i.key("new"), "unheard of", later); !failure.Is(err, failure.Unavailable) {
		t.Errorf("the issuer is away, and the key is not known: %v", err)
	}
	i.down.Store(false)
	if err := try(i.key("new"), "new", later); err != nil {
		t.Errorf("the issuer is back: %v", err)
	}
	if err := try(old, "rsa", later); !failure.Is(err, failure.Denied) {
		t.Errorf("a key that was withdrawn: %v", err)
	}
	i.down.Store(true)
	if err := try(old, "rsa", later); err == nil {
		t.Error("a key that was withdrawn is taken while the issuer is away")
	}
}

// Tokens whose keys are made up do not make us flood the issuer.
func TestJWTFloodSparesTheIssuer(t *testing.T) {
	i := newTestIssuer(t)
	s := i.service()
	s.Issuer.fetches.free = false
	for range 50 {
		token := sign(t, i.key("rsa"), map[string]any{"alg": "RS256", "kid": randomText(8)}, i.claimsOf(nil))
		if _, err := s.Authenticate(t.Context(), token, jwtNow()); !failure.Is(err, failure.Denied) {
			t.Fatal(err)
		}
	}
	if n := i.fetches.Load(); n > 2*mostFetches { // two of the clock's minutes, at most
		t.Errorf("the keys were fetched %d times", n)
	}
	if _, err := s.Authenticate(t.Context(), i.token(t, nil), jwtNow()); err != nil {
		t.Errorf("a good token: %v", err)
	}
}

func TestJWTIssuerIsAwayAtFirst(t *testing.T) {
	i := newTestIssuer(t)
	i.down.Store(true)
	s := i.service()
	if _, err := s.Authenticate(t.Context(), i.token(t, nil), jwtNow()); !failure.Is(err, failure.Unavailable) {
		t.Errorf("%v", err)
	}
	i.down.Store(false)
	if _, err := s.Authenticate(t.Context(), i.token(t, nil), jwtNow()); err != nil {
		t.Errorf("%v", err)
	}
}

func TestClerkIssuer(t *testing.T) {
	for key, want := range map[string]string{
		"pk_test_Y2xlcmsuZXhhbXBsZS5jb20k":   "https://clerk.example.com",
		"pk_live_Y2xlcmsuZXhhbXBsZS5jb20k":   "https://clerk.example.com",
		"pk_live_Y2xlcmsuZXhhbXBsZS5jb20kAA": "",
		"pk_live_":                           "",
		"pk_live_JA==":                       "",
		"sk_live_Y2xlcmsuZXhhbXBsZS5jb20k":   "",
		"pk_live_" + base64.StdEncoding.EncodeToString([]byte("a.example.com/x$")): "",
		"pk_live_" + base64.StdEncoding.EncodeToString([]byte("a@b.example.com$")): "",
		"": "",
	} {
		if got, err := ClerkIssuer(key); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", key, got, err)
		}
	}
}

func TestDisabled(t *testing.T) {
	s := &Service{Disabled: true}
	for _, credential := range []string{"", "x.y.z", "whatever"} {
		who, err := s.Authenticate(context.Background(), credential, jwtNow())
		if err != nil || who.User != DevelopmentUser || who.Email != DevelopmentEmail || who.May(ScopeAdmin) {
			t.Errorf("%q is %+v, %v", credential, who, err)
		}
	}
	for address, ok := range map[string]bool{"127.0.0.1:8080": true, "localhost:1": true, "[::1]:80": true,
		"127.9.9.9:80": true, "[::ffff:127.0.0.1]:80": true, ":8080": false, "0.0.0.0:80": false, "[::]:80": false,
		"10.0.0.1:80": false, "localhost.evil.org:80": false, "127.0.0.1": false, "": false} {
		if err := s.CheckListen(address); (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
	}
	if err := (&Service{}).CheckListen(":8080"); err != nil {
		t.Error(err)
	}
}
