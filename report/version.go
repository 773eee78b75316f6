package report

// VersionInfo says what this binary is.
type VersionInfo struct {
	Version  string `json:"version"`
	Go       string `json:"go"`       // version of Go that built it
	Platform string `json:"platform"` // such as linux/amd64
	SQLite   string `json:"sqlite"`   // version of SQLite in it
}

type versionView struct {
	Name string `json:"name"`
	VersionInfo
}

// Version shows what this binary is.
func Version(v VersionInfo) Document {
	const name = "alwrity-sub"
	grid := Grid{[]string{"name", "version", "go", "platform", "sqlite"},
		[][]Cell{{TextCell(name), TextCell(v.Version), TextCell(v.Go), TextCell(v.Platform), TextCell(v.SQLite)}}}
	return Document{JSON: versionView{name, v}, CSV: grid, Text: func(t *Text) error {
		t.Line("%s %s (%s, %s, SQLite %s)", name, v.Version, v.Go, v.Platform, v.SQLite)
		return nil
	}}
}
