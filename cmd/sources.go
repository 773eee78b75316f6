package cmd

import (
	"slices"
	"strings"

	"github.com/alwrity/alwrity-sub/failure"
)

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
		known = append(known, k.variable)
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
		if !strings.HasPrefix(name, "ALWRITY_SUB_") || slices.Contains(known, name) {
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
