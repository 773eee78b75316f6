package notify

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"testing"
	"time"
)

func TestRepliesOfMailServers(t *testing.T) {
	for _, c := range []struct {
		err     error
		want    verdictKind
		trouble bool
	}{
		{&textproto.Error{Code: 450, Msg: "greylisted"}, again, false},
		{&textproto.Error{Code: 421, Msg: "shutting down"}, again, true},
		{&textproto.Error{Code: 452, Msg: "full"}, again, false},
		{&textproto.Error{Code: 550, Msg: "no such user"}, refused, false},
		{&textproto.Error{Code: 554, Msg: "spam"}, refused, false},
		{&textproto.Error{Code: 530, Msg: "log in first"}, down, false},
		{fmt.Errorf("wrapped: %w", &textproto.Error{Code: 552, Msg: "too large"}), refused, false},
		{io.EOF, again, true},
		{errors.New("anything"), again, true},
	} {
		if v := fromReply(c.err, "it"); v.kind != c.want || v.trouble != c.trouble || v.reason == "" {
			t.Errorf("%v: %+v", c.err, v)
		}
	}
	if v := fromSender(&textproto.Error{Code: 550, Msg: "who are you"}); v.kind != down {
		t.Errorf("a sender who is refused: %+v", v)
	}
	if v := fromSender(&textproto.Error{Code: 451, Msg: "later"}); v.kind != again {
		t.Errorf("a sender who has to wait: %+v", v)
	}
}

func TestAnswersOfWebhooks(t *testing.T) {
	for code, want := range map[int]verdictKind{200: taken, 204: taken, 299: taken, 301: again, 308: again, 400: refused, 401: again, 404: again, 408: again,
		410: refused, 413: refused, 422: refused, 429: again, 500: again, 503: again} {
		v := fromStatus(&http.Response{StatusCode: code, Status: fmt.Sprint(code), Header: http.Header{"Retry-After": {"90"}}}, "why\r\nnot")
		if v.kind != want {
			t.Errorf("%d: %+v", code, v)
		}
		if v.kind == again && v.wait != 90*time.Second {
			t.Errorf("%d: it waits %s", code, v.wait)
		}
	}
}

// The example of docs/json.md.
func TestSignature(t *testing.T) {
	const want = "sha256=c910f546f45a1f047df6c632f317360f94e96abb331f0fb5beb57339b0a52402"
	got := Sign("a-secret", "1795430415", []byte(`{"id":"x"}`))
	if got != want || got == Sign("a-secret", "1795430416", []byte(`{"id":"x"}`)) || got == Sign("b-secret", "1795430415", []byte(`{"id":"x"}`)) {
		t.Errorf("%s is not the signature %s that differs with all that is signed", got, want)
	}
}

func TestSlackText(t *testing.T) {
	if got := slackText("<!channel> & <b>"); got != "&lt;!channel&gt; &amp; &lt;b&gt;" {
		t.Error(got)
	}
}
