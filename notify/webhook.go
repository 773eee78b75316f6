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

	"github.com/alwrity/alwrity-sub/failure"
)

// The headers of a webhook.
const (
	HeaderID        = "Alwrity-Id"
	HeaderTimestamp = "Alwrity-Timestamp"
	HeaderSignature = "Alwrity-Signature"
)

// Sign returns the signature of a webhook: HMAC-SHA256 over the timestamp, a dot and the body. The timestamp is in
// it so that nobody can replay an old message.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// webhookBody is what a webhook receives.
type webhookBody struct {
	ID        string            `json:"id"`
	Type      string            `json:"type"`
	CreatedAt time.Time         `json:"created_at"`
	UserID    *string           `json:"user_id"`
	Text      string            `json:"text"`
	Data      map[string]string `json:"data"`
}

// webhookTransport posts to a webhook or to Slack.
type webhookTransport struct {
	settings  *Settings
	templates *Templates
	endpoint  Endpoint
	slack     bool
	client    *http.Client
}

func newWebhookTransport(s *Settings, t *Templates, e Endpoint, slack bool) *webhookTransport {
	return &webhookTransport{settings: s, templates: t, endpoint: e, slack: slack, client: &http.Client{
		Timeout: s.Timeout,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConns: 1, IdleConnTimeout: s.Timeout,
			TLSHandshakeTimeout: s.Timeout},
		// What was signed for one place is not sent to another.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (t *webhookTransport) close() { t.client.CloseIdleConnections() }

func (t *webhookTransport) send(ctx context.Context, b Batch, at time.Time, begin func() error) outcome {
	body, err := t.body(b)
	if err != nil {
		return outcome{kind: aborted, err: err}
	}
	if err := begin(); err != nil {
		return notBegun(err)
	}
	// An interrupt still waits for the answer, which does not take long.
	return t.post(context.WithoutCancel(ctx), b.reference(), at, body)
}

// sendTest posts a test message.
func (t *webhookTransport) sendTest(ctx context.Context, at time.Time) outcome {
	name := "test-" + rand.Text()
	const text = "This is a test of alwrity-sub."
	var content any = map[string]string{"text": text}
	if !t.slack {
		content = webhookBody{ID: name, Type: testKind, CreatedAt: at, Text: text, Data: map[string]string{}}
	}
	body, err := json.Marshal(content)
	if err != nil {
		return outcome{kind: retryLater, reason: err.Error()}
	}
	return t.post(ctx, name, at, body)
}

func (t *webhookTransport) post(ctx context.Context, id string, at time.Time, body []byte) outcome {
	request, err := t.request(ctx, id, at, body)
	if err != nil {
		return outcome{kind: retryLater, reason: "the URL can't be used", serverFault: true}
	}
	response, err := t.client.Do(request)
	if err != nil {
		return outcome{kind: retryLater, reason: describe(withoutURL(err)), serverFault: true}
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes)) // it only explains a rejection
	return statusOutcome(response, string(answer))
}

const maxAnswerBytes = 4096

// withoutURL drops the URL, which may be a secret, from an error of the HTTP client.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

func (t *webhookTransport) body(b Batch) ([]byte, error) {
	m := b.First().Message
	text, err := t.templates.RenderLine(t.settings, m)
	if err != nil {
		return nil, err
	}
	if t.slack {
		return json.Marshal(map[string]string{"text": slackText(text)})
	}
	body := webhookBody{ID: b.reference(), Type: string(m.Kind), CreatedAt: m.At, Text: text, Data: m.Data}
	if m.UserID != "" {
		body.UserID = &m.UserID
	}
	return json.Marshal(body)
}

// slackText escapes what Slack would take for markup.
func slackText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func (t *webhookTransport) request(ctx context.Context, id string, at time.Time, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.endpoint.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "alwrity-sub")
	if !t.slack {
		timestamp := strconv.FormatInt(at.Unix(), 10)
		request.Header.Set(HeaderID, id)
		request.Header.Set(HeaderTimestamp, timestamp)
		request.Header.Set(HeaderSignature, Sign(t.settings.Secret, timestamp, body))
	}
	return request, nil
}

// statusOutcome is the outcome of an answer. A status that says that this message, or any at all, will never be
// accepted is for good; anything else may be fixed on the other side.
func statusOutcome(response *http.Response, answer string) outcome {
	code := response.StatusCode
	if code >= 200 && code <= 299 {
		return outcome{kind: accepted}
	}
	reason := "the answer is " + response.Status
	if answer = oneLine(answer); answer != "" {
		reason += ": " + failure.Shorten(answer)
	}
	never := []int{http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}
	if slices.Contains(never, code) {
		return outcome{kind: rejected, reason: reason}
	}
	if code >= 300 && code <= 399 {
		reason += "; redirects are not followed"
	}
	o := outcome{kind: retryLater, reason: reason, serverFault: true}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		o.retryAfter = min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	return o
}
