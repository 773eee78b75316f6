package failure

import (
	"fmt"
	"io"
	"os"
)

// largestFile is how large a file of a configuration, a catalogue or a template may be, in bytes: hundreds of times
// what a real one has, and small enough to be read in a moment.
const largestFile = 1 << 20

// ReadFile returns the content of such a file. Of a larger one, or a device without an end, no more is read, and the
// error says so.
func ReadFile(path string) ([]byte, error) { return ReadFileUpTo(path, largestFile) }

// ReadFileUpTo is ReadFile for a file that may be larger or smaller.
func ReadFileUpTo(path string, largest int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err == nil && int64(len(text)) > largest {
		err = fmt.Errorf("it is larger than %d bytes", largest)
	}
	return text, err
}
