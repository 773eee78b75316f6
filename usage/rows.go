package usage

import "github.com/alwrity/alwrity-sub/failure"

// row is one record of an event file.
//
// A row stays as it is for as long as it is kept, whatever is read after it: raw is a copy of the file's bytes, which
// nobody writes to. No text of the event points into it, so an event that is kept longer than its row does not keep the
// row's bytes. A row of a usual line of 300 bytes holds some 700.
type row struct {
	line  int64  // where it begins
	raw   []byte // as it stands in the file
	event Event
	err   error // why it is no event
	// spilled says that raw was written to the rejects already.
	spilled bool
}

// rowReader reads the records of an event file one by one, io.EOF after the last. A bad record has its reason in the
// row; an error is one of the file.
type rowReader interface {
	next() (row, error)
}

func tooLongRow(l line) row {
	return row{line: l.number, spilled: true, err: failure.Invalidf("the line is longer than %d bytes", longestLine)}
}
