package failure

import (
	"fmt"
	"io"
	"os"
)

// LargestFile is how large a file of a configuration, a catalogue or a template may be, in bytes: hundreds of times
// what a real one has, and small enough to be read in a moment.
const LargestFile = 1 << 20

// ReadFile returns the content of such a file. Of a larger one, or a device without an end, no more is read, and the
// error says so.
func ReadFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, LargestFile+1))
	if err == nil && len(text) > LargestFile {
		err = fmt.Errorf("it is larger than %d bytes", LargestFile)
	}
	return text, err
}
