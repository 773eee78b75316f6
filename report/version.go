package report

// VersionInfo says what this binary is.
type VersionInfo struct {
	Version  string
	Go       string // version of Go that built it
	Platform string // such as linux/amd64
	SQLite   string // version of SQLite in it
}

// Version shows what this binary is.
func Version(v VersionInfo) Document {
	const name = "alwrity-sub"
	return fields{
		{"name", "", name}, {"version", "", v.Version}, {"go", "", v.Go}, {"platform", "", v.Platform}, {"sqlite", "", v.SQLite},
	}.says("%s %s (%s, %s, SQLite %s)", name, v.Version, v.Go, v.Platform, v.SQLite)
}
