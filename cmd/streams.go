package cmd

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/alwrity/alwrity-sub/failure"
)

// output is the stream of results. It remembers its first error, so that a
// command need not check each line that it writes, and writes nothing after it.
type output struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.to.Write(p)
	o.err = err
	return n, err
}

// closed tells whether the reader of the results has gone, as head does once it has its lines.
func (o *output) closed() bool {
	return errors.Is(o.err, syscall.EPIPE) || errors.Is(o.err, io.ErrClosedPipe)
}

// result returns err or, where writing the results failed, what that means for the user.
func (o *output) result(err error) error {
	if o.err == nil || (err != nil && !errors.Is(err, o.err)) {
		return err
	}
	if o.closed() {
		return nil
	}
	return failure.Unavailablef("the results can't be written: %s", failure.WithoutPath(o.err)).
		WithHint("the command itself is done; make room, or write somewhere else").Because(o.err)
}

// interruptible reads from in, and returns the error of ctx once that is done. A read of a terminal or a pipe can't be
// called back: it is left to a goroutine, which begins with the first read and ends with the process.
type interruptible struct{ pipe func() *io.PipeReader }

func newInterruptible(ctx context.Context, in io.Reader) interruptible {
	return interruptible{sync.OnceValue(func() *io.PipeReader {
		reader, writer := io.Pipe()
		go func() {
			_, err := io.Copy(writer, in)
			_ = writer.CloseWithError(err) // it never fails
		}()
		context.AfterFunc(ctx, func() { _ = writer.CloseWithError(ctx.Err()) })
		return reader
	})}
}

// Read implements io.Reader.
func (r interruptible) Read(p []byte) (int, error) { return r.pipe().Read(p) }
