package notifytest

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/alwrity/alwrity-sub/notify"
)

// HTTP runs a server for webhooks until it is killed: as a process of its own. It keeps what is signed rightly, and at
// /slack everything. The file mode in its directory names a way to fail: a status, hang, drop, or redirect.
func HTTP(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("httpd", flag.ContinueOnError)
	dir := flags.String("dir", "", "where posts are kept; the port is written to the file port in it")
	secret := flags.String("secret", "", "what they must be signed with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o750); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := writePort(*dir, listener); err != nil {
		return err
	}
	fmt.Fprintln(out, "listening on", listener.Addr())
	server := &http.Server{Handler: &hook{dir: *dir, secret: *secret}, ReadHeaderTimeout: time.Minute}
	return server.Serve(listener)
}

type hook struct {
	dir, secret string
	kept        atomic.Int64
}

// ServeHTTP implements http.Handler.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	mode := modeIn(h.dir)
	code, err := strconv.Atoi(mode)
	switch {
	case err == nil:
		w.Header().Set("Retry-After", "7200")
		http.Error(w, "told to say so", code)
		return
	case mode == "hang":
		<-r.Context().Done()
		return
	case mode == "drop":
		panic(http.ErrAbortHandler)
	case mode == "redirect":
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		return
	}
	signature := notify.Sign(h.secret, r.Header.Get(notify.HeaderTimestamp), body)
	if r.URL.Path != "/slack" && r.Header.Get(notify.HeaderSignature) != signature {
		http.Error(w, "wrong signature", http.StatusUnauthorized)
		return
	}
	var content bytes.Buffer
	for _, name := range []string{notify.HeaderID, notify.HeaderTimestamp, "Content-Type"} {
		fmt.Fprintf(&content, "%s: %s\n", name, r.Header.Get(name))
	}
	content.WriteString("Path: " + r.URL.Path + "\n\n")
	content.Write(body)
	if err := writeWhole(filepath.Join(h.dir, fmt.Sprintf("post-%06d", h.kept.Add(1))), content.Bytes()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
