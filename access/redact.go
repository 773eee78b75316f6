package access

import "strings"

// Redact returns a text in which no token has its secret.
func Redact(text string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(text, tokenPrefix)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteString(tokenPrefix)
		public, secret, whole := strings.Cut(after, "_")
		if text = after; whole && len(public) == publicLength && isBase62(public) {
			rest := strings.TrimLeft(secret, base62)
			b.WriteString(public + "_" + "***"[:min(3, len(secret)-len(rest))])
			text = rest
		}
	}
}
