package usage

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// What comes out of a pipe, which can't be read twice, is unpacked as a file is, with text after its mark as well.
func TestPackedPipe(t *testing.T) {
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"UTF-8":  "id,user_id\n",
		"UTF-16": "\xff\xfei\x00d\x00,\x00u\x00s\x00e\x00r\x00_\x00i\x00d\x00\n\x00",
	} {
		packed := packer.EncodeAll([]byte(text), nil)
		source, err := openSource(io.MultiReader(bytes.NewReader(packed)), name, "")
		if err != nil {
			t.Fatal(name, err)
		}
		got, err := io.ReadAll(source.text)
		if err != nil || strings.TrimPrefix(string(got), "\ufeff") != "id,user_id\n" || source.format != CSV {
			t.Errorf("%s: %q, %s, %v", name, got, source.format, err)
		}
		source.close()
	}
}
