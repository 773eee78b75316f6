package pages

import (
	"strconv"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/server/web"
)

// readForm reads the fields that a form has sent.
func readForm(c *web.Call) error {
	if err := c.ParseForm(); err != nil {
		return failure.Invalidf("the form can't be read: %s", err).Because(err)
	}
	return nil
}

// idsOf reads ids with spaces between them.
func idsOf(text string) ([]int64, error) {
	var ids []int64
	for word := range strings.FieldsSeq(text) {
		id, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, failure.Invalidf("%q is no id", failure.Shorten(word))
		}
		ids = append(ids, id)
	}
	return ids, nil
}
