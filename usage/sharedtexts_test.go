package usage

import (
	"fmt"
	"strings"
	"testing"
)

func TestSharedTexts(t *testing.T) {
	texts := newSharedTexts(mostSharedTexts)
	buffer := []byte("gemini")
	first := texts.text(buffer)
	copy(buffer, "openai") // what was returned is not part of it
	if second := texts.text(buffer); first != "gemini" || second != "openai" || texts.text([]byte("gemini")) != "gemini" {
		t.Errorf("got %q and %q", first, second)
	}
	if n := testing.AllocsPerRun(10, func() { texts.text(buffer) }); n != 0 {
		t.Errorf("a known text takes %.0f allocations", n)
	}
	// A file of ever new texts is read as well, and does not fill the memory.
	long := strings.Repeat("x", longestSharedText+1)
	for i := range 2 * mostSharedTexts {
		if text := fmt.Sprint("/calls/", i); texts.text([]byte(text)) != text || texts.text([]byte(long)) != long {
			t.Fatalf("%q is not itself", text)
		}
	}
	if _, kept := texts.known[long]; kept || len(texts.known) > mostSharedTexts {
		t.Errorf("%d are kept, the long one: %t", len(texts.known), kept)
	}
}
