package cmd

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/alwrity/alwrity-sub/failure"
)

// layer is one source of settings: a file or the environment.
type layer struct {
	name   string            // for people
	values map[string]any    // by the name of the key
	labels map[string]string // how a message calls the key of this layer
	path   string            // of the file; "" for none
}

const environmentLayer = "environment"

// config is the configuration: flag > environment > env file > config file > default.
type config struct {
	values *viper.Viper
	flags  *pflag.FlagSet
	layers []layer           // from the strongest to the weakest
	env    map[string]string // of the env file, whether it is a setting or not

	exposed []string // files whose secrets others can read
}

// loadConfig reads the two files, if there are any, and puts the layers on top of each other.
func loadConfig(p Process, flags *pflag.FlagSet) (*config, error) {
	envFile, variables, err := loadEnvFile(p, flags)
	if err != nil {
		return nil, err
	}
	file, err := loadConfigFile(p, flags)
	if err != nil {
		return nil, err
	}
	c := &config{
		values: viper.New(),
		flags:  flags,
		layers: []layer{variableLayer(environmentLayer, "", p.getenv), envFile, file},
		env:    variables,
	}
	if hasSecret(variables) && isReadByOthers(envFile.path) {
		c.exposed = append(c.exposed, envFile.path)
	}
	if hasSecret(texts(file.values)) && isReadByOthers(file.path) {
		c.exposed = append(c.exposed, file.path)
	}
	return c, c.merge()
}

// hasSecret tells whether one of some variables or settings is a secret, or has one in it.
func hasSecret(values map[string]string) bool {
	for name, value := range values {
		if isSecret(name) && value != "" || len(passwordsIn(value)) > 0 {
			return true
		}
	}
	return false
}

// texts are the settings of a file that are texts.
func texts(values map[string]any) map[string]string {
	found := map[string]string{}
	for name, value := range values {
		if text, ok := value.(string); ok {
			found[name] = text
		}
	}
	return found
}

// isReadByOthers tells whether not only its owner can read a file. Windows has no such permissions.
func isReadByOthers(path string) bool {
	info, err := os.Stat(path)
	return err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o044 != 0
}

// merge fills viper. The layers are merged from the weakest to the strongest into viper's place for a file, since its
// own place for the environment reads that of the process and nothing that a test could set.
func (c *config) merge() error {
	for _, k := range keys() {
		c.values.SetDefault(k.name, k.fallback)
		if k.flag == "" {
			continue
		}
		if err := c.values.BindPFlag(k.name, c.flags.Lookup(k.flag)); err != nil {
			return err
		}
	}
	for _, l := range slices.Backward(c.layers) {
		if err := c.values.MergeConfigMap(l.values); err != nil {
			return err
		}
	}
	return nil
}

// variableLayer takes the settings from variables; an empty one is not set.
func variableLayer(name, suffix string, lookup func(string) string) layer {
	l := layer{name: name, values: map[string]any{}, labels: map[string]string{}}
	for _, k := range keys() {
		if value := lookup(k.variable()); value != "" {
			l.values[k.name], l.labels[k.name] = value, k.variable()+suffix
		}
	}
	return l
}

// label says which setting a message means, and where it was set.
func (c *config) label(name string) string {
	for _, k := range keys() {
		if k.name == name && k.flag != "" && c.flags.Changed(k.flag) {
			return "--" + k.flag
		}
	}
	for _, l := range c.layers {
		if label, ok := l.labels[name]; ok {
			return label
		}
	}
	return name
}

// isSet tells whether a setting was made, by a flag or in a layer.
func (c *config) isSet(name string) bool {
	byFlag := func(k key) bool { return k.name == name && k.flag != "" && c.flags.Changed(k.flag) }
	inLayer := func(l layer) bool { return l.values[name] != nil }
	return slices.ContainsFunc(keys(), byFlag) || slices.ContainsFunc(c.layers, inLayer)
}

// text returns a setting as it was written.
func (c *config) text(name string) (string, error) {
	switch value := c.values.Get(name).(type) {
	case string:
		return value, nil
	case bool, int, int64, uint64:
		return fmt.Sprint(value), nil
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), nil
	}
	return "", failure.Invalidf("%s must be one value, and no list or group", c.label(name))
}

// reader reads settings and keeps the first failure: what is read after one may be anything.
type reader struct {
	*config
	err error
}

func (r *reader) fail(err error) { r.err = cmp.Or(r.err, err) }

// text reads a setting as it was written.
func (r *reader) text(name string) string {
	text, err := r.config.text(name)
	r.fail(err)
	return text
}

// list reads a setting that is a list, written as one or with commas or spaces.
func (r *reader) list(name string) []string {
	items, ok := r.values.Get(name).([]any)
	if !ok {
		return splitList(r.text(name))
	}
	var words []string
	for _, item := range items {
		word, isText := item.(string)
		if !isText {
			r.fail(failure.Invalidf("%s must be a list of texts", r.label(name)))
		}
		words = append(words, word)
	}
	return words
}

// splitList splits a list at commas and spaces.
func splitList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}

// enum reads a setting that must be one of a few words.
func (r *reader) enum(name string, words ...string) string {
	value := r.text(name)
	if r.err != nil || slices.Contains(words, value) {
		return value
	}
	last := len(words) - 1
	invalid := failure.Invalidf("%s is %q: it must be %s", r.label(name), failure.Shorten(value),
		strings.Join(words[:last], ", ")+" or "+words[last])
	if near := failure.Nearest(value, words); near != "" {
		invalid = invalid.WithHint("did you mean %s?", near)
	}
	r.fail(invalid)
	return value
}

// boolean reads a setting that is on or off.
func (r *reader) boolean(name string) bool {
	text := r.text(name)
	value, err := strconv.ParseBool(text)
	if err != nil {
		r.fail(failure.Invalidf("%s is %q: it must be true or false", r.label(name), failure.Shorten(text)))
	}
	return value
}

// integer reads a setting that is a whole number within bounds.
func (r *reader) integer(name string, least, most int) int {
	text := r.text(name)
	value, err := strconv.Atoi(text)
	if err != nil || value < least || value > most {
		r.fail(failure.Invalidf("%s is %q: it must be a whole number from %d to %d", r.label(name), failure.Shorten(text),
			least, most))
	}
	return value
}

// path reads a path that counts from a directory; "" stays "".
func (r *reader) path(name, dir string) string {
	path := r.text(name)
	if path == "" {
		return ""
	}
	return resolvePath(dir, path)
}

// resolvePath returns a path that counts from a directory.
func resolvePath(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// sources lists where the settings came from that are not defaults, the
// strongest source first, and what looks like a setting but is none.
func (c *config) sources(p Process) []string {
	var lines, flags []string
	for _, k := range keys() {
		if k.flag != "" && c.flags.Changed(k.flag) {
			flags = append(flags, "--"+k.flag)
		}
	}
	if len(flags) > 0 {
		lines = append(lines, "flags: "+strings.Join(flags, ", "))
	}
	for _, l := range c.layers {
		if line := l.describe(); line != "" {
			lines = append(lines, line)
		}
	}
	return append(lines, unknownVariables(p, c.env)...)
}

// describe names a layer and its settings. A file without any is named too, as
// it has been read; the environment is always there.
func (l layer) describe() string {
	var set []string
	for _, k := range keys() {
		if _, ok := l.values[k.name]; ok {
			set = append(set, strings.Fields(l.labels[k.name])[0])
		}
	}
	switch {
	case len(set) > 0:
		return l.name + ": " + strings.Join(set, ", ")
	case l.name == "" || l.name == environmentLayer:
		return ""
	}
	return l.name + ": no settings"
}

// unknownVariables finds variables that were meant as settings but are none. A
// failure would be too much: another version of the program may know them.
func unknownVariables(p Process, envFile map[string]string) []string {
	var known, found []string
	for _, k := range keys() {
		known = append(known, k.variable())
	}
	for _, entry := range p.Environ {
		name, _, _ := strings.Cut(entry, "=")
		found = append(found, name)
	}
	for name := range envFile {
		found = append(found, name)
	}
	slices.Sort(found)
	var lines []string
	for _, name := range slices.Compact(found) {
		if !strings.HasPrefix(name, variablePrefix) || slices.Contains(known, name) {
			continue
		}
		line := "not known, has no effect: " + failure.Shorten(name)
		if near := failure.Nearest(name, known); near != "" {
			line += " (did you mean " + near + "?)"
		}
		lines = append(lines, line)
	}
	return lines
}
