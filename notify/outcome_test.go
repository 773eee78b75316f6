package notify

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

func TestRepliesOfMailServers(t *testing.T) {
	for _, c := range []struct {
		err     error
		want    outcomeKind
		trouble bool
	}{
		{&textproto.Error{Code: 450, Msg: "greylisted"}, retryLater, false},
		{&textproto.Error{Code: 421, Msg: "shutting down"}, retryLater, true},
		{&textproto.Error{Code: 452, Msg: "full"}, retryLater, false},
		{&textproto.Error{Code: 550, Msg: "no such user"}, rejected, false},
		{&textproto.Error{Code: 554, Msg: "spam"}, rejected, false},
		{&textproto.Error{Code: 530, Msg: "log in first"}, unavailable, false},
		{fmt.Errorf("wrapped: %w", &textproto.Error{Code: 552, Msg: "too large"}), rejected, false},
		{io.EOF, retryLater, true},
		{errors.New("anything"), retryLater, true},
	} {
		if v := replyOutcome(c.err, "it"); v.kind != c.want || v.serverFault != c.trouble || v.reason == "" {
			t.Errorf("%v: %+v", c.err, v)
		}
	}
	if v := senderOutcome(&textproto.Error{Code: 550, Msg: "who are you"}); v.kind != unavailable {
		t.Errorf("a sender who is refused: %+v", v)
	}
	if v := senderOutcome(&textproto.Error{Code: 451, Msg: "later"}); v.kind != retryLater {
		t.Errorf("a sender who has to wait: %+v", v)
	}
}

func TestAnswersOfWebhooks(t *testing.T) {
	for code, want := range map[int]outcomeKind{200: accepted, 204: accepted, 299: accepted, 301: retryLater,
		308: retryLater, 400: rejected, 401: retryLater, 404: retryLater, 408: retryLater,
		410: rejected, 413: rejected, 422: rejected, 429: retryLater, 500: retryLater, 503: retryLater} {
		v := statusOutcome(&http.Response{StatusCode: code, Status: fmt.Sprint(code),
			Header: http.Header{"Retry-After": {"90"}}}, "why\r\nnot")
		if v.kind != want {
			t.Errorf("%d: %+v", code, v)
		}
		if v.kind == retryLater && v.retryAfter != 90*time.Second {
			t.Errorf("%d: it waits %s", code, v.retryAfter)
		}
	}
}

// The example of docs/json.md.
func TestSignature(t *testing.T) {
	const want = "sha256=c910f546f45a1f047df6c632f317360f94e96abb331f0fb5beb57339b0a52402"
	got := Sign("a-secret", "1795430415", []byte(`{"id":"x"}`))
	if got != want || got == Sign("a-secret", "1795430416", []byte(`{"id":"x"}`)) ||
		got == Sign("b-secret", "1795430415", []byte(`{"id":"x"}`)) {
		t.Errorf("%s is not the signature %s that differs with all that is signed", got, want)
	}
}

func TestSlackText(t *testing.T) {
	if got := slackText("<!channel> & <b>"); got != "&lt;!channel&gt; &amp; &lt;b&gt;" {
		t.Error(got)
	}
}

// A server whose greeting has no end is given up, and its text is not kept.
func TestGreetingWithoutEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		for err == nil {
			_, err = conn.Write([]byte("220-" + strings.Repeat("x", 60_000)))
		}
	}()
	address := listener.Addr().(*net.TCPAddr)
	c := &connection{mail: &Mail{Host: "127.0.0.1", Port: address.Port, Timeout: time.Minute, TLS: TLSNone}}
	if err := c.open(t.Context()); !errors.Is(err, errEndless) {
		t.Errorf("%v", err)
	}
}
