//go:build unix

package db

import (
	"errors"
	"net"
	"syscall"
)

// isQuiet tells whether the other end of an idle network connection is still there: it has neither closed the
// connection nor sent anything, such as why it is going to.
func isQuiet(link net.Conn) bool {
	conn, ok := link.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Read(func(fd uintptr) (done bool) {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		quiet = errors.Is(err, syscall.EAGAIN) // nothing to read, and no end
		return true
	})
	return err == nil && quiet
}
