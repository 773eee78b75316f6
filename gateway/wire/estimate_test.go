package wire

import (
	"os"
	"testing"
)

// samples are the texts of testdata/texts, and how many tokens of o200k they are by tiktoken-go/tokenizer v0.10.0.
var samples = []struct {
	name   string
	tokens int64
}{
	{"arabic", 116}, {"base64", 1001}, {"chinese", 143}, {"code-go", 479}, {"code-py", 465}, {"digits", 804},
	{"emoji", 135}, {"french", 113}, {"german", 119}, {"greek", 122}, {"hebrew", 105}, {"hindi", 134},
	{"html", 136}, {"japanese", 196}, {"json", 383}, {"korean", 127}, {"prose-en", 127}, {"russian", 120},
	{"sql", 465}, {"symbols", 264}, {"thai", 130}, {"turkish", 119}, {"uuid", 620}, {"vietnamese", 73},
}

// TestTokens holds the estimate against o200k: what is held before a call has to be near what it will use.
func TestTokens(t *testing.T) {
	for _, sample := range samples {
		t.Run(sample.name, func(t *testing.T) {
			text := readText(t, sample.name)
			var tokens Tokens
			tokens.Write(text)
			percent := tokens.Count() * 100 / sample.tokens
			if percent < 75 || percent > 140 {
				t.Errorf("%d tokens of %d: %d %%", tokens.Count(), sample.tokens, percent)
			}
		})
	}
}

func readText(t testing.TB, name string) []byte {
	text, err := os.ReadFile("testdata/texts/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestWordOverPieces counts a word once that comes in several pieces, as those of a stream do, and twice where two
// texts of a request meet.
func TestWordOverPieces(t *testing.T) {
	var pieces, texts Tokens
	for _, piece := range []string{" fant", "ast", "ic"} {
		pieces.Write([]byte(piece))
		texts.Write([]byte(piece))
		texts.Break()
	}
	if pieces.Count() != 2 || texts.Count() != 4 {
		t.Errorf("%d and %d tokens", pieces.Count(), texts.Count())
	}
}
