package commands

import (
	"errors"
	"io"
	"os"

	"github.com/alwrity/alwrity-sub/catalogue"
	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/pricing"
)

// longestYAML is how large a plan or price file may be, in bytes: hundreds of
// times what a real one has, and small enough to be read in a moment.
const longestYAML = 1 << 20

// readFile reads a plan or price file.
func readFile(file string) (catalogue.File, error) {
	text, err := readText(file)
	return catalogue.File{Name: file, Text: text}, err
}

// readSeedFile reads a plan or price file, if one is named.
func readSeedFile(file string) (*catalogue.File, error) {
	if file == "" {
		return nil, nil
	}
	f, err := readFile(file)
	return &f, err
}

func readPrices(file string) (pricing.Catalogue, error) {
	f, err := readFile(file)
	if err != nil {
		return pricing.Catalogue{}, err
	}
	return pricing.ParseCatalogue(f.Name, f.Text)
}

func readText(file string) ([]byte, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, failure.Invalidf("the file %s can't be read: %s", file, reason(err)).Because(err)
	}
	defer func() { _ = in.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(in, longestYAML+1))
	switch {
	case err != nil:
		return nil, failure.Invalidf("the file %s can't be read: %s", file, reason(err)).Because(err)
	case len(text) > longestYAML:
		return nil, failure.Invalidf("the file %s is larger than %d bytes: that is no plan or price file", file, longestYAML)
	}
	return text, nil
}

// reason returns what is wrong with a file, without repeating its name.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
