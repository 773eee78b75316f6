package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// What is passed on of a request's header, and of an answer's, to every upstream. A * at the end stands for more.
var (
	passedOn = []string{ // read-only
		"accept", "content-type", "anthropic-version", "anthropic-beta", "openai-beta",
		"traceparent", "tracestate",
	}
	passedBack = []string{ // read-only
		"content-type", "content-disposition", "content-language", "retry-after", "retry-after-ms",
		"x-should-retry", "request-id", "finish-reason", "seed", "x-ratelimit-*", "ratelimit-*", "anthropic-ratelimit-*",
		"openai-processing-ms", "openai-version", "openai-model",
	}
)

// secretHeaders are never passed on, whatever a file says: credentials, and who and where the caller is.
var secretHeaders = []string{ // read-only
	"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key",
	"xi-api-key", "cookie", "set-cookie", "forwarded", "x-forwarded-*", "x-real-ip", "via", "host", "connection", "te",
	"trailer", "transfer-encoding", "upgrade", "keep-alive", "content-length", "content-encoding", "accept-encoding",
	"x-alwrity-*", "*",
}

func isSecretHeader(name string) bool { return isOneOf(name, secretHeaders) || name == "" }

// isOneOf tells whether a header is on a list.
func isOneOf(name string, list []string) bool {
	return slices.ContainsFunc(list, func(want string) bool {
		begin, more := strings.CutSuffix(want, "*")
		return name == want || more && begin != "" && strings.HasPrefix(name, begin)
	})
}

// copyHeaders copies what is on one of the lists.
func copyHeaders(to, from http.Header, lists ...[]string) {
	for name, values := range from {
		lower := strings.ToLower(name)
		if !isSecretHeader(lower) && slices.ContainsFunc(lists, func(l []string) bool { return isOneOf(lower, l) }) {
			to[name] = slices.Clone(values)
		}
	}
}

// credentials are the parameters in which callers send a credential.
var credentials = []string{"key", "api_key", "apikey", "api-key", "access_token", "token"} // read-only

// queryWithout returns a query without the credentials in it.
func queryWithout(query string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if pair == "" || err != nil || slices.Contains(credentials, strings.ToLower(plain)) {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}

// Credential returns the token with which a caller shows who it is, as the libraries of the vendors send keys; "" for
// none.
func Credential(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	for _, name := range []string{"X-Api-Key", "X-Goog-Api-Key", "Api-Key", "Xi-Api-Key"} {
		if token := r.Header.Get(name); token != "" {
			return strings.TrimSpace(token)
		}
	}
	query := r.URL.Query()
	for _, name := range credentials {
		if token := query.Get(name); token != "" {
			return token
		}
	}
	return ""
}
