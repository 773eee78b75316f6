package deploy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/server"
	"github.com/alwrity/alwrity-sub/server/servertest"
)

// nginx runs as it is configured here, before a real server.
func TestNginx(t *testing.T) {
	nginx := tool(t, "nginx", true)
	f := servertest.New(t, dbtest.PreparedSQLite(t), func(o *server.Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	dir, plain, secure := t.TempDir(), freePort(t), freePort(t)
	certificate(t, dir)
	text := strings.NewReplacer("server 127.0.0.1:8080", "server "+strings.TrimPrefix(f.URL, "http://"),
		"listen 80;", "listen "+plain+";", "listen 443 ssl", "listen "+secure+" ssl",
		"listen [::]:80;", "", "listen [::]:443 ssl http2;", "",
		"/etc/ssl/certs/billing.example.com.pem", dir+"/cert.pem",
		"/etc/ssl/private/billing.example.com.key", dir+"/key.pem").Replace(read(t, "nginx/alwrity-sub.conf"))
	whole := fmt.Sprintf("daemon off; pid %[1]s/pid; error_log stderr; events {}\nhttp { access_log off;\n"+
		"client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f;\n"+
		"uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;\n%[2]s}\n", dir, text)
	if os.Getuid() == 0 {
		whole = "user root;" + whole // the directory is the test's own
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, ".", "", nginx, "-t", "-e", "stderr", "-c", file)
	running := exec.Command(nginx, "-e", "stderr", "-c", file)
	running.Stderr = t.Output()
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = running.Process.Signal(os.Interrupt)
		_ = running.Wait()
	})
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ask := func(url, forwarded string) (status int, location string) {
		t.Helper()
		for { // until it listens
			request, err := http.NewRequest(http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("X-Forwarded-For", forwarded)
			response, err := client.Do(request)
			if err == nil {
				response.Body.Close()
				return response.StatusCode, response.Header.Get("Location")
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	if status, location := ask("http://"+plain+"/v1/plans?at=2026-11-01", ""); status != 308 ||
		!strings.HasSuffix(location, "/v1/plans?at=2026-11-01") {
		t.Errorf("plain HTTP: %d %s", status, location)
	}
	for path, status := range map[string]int{"/v1/plans": 200, "/metrics": 404, "/readyz": 404, "/healthz": 200} {
		if got, _ := ask("https://"+secure+path, "127.0.0.1"); got != status {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// certificate writes a certificate and its key.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// staticTags are the build tags of make static, which says why.
func staticTags(t *testing.T) string {
	t.Helper()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`-tags '([^']+)'`).FindStringSubmatch(string(makefile))
	if found == nil {
		t.Fatal("make static has no tags")
	}
	return found[1]
}

// The image has a binary that needs nothing else, and is not run by root.
func TestImage(t *testing.T) {
	buildah := tool(t, "buildah", true)
	dir := t.TempDir()
	static := os.Getenv("ALWRITY_TEST_STATIC") // as make static builds it, which takes long
	if static == "" {
		static = filepath.Join(dir, "static")
		run(t, "..", "", "go", "build", "-buildvcs=false", "-o", static, "-tags", staticTags(t), "-ldflags",
			`-s -w -X main.version=9.8.7 -linkmode external -extldflags "-static"`, ".")
	}
	stage := filepath.Join(dir, "stage")
	run(t, ".", "", "docker/stage.sh", static, stage)
	store := []string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"),
		"--storage-driver", "vfs"}
	do := func(args ...string) string { return run(t, dir, "", buildah, append(store, args...)...) }
	do("build", "--isolation", "chroot", "-t", "alwrity-sub", stage)
	container := strings.TrimSpace(do("from", "--pull-never", "localhost/alwrity-sub"))
	inside := func(args ...string) string {
		return do(append([]string{"run", "--isolation", "chroot", container, "--", "/usr/local/bin/alwrity-sub"}, args...)...)
	}
	for want, args := range map[string][]string{"alwrity-sub ": {"version"}, "4 added": {"init"}} {
		if said := inside(args...); !strings.Contains(said, want) {
			t.Errorf("%v says %s", args, said)
		}
	}
	if said := inside("doctor"); !strings.Contains(said, "all is well") {
		t.Errorf("doctor says %s", said)
	}
	for _, part := range []string{`"User": "65532:65532"`, `"StopSignal": "SIGTERM"`} {
		if said := do("inspect", "--type", "image", "localhost/alwrity-sub"); !strings.Contains(said, part) {
			t.Errorf("the image has no %s", part)
		}
	}
}
