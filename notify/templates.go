package notify

import (
	"embed"
	htmltemplate "html/template"
	"os"
	"path"
	"path/filepath"
	"strings"
	texttemplate "text/template"

	"github.com/alwrity/alwrity-sub/failure"
)

//go:embed templates
var builtIn embed.FS

// layoutFile is the page around the content of the other HTML files.
const layoutFile = "layout.html"

// Templates are what messages are written with: a text and an HTML file for each kind, for mails to operators, for
// digests and for tests.
type Templates struct {
	text map[string]*texttemplate.Template
	html map[string]*htmltemplate.Template
}

// The templates that belong to no kind.
const (
	operatorsFile = "operators"
	digestFile    = "digest"
	testFile      = "test"
)

// LoadTemplates checks the settings and returns the templates to send with.
func (s *Settings) LoadTemplates() (*Templates, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return LoadTemplates(s.Templates, s)
}

// LoadTemplates reads the built-in templates and those that replace them in a directory, unless that is "". A file
// that can't be used, or that nothing uses, is an invalid failure: a message of each kind is written to try them.
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
		t.text[name], err = texttemplate.New(name).Option("missingkey=zero").Funcs(functions()).Parse(files[name+".txt"])
		if err != nil {
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
	return t, t.check(with)
}

// templateNames are the names of the pairs of files, without their endings.
func templateNames() []string {
	names := []string{operatorsFile, digestFile, testFile}
	for _, kind := range Kinds() {
		names = append(names, string(kind))
	}
	return names
}

// BuiltInTemplates returns the text of each template file by the file's name.
func BuiltInTemplates() (map[string]string, error) {
	names := []string{layoutFile}
	for _, name := range templateNames() {
		names = append(names, name+".txt", name+".html")
	}
	files := map[string]string{}
	for _, name := range names {
		text, err := builtIn.ReadFile(path.Join("templates", name))
		if err != nil {
			return nil, err
		}
		files[name] = string(text)
	}
	return files, nil
}

// replaceFiles replaces files by those of a directory.
func replaceFiles(files map[string]string, directory string) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return failure.Invalidf("the templates in %s can't be read: %s", directory, failure.WithoutPath(err)).Because(err)
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
		text, err := failure.ReadFile(filepath.Join(directory, entry.Name()))
		if err != nil {
			return failure.Invalidf("the template %s in %s can't be read: %s", entry.Name(), directory,
				failure.WithoutPath(err)).
				Because(err)
		}
		files[entry.Name()] = string(text)
	}
	return nil
}

func badTemplate(name string, err error) error {
	return failure.Invalidf("the template %s can't be used: %s", name, err).Because(err)
}

// check writes a message of each kind, so that a template with a mistake is found before anything is sent.
func (t *Templates) check(with *Settings) error {
	for _, m := range samples() {
		for _, audience := range []Audience{ToUser, ToOperators} {
			one := Delivery{Message: m, Channel: Email, Audience: audience}
			for _, members := range [][]Delivery{{one}, {one, one}} {
				if _, err := t.RenderMail(with, Batch{members}); err != nil {
					return err
				}
			}
		}
	}
	_, err := t.RenderTestMail(with)
	return err
}

// The blocks of a template of one kind.
const (
	subjectBlock  = "subject" // of the mail to the user
	summaryBlock  = "summary" // one sentence to the user, for digests
	operatorBlock = "notice"  // one sentence about the user, for operators and Slack
	bodyBlock     = "body"
)

// block writes one block of a text template, without the white space around it.
func (t *Templates) block(name, block string, data any) (string, error) {
	var b strings.Builder
	if err := t.text[name].ExecuteTemplate(&b, block, data); err != nil {
		return "", badTemplate(name+".txt", err)
	}
	return notBlank(name+".txt", block, b.String())
}

// notBlank returns what a block has written, without the white space around it. Nothing is an invalid failure: no mail
// goes out blank.
func notBlank(file, block, text string) (string, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", failure.Invalidf("the template %s writes nothing in its block %q", file, block).
			WithHint(`write {{define %q}}…{{end}} in it, as the built-in one has it: remove the file to use that`, block)
	}
	return text, nil
}

// line writes a block that must be one line.
func (t *Templates) line(name, block string, data any) (string, error) {
	text, err := t.block(name, block, data)
	return strings.Join(strings.Fields(text), " "), err
}

// page writes an HTML page, which has the content of its own file in it.
func (t *Templates) page(name string, data any) (string, error) {
	if _, err := t.htmlBlock(name, name+".html", "title", data); err != nil {
		return "", err
	}
	content, err := t.htmlBlock(name, name+".html", "content", data)
	if err != nil {
		return "", err
	}
	page, err := t.htmlBlock(name, layoutFile, "page", data)
	if err == nil && !strings.Contains(page, content) {
		err = failure.Invalidf("the template %s does not show the content of a mail", layoutFile).
			WithHint(`write {{template "content" .}} in its block "page"`)
	}
	return page, err
}

// htmlBlock writes a block of an HTML template, which a file should have.
func (t *Templates) htmlBlock(name, file, block string, data any) (string, error) {
	var b strings.Builder
	if t.html[name].Lookup(block) == nil {
		return notBlank(file, block, "")
	}
	if err := t.html[name].ExecuteTemplate(&b, block, data); err != nil {
		return "", badTemplate(name+".html", err)
	}
	return notBlank(file, block, b.String())
}
