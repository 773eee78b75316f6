package notifytest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// The ways in which the mail server fails. The file mode in its directory names one; a
// recipient whose address begins with one and a dot gets it too.
const (
	HangGreeting = "hang-greeting"
	HangRcpt     = "hang-rcpt"
	HangDot      = "hang-dot" // the mail is not kept
	DropConnect  = "drop-connect"
	DropData     = "drop-data" // in the middle of the mail
	DropDot      = "drop-dot"  // when it has kept the mail
	Slow         = "slow"      // takes a moment for each mail
)

// replies are ways to fail with a code: where, and the code.
func replies() map[string]int {
	return map[string]int{"mail-550": 550, "rcpt-450": 450, "rcpt-550": 550, "data-451": 451, "data-530": 530,
		"data-554": 554, "rcpt-421": 421}
}

// mailbox is the server: what it gets it keeps as files in a directory.
type mailbox struct {
	dir      string
	user     string
	password string
	kept     atomic.Int64
}

// SMTP runs the mail server until it is killed: as a process of its own.
func SMTP(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("smtpd", flag.ContinueOnError)
	dir := flags.String("dir", "", "where mails are kept; the port is written to the file port in it")
	way := flags.String("tls", "starttls", "starttls, implicit or none")
	kind := flags.String("certificate", GoodCertificate, "good, expired or other")
	address := flags.String("address", "127.0.0.1:0", "where to listen")
	box := &mailbox{}
	flags.StringVar(&box.user, "user", "", "who may log in")
	flags.StringVar(&box.password, "password", "", "with which password")
	if err := flags.Parse(args); err != nil {
		return err
	}
	box.dir = *dir
	if err := os.MkdirAll(*dir, 0o750); err != nil {
		return err
	}
	before, err := filepath.Glob(filepath.Join(*dir, "mail-*"))
	if err != nil {
		return err
	}
	box.kept.Store(int64(len(before)))
	cert, err := certificate(*kind, *dir)
	if err != nil {
		return err
	}
	server := smtp.NewServer(box)
	server.Domain, server.ErrorLog = "localhost", quiet{}
	server.AllowInsecureAuth = *way == "none"
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	if *way == "starttls" {
		server.TLSConfig = config
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	if err := writePort(*dir, listener); err != nil {
		return err
	}
	fmt.Fprintln(out, "listening on", listener.Addr())
	guarded := net.Listener(&guard{listener, box})
	if *way == "implicit" {
		guarded = tls.NewListener(guarded, config)
	}
	return server.Serve(guarded)
}

// writePort writes the port to a file, whole or not at all.
func writePort(dir string, l net.Listener) error {
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(dir, "port"), []byte(port))
}

func writeWhole(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// quiet is a log that nobody reads: failing is what the server is for.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// guard drops or holds connections before anything is said.
type guard struct {
	net.Listener
	box *mailbox
}

// Accept implements net.Listener.
func (g *guard) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		switch modeIn(g.box.dir) {
		case DropConnect:
			_ = conn.Close()
		case HangGreeting:
			go func() { _, _ = io.Copy(io.Discard, conn) }()
		default:
			return conn, nil
		}
	}
}

// modeIn returns how a server has to fail now, "" for not at all.
func modeIn(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "mode"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// NewSession implements smtp.Backend.
func (b *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{box: b, conn: c}, nil
}

type session struct {
	box      *mailbox
	conn     *smtp.Conn
	loggedIn bool
	from, to string
}

// mode returns how to fail now: for this recipient, or for all.
func (s *session) mode() string {
	if word, _, ok := strings.Cut(s.to, "."); ok && !strings.Contains(word, "@") && strings.Contains(word, "-") {
		return word
	}
	return modeIn(s.box.dir)
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string {
	if s.box.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.box.user || password != s.box.password {
			// Some servers tell too much.
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "wrong password " + password}
		}
		s.loggedIn = true
		return nil
	}), nil
}

// failing returns the reply that a mode wants at a place, nil for none.
func (s *session) failing(place string) error {
	mode := s.mode()
	if code, ok := replies()[mode]; ok && strings.HasPrefix(mode, place+"-") {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "told to say so"}
	}
	return nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.box.user != "" && !s.loggedIn {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "log in first"}
	}
	s.from, s.to = from, ""
	return s.failing("mail")
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	if s.mode() == HangRcpt {
		time.Sleep(time.Hour)
	}
	return s.failing("rcpt")
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	if s.mode() == DropData {
		_, _ = io.CopyN(io.Discard, r, 100)
		return s.conn.Conn().Close()
	}
	mail, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.failing("data"); err != nil {
		return err
	}
	if s.mode() == HangDot {
		time.Sleep(time.Hour)
	}
	if s.mode() == Slow {
		time.Sleep(20 * time.Millisecond)
	}
	if err := s.box.keep(s.from, s.to, mail); err != nil {
		return err
	}
	if s.mode() == DropDot {
		return errors.Join(s.conn.Conn().Close(), io.ErrUnexpectedEOF)
	}
	return nil
}

// keep writes a mail to a file of its own, with the envelope before it.
func (b *mailbox) keep(from, to string, mail []byte) error {
	var content bytes.Buffer
	fmt.Fprintf(&content, "Envelope-From: %s\nEnvelope-To: %s\n", from, to)
	content.Write(bytes.ReplaceAll(mail, []byte("\r\n"), []byte("\n")))
	return writeWhole(filepath.Join(b.dir, fmt.Sprintf("mail-%06d", b.kept.Add(1))), content.Bytes())
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.to = "" }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
