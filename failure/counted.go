package failure

import "github.com/dustin/go-humanize"

// Counted writes a number of things in a message: "1 row", "2,000 rows".
func Counted[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return humanize.Comma(int64(n)) + " " + thing + "s"
}
