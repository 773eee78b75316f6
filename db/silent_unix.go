//go:build unix

package db

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// silent tells whether an idle connection is as it was left: neither has it been
// closed, nor has the server said a last word. It costs no way to the server, so
// that it can be asked before each transaction, where a lost connection can still be
// replaced by another.
func silent(conn net.Conn, _ time.Duration) bool {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = wrapped.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var peeked error
	// Control and not Read, which would wait for a Read of pgx that is still going on:
	// after a slow write pgx reads in the background.
	err = raw.Control(func(fd uintptr) {
		_, _, peeked = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && (errors.Is(peeked, syscall.EAGAIN) || errors.Is(peeked, syscall.EWOULDBLOCK))
}
