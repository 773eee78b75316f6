package cmd

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alwrity/alwrity-sub/access"
)

const (
	hidden      = "***"
	placeholder = "password" // in hints that show the form of a URL; a real one like that is among the secrets
)

// redactor takes secrets out of what is shown or logged: those that it knows
// wherever they stand, and whatever stands where a URL has its password.
type redactor struct{ secrets []string }

// addFrom remembers the secret in a setting: all of the value where the name says
// that it is one, else the passwords in it.
func (r *redactor) addFrom(name, value string) {
	if isSecret(name) && len(value) >= shortestKey {
		r.add(value)
		return
	}
	r.add(passwordsIn(value)...)
}

// shortestKey keeps variables such as SORT_KEY=name from hiding plain words.
const shortestKey = 8

// isSecret tells whether a variable of this name holds a secret.
func isSecret(name string) bool {
	for _, end := range []string{"KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD"} {
		if strings.HasSuffix(strings.ToUpper(name), end) {
			return true
		}
	}
	return false
}

// add remembers secrets in each form in which a message may show them. One or
// two letters would hide half of every message and protect nobody.
func (r *redactor) add(secrets ...string) {
	for _, secret := range secrets {
		forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(strconv.Quote(secret), `"`)}
		if decoded, err := url.PathUnescape(secret); err == nil {
			forms = append(forms, decoded)
		}
		for _, form := range forms {
			if utf8.RuneCountInString(form) > 2 && !slices.Contains(r.secrets, form) {
				r.secrets = append(r.secrets, form)
			}
		}
	}
	// The longest first: one may be part of another.
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
}

// redact returns a text without secrets.
func (r *redactor) redact(text string) string {
	for _, password := range passwordsIn(text) {
		if password == placeholder {
			continue
		}
		text = strings.ReplaceAll(text, ":"+password+"@", ":"+hidden+"@")
		text = strings.ReplaceAll(text, "="+password, "="+hidden)
	}
	for _, secret := range r.secrets {
		text = replaceWord(text, secret, hidden)
	}
	return access.Redact(text)
}

// passwordsIn finds what stands where the URLs in a text have their passwords. A password that should have been
// percent-encoded may hold any character, so it reaches to the last @ before a space or a quote.
func passwordsIn(text string) []string {
	var found []string
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "://")
		if !ok {
			break
		}
		rest = after
		token := upTo(after, " \t\r\n\"`")
		if at := strings.LastIndexByte(token, '@'); at >= 0 {
			if _, password, ok := strings.Cut(token[:at], ":"); ok && password != "" && password != hidden {
				found = append(found, password)
			}
		}
	}
	for rest := text; ; {
		_, after, ok := cutFold(rest, "password=")
		if !ok {
			return found
		}
		rest = after
		if password := upTo(rest, " \t\r\n\"`&"); password != "" && password != hidden {
			found = append(found, password)
		}
	}
}

// cutFold is strings.Cut for a separator of small ASCII letters, found in any case.
func cutFold(text, separator string) (before, after string, ok bool) {
	for i := 0; i+len(separator) <= len(text); i++ {
		if end := i + len(separator); text[i]|0x20 == separator[0] && strings.EqualFold(text[i:end], separator) {
			return text[:i], text[end:], true
		}
	}
	return text, "", false
}

func upTo(text, ends string) string {
	if i := strings.IndexAny(text, ends); i >= 0 {
		return text[:i]
	}
	return text
}

// replaceWord replaces a word where it stands alone: a password such as "post" does not change the word postgresql.
func replaceWord(text, word, with string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, word)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := i + len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[end:])
		b.WriteString(text[:i])
		if isLetter(before) || isLetter(after) {
			b.WriteString(word)
		} else {
			b.WriteString(with)
		}
		text = text[end:]
	}
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
