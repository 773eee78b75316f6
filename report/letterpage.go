package report

import (
	"time"
)

type letterPage struct {
	Title   string
	Letters []letter
}

// LettersPage shows bills as their user gets them, one after the other, as a page that is
// also printed. There is one at least.
func LettersPage(letters []Letter, from Sender, now time.Time) Page {
	p := letterPage{}
	for _, l := range letters {
		p.Letters = append(p.Letters, letterOf(l, from, now))
	}
	p.Title = titleOf(p.Letters)
	return page("statement.html", p, "base.css", "statement.css")
}

// titleOf names one letter, or the first and last of several.
func titleOf(letters []letter) string {
	title := letters[0].Name
	if n := len(letters); n > 1 {
		title += " to " + lowerFirst(letters[n-1].Name)
	}
	if company := letters[0].Company; company != "" {
		title += " – " + company
	}
	return title
}
