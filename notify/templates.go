package notify

import (
	"embed"
	"errors"
	htmltemplate "html/template"
	"io/fs"
	"os"
	"path"
	"strings"
	texttemplate "text/template"

	"github.com/alwrity/alwrity-sub/failure"
)

//go:embed templates
var builtIn embed.FS

// layoutFile has the page around what the other HTML files write.
const layoutFile = "layout.html"

// Templates are what messages are written with: for each kind a text and an HTML
// file, and the same for operators, digests and tests.
type Templates struct {
	text map[string]*texttemplate.Template
	html map[string]*htmltemplate.Template
}

// The files that are of no kind.
const (
	operatorsFile = "operators"
	digestFile    = "digest"
	testFile      = "test"
)

// LoadTemplates reads the built-in templates and, where a directory is named, those
// in it that replace them. A file that is no template, or that nothing uses, is an
// invalid failure: all of them are tried out.
func LoadTemplates(directory string, with *Settings) (*Templates, error) {
	files, err := BuiltInTemplates()
	if err != nil {
		return nil, err
	}
	if directory != "" {
		if err := replaceFiles(files, directory); err != nil {
			return nil, err
		}
	}
	t := &Templates{text: map[string]*texttemplate.Template{}, html: map[string]*htmltemplate.Template{}}
	for _, name := range templateNames() {
		text := files[name+".txt"]
		if t.text[name], err = texttemplate.New(name).Option("missingkey=zero").Funcs(functions()).Parse(text); err != nil {
			return nil, badTemplate(name+".txt", err)
		}
		page, err := htmltemplate.New(name).Option("missingkey=zero").Funcs(functions()).Parse(files[layoutFile])
		if err != nil {
			return nil, badTemplate(layoutFile, err)
		}
		if t.html[name], err = page.Parse(files[name+".html"]); err != nil {
			return nil, badTemplate(name+".html", err)
		}
	}
	return t, t.tryOut(with)
}

// templateNames are the names of the pairs.
func templateNames() []string {
	names := []string{operatorsFile, digestFile, testFile}
	for _, kind := range Kinds() {
		names = append(names, string(kind))
	}
	return names
}

// BuiltInTemplates returns the text of each template file by its name.
func BuiltInTemplates() (map[string]string, error) {
	files := map[string]string{layoutFile: ""}
	for _, name := range templateNames() {
		files[name+".txt"], files[name+".html"] = "", ""
	}
	for name := range files {
		text, err := builtIn.ReadFile(path.Join("templates", name))
		if err != nil {
			return nil, err
		}
		files[name] = string(text)
	}
	return files, nil
}

// replaceFiles takes those of a directory over. The path of the setting counts from
// where the program runs.
func replaceFiles(files map[string]string, directory string) error {
	root := os.DirFS(directory)
	entries, err := fs.ReadDir(root, ".")
	if err != nil {
		return failure.Invalidf("the templates in %s can't be read: %s", directory, plainly(err)).Because(err)
	}
	for _, entry := range entries {
		ending := path.Ext(entry.Name())
		if entry.IsDir() || (ending != ".txt" && ending != ".html") {
			continue
		}
		if _, known := files[entry.Name()]; !known {
			return failure.Invalidf("the template %s in %s is of no message", entry.Name(), directory).
				WithHint("the names are %s, each with .txt and .html, and %s", strings.Join(templateNames(), ", "), layoutFile)
		}
		text, err := fs.ReadFile(root, entry.Name())
		if err != nil {
			return failure.Invalidf("the template %s in %s can't be read: %s", entry.Name(), directory, plainly(err)).Because(err)
		}
		files[entry.Name()] = string(text)
	}
	return nil
}

// plainly says what is wrong with a file without its path.
func plainly(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

func badTemplate(name string, err error) error {
	return failure.Invalidf("the template %s can't be used: %s", name, err).Because(err)
}

// tryOut writes a message of each kind, so that a template with a mistake is found
// before anything is sent.
func (t *Templates) tryOut(with *Settings) error {
	for _, m := range samples() {
		for _, audience := range []Audience{ToUser, ToOperators} {
			one := Delivery{Message: m, Channel: Email, Audience: audience}
			for _, members := range [][]Delivery{{one}, {one, one}} {
				if _, err := t.Write(with, Parcel{members}); err != nil {
					return err
				}
			}
		}
	}
	_, err := t.WriteTest(with)
	return err
}

// blocks of a template of one kind.
const (
	subjectBlock = "subject" // of the mail to the user
	summaryBlock = "summary" // one sentence to the user, for digests
	noticeBlock  = "notice"  // one sentence about the user, for operators and Slack
	bodyBlock    = "body"
)

// block writes one block of a text template, without space around it.
func (t *Templates) block(name, block string, data any) (string, error) {
	var b strings.Builder
	if err := t.text[name].ExecuteTemplate(&b, block, data); err != nil {
		return "", badTemplate(name+".txt", err)
	}
	return strings.TrimSpace(b.String()), nil
}

// line writes a block that must be one line.
func (t *Templates) line(name, block string, data any) (string, error) {
	text, err := t.block(name, block, data)
	return strings.Join(strings.Fields(text), " "), err
}

// page writes an HTML page.
func (t *Templates) page(name string, data any) (string, error) {
	var b strings.Builder
	if err := t.html[name].ExecuteTemplate(&b, "page", data); err != nil {
		return "", badTemplate(name+".html", err)
	}
	return b.String(), nil
}
