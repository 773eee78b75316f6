package wire

// Tokens estimates how many tokens a text is, by the kinds of its characters, in one pass over pieces of any size. It
// needs no vocabulary: it is for what is held before a call and for answers that say nothing. The figures are set
// against OpenAI's o200k (see TestTokens); the zero value is ready.
type Tokens struct {
	cents int64 // hundredths of a token, of what is over
	class class
	run   int64 // characters of one class so far
	char  rune  // of several bytes, so far
	more  int   // bytes of it that are to come
}

// class is a kind of character: how many of a kind go into a token is much the same.
type class uint8

const (
	nothing class = iota
	lower
	upper
	digit
	blank
	newline
	mark
	symbol
	accented // letters with accents, within words of lower letters
	cyrillic
	greek
	arabic // and Hebrew
	indic  // and all other scripts of South and Southeast Asia
	han
	kana
	hangul
	picture
	classCount
)

// Write counts the next piece of the text.
func (t *Tokens) Write(p []byte) {
	for _, c := range p {
		if t.more > 0 && c&0xC0 != 0x80 { // no UTF-8
			t.more = 0
			t.add(symbol)
		}
		switch {
		case c < 0x80:
			t.add(ascii[c])
		case c >= 0xF0:
			t.char, t.more = rune(c&0x07), 3
		case c >= 0xE0:
			t.char, t.more = rune(c&0x0F), 2
		case c >= 0xC0:
			t.char, t.more = rune(c&0x1F), 1
		case t.more > 0:
			t.char = t.char<<6 | rune(c&0x3F)
			if t.more--; t.more == 0 {
				t.add(classOf(t.char))
			}
		default: // no UTF-8
			t.add(symbol)
		}
	}
}

// Break ends a text: the next one begins with a token of its own.
func (t *Tokens) Break() { t.flush(); t.class, t.more = nothing, 0 }

// Add adds tokens that are known.
func (t *Tokens) Add(n int64) { t.cents += 100 * n }

// Count returns the number of tokens, rounded up.
func (t *Tokens) Count() int64 {
	whole := *t
	whole.flush()
	return (whole.cents + 99) / 100
}

func (t *Tokens) add(c class) {
	switch {
	case c == t.class:
		t.run++
		return
	case c == accented:
		t.cents += costOfAccent
		t.add(lower)
		return
	case c == lower && t.class == upper && t.run == 1: // Word
		t.class = lower
		t.run++
		return
	case t.class == blank && t.run == 1 && c != blank && c != digit: // is a part of the word that follows
	default:
		t.flush()
	}
	t.class, t.run = c, 1
}

// flush counts the run that is over.
func (t *Tokens) flush() {
	n := t.run
	t.run = 0
	if n == 0 {
		return
	}
	if t.class == digit {
		t.cents += (n + digitsInToken - 1) / digitsInToken * 100
		return
	}
	cost := costs[t.class]
	t.cents += cost.first
	if rest := n - cost.length; rest > 0 {
		t.cents += rest * cost.each
	}
}

// cost is what a run of characters costs in hundredths of a token: first for up to length of them, and each for every
// one more.
type cost struct{ first, length, each int64 }

var costs = [classCount]cost{ // read-only
	lower: {102, 6, 22}, upper: {105, 3, 40}, blank: {100, 16, 5}, newline: {100, 2, 20}, mark: {100, 2, 55},
	symbol: {120, 1, 100}, cyrillic: {105, 5, 22}, greek: {110, 3, 40}, arabic: {105, 3, 43}, indic: {100, 2, 45},
	han: {85, 1, 85}, kana: {75, 1, 75}, hangul: {90, 1, 70}, picture: {200, 1, 170},
}

// What is beside the cost of a run: o200k cuts digits into threes, and an accent makes a word rarer.
const (
	digitsInToken = 3
	costOfAccent  = 25
)

var ascii = asciiClasses() // read-only

func asciiClasses() (classes [128]class) {
	for c := range classes {
		switch {
		case c >= 'a' && c <= 'z':
			classes[c] = lower
		case c >= 'A' && c <= 'Z':
			classes[c] = upper
		case c >= '0' && c <= '9':
			classes[c] = digit
		case c == ' ' || c == '\t':
			classes[c] = blank
		case c == '\n' || c == '\r':
			classes[c] = newline
		default:
			classes[c] = mark
		}
	}
	return classes
}

// classOf returns the class of a character beyond ASCII, by its block
// (https://www.unicode.org/Public/UNIDATA/Blocks.txt).
func classOf(c rune) class {
	switch {
	case c < 0xC0:
		return symbol
	case c < 0x250, c >= 0x1E00 && c < 0x1F00:
		return accented
	case c < 0x370:
		return symbol
	case c < 0x400, c >= 0x1F00 && c < 0x2000:
		return greek
	case c < 0x590:
		return cyrillic
	case c < 0x900:
		return arabic
	case c < 0x1100, c >= 0x1780 && c < 0x1800:
		return indic
	case c < 0x1200, c >= 0xAC00 && c < 0xD7B0:
		return hangul
	case c < 0x2000:
		return indic
	case c < 0x3040, c >= 0xFF00 && c < 0x10000:
		return symbol
	case c < 0x3100:
		return kana
	case c < 0xA000, c >= 0xF900 && c < 0xFB00, c >= 0x20000 && c < 0x40000:
		return han
	}
	return picture
}
