package pages

import (
	"crypto/sha256"
	_ "embed" // the style and the script
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/alwrity/alwrity-sub/failure"
	basis "github.com/alwrity/alwrity-sub/report/page"
	"github.com/alwrity/alwrity-sub/server/web"
)

//go:embed files/pages.css
var css string

//go:embed files/pages.js
var js string

// assets are the files that pages load. Their names change with what is in them, so a browser keeps them for good.
type assets struct {
	style, script string // paths
	files         map[string]asset
}

type asset struct{ kind, text string }

func newAssets() assets {
	a := assets{files: map[string]asset{}}
	add := func(name, ending, kind, text string) string {
		sum := sha256.Sum256([]byte(text))
		file := name + "-" + hex.EncodeToString(sum[:6]) + ending
		a.files[file] = asset{kind + "; charset=utf-8", text}
		return "/assets/" + file
	}
	a.style = add("pages", ".css", "text/css", basis.Style()+css)
	a.script = add("pages", ".js", "text/javascript", js)
	return a
}

func (a assets) routes() []web.Route {
	return []web.Route{{Pattern: "GET /assets/{file}", Do: func(w http.ResponseWriter, c *web.Call) error {
		file, ok := a.files[c.PathValue("file")]
		if !ok {
			return failure.NotFoundf("there is no file %s", failure.Shorten(c.PathValue("file")))
		}
		h := w.Header()
		h.Set("Content-Type", file.kind)
		h.Set("Content-Length", strconv.Itoa(len(file.text)))
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write([]byte(file.text))
		return nil
	}}}
}
