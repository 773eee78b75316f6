package report

type writtenView struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

// Written says which file a page was written to, and how large it is.
func Written(file string, bytes int64) Document {
	grid := Grid{[]string{"file", "bytes"}, [][]Cell{{TextCell(file), NumberCell(bytes)}}}
	return Document{JSON: writtenView{file, bytes}, CSV: grid, Text: func(t *Text) error {
		t.Line("written to %s (%s)", file, size(bytes))
		return nil
	}}
}
