package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/alwrity/alwrity-sub/gateway"
	"github.com/alwrity/alwrity-sub/gateway/vendortest"
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
		"SMTP_FROM": "Example <billing@example.com>", "SMTP_CA_FILE": ts.MkAbs("mail/ca.pem"), "SMTP_TIMEOUT": "30"} {
		ts.Setenv(name, value)
	}
}

// hookServer does the same with a server for webhooks; its posts are files in the
// directory hooks.
func hookServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: hookserver | hookserver stop")
	}
	if len(args) > 0 && args[0] == "stop" {
		stopServer(ts, "hooks")
		return
	}
	const secret = "a-secret-of-webhooks"
	port := startServer(ts, "httpd", "hooks", append(args, "--secret", secret))
	ts.Setenv("ALWRITY_SUB_WEBHOOK_URL", "http://127.0.0.1:"+port+"/hook?token=tok-of-the-hook")
	ts.Setenv("ALWRITY_SUB_WEBHOOK_SECRET", secret)
	ts.Setenv("ALWRITY_SUB_WEBHOOK_TIMEOUT", "30")
	ts.Setenv("SLACK_URL", "http://127.0.0.1:"+port+"/slack")
}

// vendorServer starts a vendor that stands for all of them, whose key is vendor-key, and tells the program where it is.
// How it answers is a vendortest.Behaviour:
//
//	vendorserver {"status":429}
func vendorServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: vendorserver [BEHAVIOUR] | vendorserver stop")
	}
	port := startServer(ts, "vendord", "vendor", args)
	known, err := gateway.BuiltIn()
	ts.Check(err)
	text := "upstreams:\n"
	for _, up := range known.Upstreams {
		text += fmt.Sprintf("  - {name: %s, url: \"http://127.0.0.1:%s\", private: true}\n", up.Name, port)
	}
	ts.Check(os.WriteFile(ts.MkAbs("upstreams.yaml"), []byte(text), 0o600))
	ts.Setenv("ALWRITY_SUB_GATEWAY_UPSTREAMS", "upstreams.yaml")
}

// vendor is the program of vendorserver: --dir DIRECTORY [BEHAVIOUR].
func vendor(args []string, _ io.Writer) error {
	v := vendortest.New()
	v.Key = "vendor-key"
	if len(args) > 2 {
		var b vendortest.Behaviour
		if err := json.Unmarshal([]byte(args[2]), &b); err != nil {
			return err
		}
		v.Always(b)
	}
	if err := os.MkdirAll(args[1], 0o700); err != nil {
		return err
	}
	port := filepath.Join(args[1], "port")
	if err := os.WriteFile(port+".new", []byte(v.URL[strings.LastIndexByte(v.URL, ':')+1:]), 0o600); err != nil {
		return err
	}
	if err := os.Rename(port+".new", port); err != nil {
		return err
	}
	select {} // until it is killed
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
	for { // if it does not start, the test's time-out ends this
		if text, err := os.ReadFile(port); err == nil {
			return string(text)
		}
		time.Sleep(10 * time.Millisecond)
	}
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

// killing runs a program some times, two at once, and kills each with signal 9 after a
// moment that is left to chance. {} in an argument is an hour of the day, from 00 on:
//
//	killing 12 alwrity-sub alerts send --now 2026-11-12T{}:00:00Z
func killing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: killing N PROGRAM [ARG...]")
	}
	times, err := strconv.Atoi(args[0])
	ts.Check(err)
	for n := range times {
		var own []string
		for _, arg := range args[2:] {
			own = append(own, strings.ReplaceAll(arg, "{}", fmt.Sprintf("%02d", n)))
		}
		var both []*exec.Cmd
		for range 2 {
			command := exec.Command(findProgram(ts, args[1]), own...)
			command.Dir = ts.MkAbs(".")
			command.Env = environmentOf(ts)
			ts.Check(command.Start())
			both = append(both, command)
		}
		for _, command := range both {
			time.Sleep(time.Duration(60+rand.IntN(200)) * time.Millisecond)
			_ = command.Process.Kill() // it may have ended
			_ = command.Wait()
		}
	}
}

// environmentOf returns what a script has set that the senders need.
func environmentOf(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "USER", "GORACE", lockTimeoutVariable, "DATABASE_URL",
		"SMTP_HOST", "SMTP_PORT", "SMTP_FROM", "SMTP_TLS", "SMTP_CA_FILE",
		"ALWRITY_SUB_WEBHOOK_URL", "ALWRITY_SUB_WEBHOOK_SECRET"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// manyCalls writes a file of calls of users u1, u2, … with which each reaches 80 percent
// of a limit.
func manyCalls(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: manycalls USERS")
	}
	users, err := strconv.Atoi(args[0])
	ts.Check(err)
	var calls strings.Builder
	calls.WriteString("id,user_id,provider,model,requests,time\n")
	for n := range users {
		fmt.Fprintf(&calls, "c%d,u%d,exa,exa-search,8,2026-11-12\n", n, n)
	}
	ts.Check(os.WriteFile(ts.MkAbs("calls.csv"), []byte(calls.String()), 0o600))
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
