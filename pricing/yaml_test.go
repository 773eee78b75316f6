package pricing_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/alwrity/alwrity-sub/pricing"
)

// What would take the library minutes, or all memory, is refused before it is parsed; what a person writes is not.
func TestYAMLIsBounded(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+", ", 9) + "]\n"
	}
	deep := ""
	for n := range 300 {
		deep += strings.Repeat(" ", n) + "a:\n"
	}
	for name, text := range map[string]string{
		"brackets": strings.Repeat("[", 200_000), "braces": strings.Repeat("{a: ", 200_000),
		"on lines of their own": strings.Repeat("[\n", 200_000), "lists in lists": strings.Repeat("- ", 200_000) + "a",
		"keys of keys": strings.Repeat("? ", 200_000), "blocks in blocks": deep, "aliases": bomb,
		"an anchor": "a: &b c\n", "a merge": "a: {<<: b}\n",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := pricing.ReadYAML("file.yaml", []byte(text), &map[string]any{})
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "file.yaml, line ") {
			t.Errorf("%s: %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 100<<20 {
			t.Errorf("%s took %d MB", name, took>>20)
		}
	}
	for _, text := range []string{
		"a: [1, {b: [2, [3]]}] # [[[[[[\n", "a:\n  - b:\n      c: 1\n      d: \"5 * 3 & more\"\n", "a: x*y & z\n",
		"# ---------------------------------\na: 1\n",
	} {
		if err := pricing.ReadYAML("file.yaml", []byte(text), &map[string]any{}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
