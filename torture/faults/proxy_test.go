package faults_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between the program and the server, and is the network that fails. It
// reads the program's messages one by one, so it knows a COMMIT when it sees one.
type proxy struct {
	t        testing.TB
	listener net.Listener
	server   string
	database string

	mu      sync.Mutex
	fault   fault
	sent    int64 // bytes that came from the program since the fault was set
	got     int64 // bytes that came from the server
	commits int   // COMMITs that the program has sent
	done    bool  // the fault has happened
	open    []*link
}

// fault is what happens, and where. The zero value is a network that works.
type fault struct {
	kind faultKind
	at   int64 // which COMMIT, counted from 1, or after how many bytes
}

type faultKind int

const (
	none          faultKind = iota
	cutSending              // after so many bytes to the server
	cutReceiving            // after so many bytes from the server
	beforeCommit            // at a COMMIT, which never reaches the server
	afterCommit             // at a COMMIT that the server has done, before its answer arrives
	stall                   // nothing moves any more after so many bytes to the server
	stallAtCommit           // nothing moves any more from a COMMIT on: it does not reach the server
	stallAnswer             // the same, but the server has done it
)

func (k faultKind) String() string {
	return [...]string{"none", "cut sending", "cut receiving", "before commit", "after commit", "stall", "stall at commit",
		"stall the answer"}[k]
}

// newProxy puts a proxy before a database and returns it with its URL. Without TLS,
// since it has to read what passes.
func newProxy(t testing.TB, s *server, database string) (*proxy, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{t: t, listener: l, server: fmt.Sprintf("127.0.0.1:%d", s.port), database: database}
	go p.accept()
	t.Cleanup(p.close)
	return p, fmt.Sprintf("postgresql://alwrity:%s@%s/%s?sslmode=disable&%s", password, l.Addr(), database, patience)
}

// set sets what will happen next, once. What counts is counted anew.
func (p *proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.sent, p.got, p.commits, p.done = f, 0, 0, 0, false
}

// counts returns what has passed since set.
func (p *proxy) counts() (sent, got int64, commits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent, p.got, p.commits
}

// happened tells whether the fault has happened.
func (p *proxy) happened() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// close ends the proxy and every connection.
func (p *proxy) close() {
	p.listener.Close()
	p.cut()
}

// cut closes every connection there is, and returns when that has reached both ends.
func (p *proxy) cut() {
	p.mu.Lock()
	open := p.open
	p.open = nil
	p.mu.Unlock()
	for _, l := range open {
		l.close()
		<-l.ended // a Close waits for the Read that is under way
		<-l.ended
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			client.Close()
			continue
		}
		l := &link{proxy: p, client: client, server: server, commits: map[string]bool{}, ended: make(chan bool, 2)}
		p.mu.Lock()
		p.open = append(p.open, l)
		p.mu.Unlock()
		go l.send()
		go l.receive()
	}
}

// link is one connection through the proxy.
type link struct {
	proxy          *proxy
	client, server net.Conn
	mu             sync.Mutex
	answering      faultKind       // what becomes of the answer to a COMMIT that was let through
	commits        map[string]bool // the names of the statements that are a COMMIT
	bound          bool            // one of them is about to be sent
	ended          chan bool       // gets a value when a direction has ended
}

// send carries the program's messages to the server.
func (l *link) send() {
	defer l.end()
	for started := false; ; {
		message, err := readMessage(l.client, !started)
		if err != nil {
			return
		}
		started = started || len(message) != sslRequest
		begins, sent := l.commit(message)
		let, action := l.proxy.sending(message, begins, sent)
		if action == afterCommit || action == stallAnswer {
			l.mu.Lock()
			l.answering = action
			l.mu.Unlock()
		}
		if _, err := l.server.Write(message[:let]); err != nil {
			return
		}
		switch action {
		case cutSending, beforeCommit:
			return
		case stall, stallAtCommit:
			_, _ = io.Copy(io.Discard, l.client) // until someone closes it
			return
		}
	}
}

// receive carries the server's answers to the program.
func (l *link) receive() {
	defer l.end()
	buffer := make([]byte, 4096)
	for {
		n, err := l.server.Read(buffer)
		l.mu.Lock()
		answering := l.answering
		l.mu.Unlock()
		switch {
		case n > 0 && answering == afterCommit:
			return // the server answers once it has committed
		case n > 0 && answering == stallAnswer:
			continue
		}
		let, cut := l.proxy.receiving(n)
		if _, writeErr := l.client.Write(buffer[:let]); writeErr != nil || err != nil || cut {
			return
		}
	}
}

// end closes both connections when one direction has ended.
func (l *link) end() {
	l.close()
	l.ended <- true
}

func (l *link) close() {
	l.client.Close()
	l.server.Close()
}

// sslRequest is the length of the requests that come before the startup message.
const sslRequest = 8

// readMessage reads one message of the program, as it is on the wire. The first one
// has no type.
func readMessage(r io.Reader, first bool) ([]byte, error) {
	head := make([]byte, 5)
	if first {
		head = head[:4]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(head[len(head)-4:])
	message := append(head, make([]byte, length-4)...)
	_, err := io.ReadFull(r, message[len(head):])
	return message, err
}

// commit tells whether a message begins to ask for a COMMIT, and whether with it the
// COMMIT is sent: a simple query does both; of several statements that are sent together
// the server answers for all once they are complete.
func (l *link) commit(message []byte) (begins, sent bool) {
	if len(message) < 5 {
		return false, false
	}
	commits := func(text []byte) bool {
		text = bytes.ToUpper(bytes.TrimLeft(text, " "))
		// What a running recorder writes by an assumption commits itself.
		return bytes.HasPrefix(text, []byte("COMMIT")) || bytes.HasPrefix(text, []byte("WITH ASSUMPTION"))
	}
	first, rest, _ := bytes.Cut(message[5:], []byte{0})
	second, _, _ := bytes.Cut(rest, []byte{0})
	switch message[0] {
	case 'Q':
		begins = commits(first)
		return begins, begins
	case 'P': // a name, and its statement
		l.commits[string(first)] = commits(second)
	case 'B': // a portal, and the name of its statement
		begins = l.commits[string(second)]
		l.bound = l.bound || begins
	case 'S':
		sent, l.bound = l.bound, false
	}
	return begins, sent
}

// sending says how much of a message is let through, and what happens then.
func (p *proxy) sending(message []byte, begins, sent bool) (let int, action faultKind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	length := int64(len(message))
	before := p.sent
	p.sent += length
	if begins {
		p.commits++
	}
	if p.done {
		if p.fault.kind >= stall { // the network is down for good
			return 0, stall
		}
		return len(message), none
	}
	switch p.fault.kind {
	case cutSending, stall:
		if p.sent >= p.fault.at {
			p.done = true
			return int(min(length, max(0, p.fault.at-before))), p.fault.kind
		}
	case beforeCommit, stallAtCommit:
		if begins && int64(p.commits) == p.fault.at {
			p.done = true
			return 0, p.fault.kind
		}
	case afterCommit, stallAnswer:
		if sent && int64(p.commits) == p.fault.at {
			p.done = true
			return len(message), p.fault.kind
		}
	}
	return len(message), none
}

// receiving says how much of an answer is let through, and whether the connection is
// cut then.
func (p *proxy) receiving(length int) (let int, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.got
	p.got += int64(length)
	if p.done || p.fault.kind != cutReceiving || p.got < p.fault.at {
		return length, false
	}
	p.done = true
	return int(p.fault.at - before), true
}
