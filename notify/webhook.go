package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// The headers of a webhook.
const (
	HeaderID        = "Alwrity-Id"
	HeaderTimestamp = "Alwrity-Timestamp"
	HeaderSignature = "Alwrity-Signature"
)

// Sign returns the signature of a webhook: HMAC-SHA256 over the timestamp, a dot and
// the body. The timestamp is in it so that nobody can send an old message again.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// webhookBody is what a webhook gets.
type webhookBody struct {
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	CreatedAt time.Time         `json:"created_at"`
	UserID    *string           `json:"user_id"`
	Text      string            `json:"text"`
	Data      map[string]string `json:"data"`
}

// endpointCarrier posts to a webhook or to Slack.
type endpointCarrier struct {
	settings  *Settings
	templates *Templates
	endpoint  Endpoint
	slack     bool
	client    *http.Client
}

func newEndpointCarrier(s *Settings, t *Templates, e Endpoint, slack bool) *endpointCarrier {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConns: 1, IdleConnTimeout: s.Timeout, TLSHandshakeTimeout: s.Timeout}
	return &endpointCarrier{s, t, e, slack, &http.Client{
		Timeout: s.Timeout, Transport: transport,
		// What was signed for one place is not carried to another.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *endpointCarrier) close() { c.client.CloseIdleConnections() }

func (c *endpointCarrier) carry(ctx context.Context, p Parcel, at time.Time, begin func() error) verdict {
	body, err := c.body(p)
	if err != nil {
		return verdict{kind: abandoned, err: err}
	}
	if err := begin(); err != nil {
		return beginning(err)
	}
	// Interrupted, it still waits for the answer, which does not take long.
	return c.post(context.WithoutCancel(ctx), p.reference(), at, body)
}

// test posts what is no message.
func (c *endpointCarrier) test(ctx context.Context, at time.Time) verdict {
	name := "test-" + rand.Text()
	const text = "This is a test of alwrity-sub."
	var content any = map[string]string{"text": text}
	if !c.slack {
		content = webhookBody{ID: name, Type: testKind, CreatedAt: at, Text: text, Data: map[string]string{}}
	}
	body, err := json.Marshal(content)
	if err != nil {
		return verdict{kind: again, reason: err.Error()}
	}
	return c.post(ctx, name, at, body)
}

// post posts a body and judges the answer.
func (c *endpointCarrier) post(ctx context.Context, id string, at time.Time, body []byte) verdict {
	request, err := c.request(ctx, id, at, body)
	if err != nil {
		return verdict{kind: again, reason: "the URL can't be used", trouble: true}
	}
	response, err := c.client.Do(request)
	if err != nil {
		return verdict{kind: again, reason: reasonOf(withoutURL(err)), trouble: true}
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, longestAnswer)) // it only explains a refusal
	return fromStatus(response, string(answer))
}

const longestAnswer = 4096

// withoutURL drops the URL, which may be a secret, from an error of the client.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// body writes what is posted.
func (c *endpointCarrier) body(p Parcel) ([]byte, error) {
	m := p.Head().Message
	text, err := c.templates.Notice(c.settings, m)
	if err != nil {
		return nil, err
	}
	if c.slack {
		return json.Marshal(map[string]string{"text": slackText(text)})
	}
	body := webhookBody{ID: p.reference(), Type: string(m.Kind), CreatedAt: m.At, Text: text, Data: m.Data}
	if m.UserID != "" {
		body.UserID = &m.UserID
	}
	return json.Marshal(body)
}

// slackText escapes what Slack would take for markup.
func slackText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func (c *endpointCarrier) request(ctx context.Context, id string, at time.Time, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "alwrity-sub")
	if !c.slack {
		timestamp := strconv.FormatInt(at.Unix(), 10)
		request.Header.Set(HeaderID, id)
		request.Header.Set(HeaderTimestamp, timestamp)
		request.Header.Set(HeaderSignature, Sign(c.settings.Secret, timestamp, body))
	}
	return request, nil
}

// fromStatus judges an answer. What says that this message, or anything at all, will
// never be taken is for good; all else may be mended on the other side.
func fromStatus(response *http.Response, answer string) verdict {
	code := response.StatusCode
	if code >= 200 && code <= 299 {
		return verdict{kind: taken}
	}
	reason := "the answer is " + response.Status
	if answer = clean(answer); answer != "" {
		reason += ": " + pricing.Shorten(answer)
	}
	never := []int{http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}
	if slices.Contains(never, code) {
		return verdict{kind: refused, reason: reason}
	}
	if code >= 300 && code <= 399 {
		reason += "; redirects are not followed"
	}
	v := verdict{kind: again, reason: reason, trouble: true}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		v.wait = min(time.Duration(seconds)*time.Second, longestWished)
	}
	return v
}
