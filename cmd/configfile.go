package cmd

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/alwrity/alwrity-sub/failure"
)

const (
	configDirName     = "alwrity-sub"
	defaultConfigFile = "alwrity-sub.yaml"
)

// loadConfigFile reads the config file: the one of --config, else the first of
// alwrity-sub.yaml here and in the user's directory for configuration.
func loadConfigFile(p Process, flags *pflag.FlagSet) (layer, error) {
	names, wanted := []string{defaultConfigFile}, flags.Changed("config")
	switch {
	case wanted:
		names = []string{flags.Lookup("config").Value.String()}
	case p.ConfigDir != "":
		names = append(names, filepath.Join(p.ConfigDir, configDirName, defaultConfigFile))
	}
	for _, name := range names {
		path := resolvePath(p.Dir, name)
		text, err := failure.ReadFile(path)
		switch {
		case err == nil:
			l, err := parseConfigFile(name, text)
			l.path = path
			return l, err
		case wanted || !errors.Is(err, fs.ErrNotExist):
			return layer{}, unreadable("--config", name, err)
		}
	}
	return layer{}, nil
}

// parseConfigFile reads YAML. A message never shows a value: it may hold a password.
func parseConfigFile(name string, text []byte) (layer, error) {
	file := viper.New()
	file.SetConfigType("yaml")
	if err := file.ReadConfig(bytes.NewReader(text)); err != nil {
		return layer{}, failure.Invalidf("%s%s: this is no YAML of the form key: value", name, lineOf(err)).
			WithHint("write one key: value on a line, such as %s: warn", keyLogLevel)
	}
	known := make([]string, 0, len(keys()))
	for _, k := range keys() {
		known = append(known, k.name)
	}
	l := layer{name: "config file " + name, values: map[string]any{}, labels: map[string]string{}}
	for _, found := range file.AllKeys() {
		if !slices.Contains(known, found) {
			return layer{}, unknownKey(name, found, known)
		}
		if value := file.Get(found); value != nil && value != "" {
			l.values[found], l.labels[found] = value, found+" in "+name
		}
	}
	return l, nil
}

func unknownKey(name, found string, known []string) error {
	invalid := failure.Invalidf("%s has the key %q, which is not known", name, failure.Shorten(found))
	if near := failure.Nearest(found, known); near != "" {
		return invalid.WithHint("did you mean %s?", near)
	}
	return invalid.WithHint("known are: %s", strings.Join(known, ", "))
}

// lineOf takes the line out of an error of the YAML library, whose text may show part of a value.
func lineOf(err error) string {
	if match := regexp.MustCompile(`line (\d+)`).FindStringSubmatch(err.Error()); match != nil {
		return ", line " + match[1]
	}
	return ""
}
