package statement

import (
	_ "embed" // the template and its style
	"time"

	"github.com/alwrity/alwrity-sub/report/page"
)

//go:embed statement.html
var template string

//go:embed statement.css
var css string

// HTML shows bills as their user gets them, one after the other, as a page that is also printed. There is one at least.
func HTML(statements []Statement, from Sender, now time.Time) page.Page {
	views := viewsOf(statements, from, now)
	return page.New(template, css, struct {
		Title      string
		Statements []view
	}{titleOf(views), views})
}

// titleOf names one statement, or the first and last of several.
func titleOf(views []view) string {
	title := views[0].Name
	if n := len(views); n > 1 {
		title += " to " + lowerFirst(views[n-1].Name)
	}
	if company := views[0].Company; company != "" {
		title += " – " + company
	}
	return title
}
