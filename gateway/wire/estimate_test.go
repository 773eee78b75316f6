package wire

// samples are texts, and how many tokens of o200k they are by tiktoken-go/tokenizer v0.10.0.
var samples = []struct {
	name   string
	text   string
	tokens int64
}{
	{"prose", "The quick brown fox jumps over the lazy dog.", 10},
}
