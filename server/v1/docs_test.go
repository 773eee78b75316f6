package v1_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/db/dbtest"
	"github.com/alwrity/alwrity-sub/server/servertest"
	"github.com/alwrity/alwrity-sub/server/v1"
)

const guide = "../../docs/service.md"

func TestTheGuideHasEveryRoute(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	var told, routes []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /v1/[^`]*)` \\|").FindAllStringSubmatch(string(text), -1) {
		told = append(told, row[1])
	}
	for _, r := range v1.Routes() {
		routes = append(routes, r.Pattern)
	}
	slices.Sort(told)
	slices.Sort(routes)
	if !slices.Equal(told, routes) {
		t.Errorf("%s has\n%s\nand the table of routes\n%s", guide, strings.Join(told, "\n"), strings.Join(routes, "\n"))
	}
}

// TestExamplesOfTheGuide makes the requests of its examples.
func TestExamplesOfTheGuide(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	f := servertest.New(t, dbtest.PreparedSQLite(t))
	token, made := f.Token(""), 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for _, command := range regexp.MustCompile(`(?m)^curl `).Split(block[1], -1)[1:] {
			path := regexp.MustCompile(`"\$URL([^"]*)"`).FindStringSubmatch(command)[1]
			method, body := "GET", ""
			if data := regexp.MustCompile(`(?s)-d '(.*)'`).FindStringSubmatch(command); data != nil {
				method, body = "POST", data[1]
			}
			var headers []string
			for _, header := range regexp.MustCompile(`-H "([^"]*)"`).FindAllStringSubmatch(command, -1) {
				if !strings.HasPrefix(header[1], "Authorization") {
					headers = append(headers, header[1])
				}
			}
			answer := f.Ask(method, path, token, body, headers...)
			if answer.StatusCode != 200 || strings.Contains(answer.Text, `"rejected"`) {
				t.Errorf("curl %s: %s %s", command, answer.Status, answer.Text)
			}
			made++
		}
	}
	if made < 6 {
		t.Errorf("%d examples were found", made)
	}
}
