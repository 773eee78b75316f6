package failure

import "strings"

// plainInShells are the characters that no shell reads as anything but themselves, wherever they stand in a word.
const plainInShells = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+:,./_-"

// ShellWord returns a text as one word of a command that is to be copied into a shell, whatever is in it.
func ShellWord(text string) string {
	if text != "" && strings.Trim(text, plainInShells) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// ShellArgument returns a text as the last argument of such a command: what begins with a dash stands behind "--", or
// it would be a flag.
func ShellArgument(text string) string {
	if strings.HasPrefix(text, "-") {
		return "-- " + ShellWord(text)
	}
	return ShellWord(text)
}
