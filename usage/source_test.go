package usage

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/alwrity/alwrity-sub/failure"
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

// A file that is read whole is unpacked up to its bound, and told where it is damaged.
func TestUnpack(t *testing.T) {
	packer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat(`{"a": 1}`, 1000)
	packed := packer.EncodeAll([]byte(text), nil)
	for name, of := range map[string][]byte{"plain": []byte(text), "zstd": packed} {
		got, err := Unpack(of, name, int64(len(text)))
		if err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if _, err := Unpack(of, name, int64(len(text)-1)); !failure.Is(err, failure.Invalid) {
			t.Errorf("%s: one byte too many is %v", name, err)
		}
	}
	damaged := map[string][]byte{"cut": packed[:len(packed)-1], "mark": packed[:4], "gzip": []byte("\x1f\x8bx")}
	for name, of := range damaged {
		if _, err := Unpack(of, name, 1000); !failure.Is(err, failure.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := Unpack(nil, "empty", 1); err != nil || len(got) != 0 {
		t.Errorf("nothing is %q, %v", got, err)
	}
}
