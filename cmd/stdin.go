package cmd

import (
	"context"
	"io"
	"sync"
)

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
