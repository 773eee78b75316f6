package cmd

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// serve runs a server for tests as this process, until it is killed.
func serve(server func(args []string, out io.Writer) error) int {
	if err := server(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// mailServer starts a mail server, and sets the variables with which the program finds
// it; its mails are files in the directory mail. Or it stops the one that runs:
//
//	mailserver --tls implicit
//	mailserver stop
func mailServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: mailserver [FLAG...] | mailserver stop")
	}
	way := "starttls"
	for i, arg := range args {
		if arg == "--tls" && i+1 < len(args) {
			way = args[i+1]
		}
	}
	port := startServer(ts, "smtpd", "mail", args)
	for name, value := range map[string]string{"SMTP_HOST": "localhost", "SMTP_PORT": port, "SMTP_TLS": way,
		"SMTP_FROM": "Example <billing@example.com>", "SMTP_CA_FILE": ts.MkAbs("mail/ca.pem"), "SMTP_TIMEOUT": "2"} {
		ts.Setenv(name, value)
	}
}

// hookServer does the same with a server for webhooks; its posts are files in the
// directory hooks.
func hookServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: hookserver | hookserver stop")
	}
	const secret = "a-secret-of-webhooks"
	port := startServer(ts, "httpd", "hooks", append(args, "--secret", secret))
	ts.Setenv("ALWRITY_SUB_WEBHOOK_URL", "http://127.0.0.1:"+port+"/hook?token=tok-of-the-hook")
	ts.Setenv("ALWRITY_SUB_WEBHOOK_SECRET", secret)
	ts.Setenv("ALWRITY_SUB_WEBHOOK_TIMEOUT", "1")
	ts.Setenv("SLACK_URL", "http://127.0.0.1:"+port+"/slack")
}

// startServer starts a program that writes its port to a file, and returns the port. The
// one before it in the same directory is stopped.
func startServer(ts *testscript.TestScript, program, dir string, args []string) string {
	stopServer(ts, dir)
	if len(args) > 0 && args[0] == "stop" {
		return "1" // where nobody listens
	}
	port := ts.MkAbs(filepath.Join(dir, "port"))
	server := exec.Command(findProgram(ts, program), append([]string{"--dir", ts.MkAbs(dir)}, args...)...)
	server.Stderr = os.Stderr
	ts.Check(server.Start())
	ts.Check(os.WriteFile(ts.MkAbs(dir+".pid"), fmt.Append(nil, server.Process.Pid), 0o600))
	ts.Defer(func() {
		_ = server.Process.Kill() // it may be stopped already
		_ = server.Wait()
	})
	for range 1000 {
		if text, err := os.ReadFile(port); err == nil {
			return string(text)
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s does not start", program)
	return ""
}

func stopServer(ts *testscript.TestScript, dir string) {
	_ = os.Remove(ts.MkAbs(filepath.Join(dir, "port"))) // it may not be there
	text, err := os.ReadFile(ts.MkAbs(dir + ".pid"))
	if err != nil {
		return
	}
	var pid int
	_, err = fmt.Sscan(string(text), &pid)
	ts.Check(err)
	process, err := os.FindProcess(pid)
	ts.Check(err)
	_ = process.Kill() // it may have been stopped
	ts.Check(os.Remove(ts.MkAbs(dir + ".pid")))
}

// findProgram finds one of the programs that testscript has made.
func findProgram(ts *testscript.TestScript, name string) string {
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	ts.Fatalf("there is no %s", name)
	return ""
}
