package notify

import (
	"bytes"
	"flag"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

var update = flag.Bool("update", false, "write the golden files anew")

func testSettings() *Settings {
	return &Settings{Mail: Mail{Host: "mail.example.com",
		From: mail.Address{Name: "Example", Address: "billing@example.com"}, Timeout: time.Second},
		Operators: []string{"ops@example.com"}, OperatorKinds: DefaultOperatorKinds(), Zone: time.UTC,
		Redact: func(s string) string { return s }}
}

func builtInTemplates(t *testing.T) *Templates {
	t.Helper()
	templates, err := LoadTemplates("", testSettings())
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

// golden compares a text with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s differs (%v); look at it, then run: go test ./notify -update\n%s", path, err, got)
	}
}

func lettersText(l RenderedMail) string {
	return "Subject: " + l.Subject + "\n\n" + l.Text + "\n"
}

// What every message looks like: to the user, to the operators, and in a line.
func TestEveryKindReadsWell(t *testing.T) {
	templates, settings := builtInTemplates(t), testSettings()
	for _, m := range samples() {
		var all strings.Builder
		for _, audience := range []Audience{ToUser, ToOperators} {
			if audience == ToUser && !forUsers(m.Kind) {
				continue
			}
			letter, err := templates.RenderMail(settings, Batch{[]Delivery{{Message: m, Channel: Email, Audience: audience}}})
			if err != nil {
				t.Fatal(err)
			}
			all.WriteString("==== to the " + string(audience) + "\n" + lettersText(letter))
			if audience == ToUser {
				golden(t, string(m.Kind)+".html", letter.HTML)
			}
		}
		notification, err := templates.RenderLine(settings, m)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("==== in a line\n" + notification + "\n")
		golden(t, string(m.Kind)+".txt", all.String())
	}
}

func TestDigestReadsWell(t *testing.T) {
	templates, settings := builtInTemplates(t), testSettings()
	var all strings.Builder
	for _, audience := range []Audience{ToUser, ToOperators} {
		var members []Delivery
		for _, m := range samples() {
			members = append(members, Delivery{Message: m, Channel: Email, Audience: audience})
		}
		letter, err := templates.RenderMail(settings, Batch{members})
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString("==== to the " + string(audience) + "\n" + lettersText(letter))
		golden(t, "digest-"+string(audience)+".html", letter.HTML)
	}
	golden(t, "digest.txt", all.String())
	many := make([]Delivery, 250)
	for i := range many {
		many[i] = Delivery{Message: samples()[0], Audience: ToUser}
	}
	letter, err := templates.RenderMail(settings, Batch{many})
	if err != nil || strings.Count(letter.Text, "80% of your") != maxDigestItems ||
		!strings.Contains(letter.Text, "… and 150 more.") {
		t.Errorf("a digest of many (%v):\n%s", err, letter.Text)
	}
}

// A plan that lets calls go on says so, and a credit note gives money back.
func TestOtherWords(t *testing.T) {
	templates, settings := builtInTemplates(t), testSettings()
	var all strings.Builder
	for _, c := range []struct {
		kind usage.NotificationKind
		data map[string]string
	}{
		{usage.ThresholdReached, map[string]string{"overage": "allow"}},
		{usage.LimitReached, map[string]string{"overage": "allow", "action": "block"}},
		{usage.LimitReached, map[string]string{"action": "block"}},
		{usage.BillReady, map[string]string{"kind": "credit_note", "total": "-29", "status": "paid"}},
		{usage.BillReady, map[string]string{"kind": "credit_note", "total": "0", "credited": "79", "status": "paid"}},
		{usage.BillReady, map[string]string{"kind": "credit_note", "total": "-59", "credited": "20.004999",
			"status": "paid"}},
		{usage.BillReady, map[string]string{"kind": "credit_note", "total": "0", "credited": "-721.8123", "status": "paid"}},
		{usage.BillReady, map[string]string{"kind": "credit_note", "total": "0", "credited": "", "plan": "",
			"status": "paid"}},
		{usage.LimitReached, map[string]string{"used": "3.4278", "max": "3.333333333333"}},
		{usage.BillReady, map[string]string{"total": "0", "status": "paid"}},
		{usage.PastDue, map[string]string{"suspends_at": ""}},
	} {
		for _, m := range samples() {
			if m.Kind != c.kind {
				continue
			}
			maps.Copy(m.Data, c.data)
			letter, err := templates.RenderMail(settings, Batch{[]Delivery{{Message: m, Channel: Email, Audience: ToUser}}})
			if err != nil {
				t.Fatal(err)
			}
			all.WriteString("==== " + string(c.kind) + "\n" + lettersText(letter))
		}
	}
	golden(t, "other-words.txt", all.String())
}

// Where it is known how a bill is paid, mails that ask for money say it; without a name of
// its own, the address is signed for by the company.
func TestHowToPay(t *testing.T) {
	settings := testSettings()
	settings.Mail.From.Name, settings.Mail.Company = "", "Words & Co"
	settings.PaymentNote = `Transfer it to DE02 1203 0000.\n<b>Name</b> the number.`
	templates, err := LoadTemplates("", settings)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range samples() {
		letter, err := templates.RenderMail(settings, Batch{[]Delivery{{Message: m, Channel: Email, Audience: ToUser}}})
		if err != nil {
			t.Fatal(err)
		}
		want := m.Kind == usage.BillReady || m.Kind == usage.PastDue || m.Kind == usage.Suspended
		inText := strings.Contains(letter.Text,
			"How to pay:\n\n  Transfer it to DE02 1203 0000.\n  <b>Name</b> the number.\n\n")
		inPage := strings.Contains(letter.HTML,
			"<br>Transfer it to DE02 1203 0000.<br>&lt;b&gt;Name&lt;/b&gt; the number.</p>")
		if inText != want || inPage != want || !strings.HasSuffix(letter.Text, "\n\nWords & Co") {
			t.Errorf("%s says how to pay: %t in the text, %t on the page, want %t\n%s", m.Kind, inText, inPage, want,
				letter.Text)
		}
	}
}

func TestWhatDidNotArriveIsCounted(t *testing.T) {
	for _, c := range []struct {
		summary Summary
		want    string
	}{
		{Summary{Dead: 1}, "1 message could not be delivered: "},
		{Summary{Dead: 2000, Unconfirmed: 1},
			"2,000 messages could not be delivered, 1 message may or may not have been delivered: "},
		{Summary{Unconfirmed: 3}, "3 messages may or may not have been delivered: "},
	} {
		if err := c.summary.Failure(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// What is left to chance in a notification's data breaks no template.
func TestMissingDataIsNoFailure(t *testing.T) {
	templates := builtInTemplates(t)
	for _, m := range samples() {
		m.Data = map[string]string{"total": "a lot", "due_at": "soon", "used": "some", "price": ""}
		for _, audience := range []Audience{ToUser, ToOperators} {
			letter, err := templates.RenderMail(testSettings(), Batch{[]Delivery{{Message: m, Audience: audience}}})
			if err != nil || letter.Subject == "" || strings.Contains(letter.Text, "<no value>") ||
				strings.Contains(letter.HTML, "no value") {
				t.Errorf("%s (%v):\n%s\n%s", m.Kind, err, letter.Text, letter.HTML)
			}
		}
	}
}

// What users are called can do nothing: no header, no line, no markup of its own.
func TestHostileNames(t *testing.T) {
	templates, settings := builtInTemplates(t), testSettings()
	evil := "x\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>\u202e\x00"
	for _, m := range samples() {
		m.UserID = evil
		for name := range m.Data {
			m.Data[name] = evil
		}
		for _, audience := range []Audience{ToUser, ToOperators} {
			letter, err := templates.RenderMail(settings, Batch{[]Delivery{{Message: m, Audience: audience}}})
			if err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(letter.Subject, "\r\n\x00") || strings.Contains(letter.Text, "\r") ||
				strings.Contains(letter.Text, "\nBcc:") || strings.Contains(letter.Text, "\u202e") {
				t.Errorf("%s has lines of a user in it:\n%q", m.Kind, letter.Subject+letter.Text)
			}
			if strings.Contains(letter.HTML, "<script") {
				t.Errorf("%s has markup of a user in it", m.Kind)
			}
			raw, err := settings.Mail.compose(&mail.Address{Address: "a@example.com"}, "ref", m.At, letter)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := mail.ReadMessage(bytes.NewReader(raw))
			if err != nil || parsed.Header.Get("Bcc") != "" {
				t.Errorf("%s: %v, Bcc %q", m.Kind, err, parsed.Header.Get("Bcc"))
			}
		}
	}
}

// A mail is what other programs understand: headers, and both parts as they were written.
func TestComposedMailIsRead(t *testing.T) {
	settings := testSettings()
	letter := RenderedMail{Subject: "Grüße: 100% – " + strings.Repeat("lang ", 30),
		Text: "Größe\n.\n..punkt\n" + strings.Repeat("ü", 300), HTML: "<p>é</p>"}
	raw, err := settings.Mail.compose(&mail.Address{Address: "zoë@example.com"}, "abc",
		time.Date(2026, 11, 23, 10, 30, 15, 0, time.UTC), letter)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 998 || strings.Contains(line, "\n") {
			t.Errorf("the line %q is none that SMTP takes", line)
		}
	}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	decoder := mime.WordDecoder{}
	for name, want := range map[string]string{"Subject": letter.Subject, "Message-Id": "<abc@example.com>",
		"Date": "Mon, 23 Nov 2026 10:30:15 +0000",
		"From": `"Example" <billing@example.com>`, "Auto-Submitted": "auto-generated"} {
		got, err := decoder.DecodeHeader(msg.Header.Get(name))
		if err != nil || strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s is %q (%v), want %q", name, got, err, want)
		}
	}
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for _, want := range []string{letter.Text, letter.HTML} {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil || strings.TrimSpace(strings.ReplaceAll(string(got), "\r\n", "\n")) != strings.TrimSpace(want) {
			t.Errorf("a part is %q (%v), want %q", got, err, want)
		}
	}
}

// The same batch always has the same name, and no two have one.
func TestReferences(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range samples() {
		for _, d := range []Delivery{
			{ID: 1, Message: m, Channel: Email, Recipient: "a@example.com"},
			{ID: 2, Message: m, Channel: Email, Recipient: "a@example.com"},
			{ID: 1, Message: m, Channel: Email, Recipient: "b@example.com"},
			{ID: 1, Message: m, Channel: Email, Recipient: "a@example.com", Digest: 1},
		} {
			name := Batch{[]Delivery{d}}.reference()
			d.Attempts, d.Status, d.LastError = 5, Sending, "x"
			if again := (Batch{[]Delivery{d}}).reference(); again != name || seen[name] {
				t.Errorf("%s is no name: again it is %s, seen before: %t", name, again, seen[name])
			}
			seen[name] = true
		}
	}
}

func TestWhoGetsWhat(t *testing.T) {
	s := testSettings()
	s.Webhooks, s.Slack = []Endpoint{{"https://a.example/x"}, {"https://b.example/x"}},
		[]Endpoint{{"https://hooks.slack.example/T/B/secret"}}
	for _, m := range samples() {
		var got []string
		for _, d := range s.deliveries(m) {
			name, _, _ := strings.Cut(d.Recipient, "#")
			got = append(got, string(d.Channel)+" "+name)
			if strings.Contains(d.Recipient, "secret") || d.Status != Waiting {
				t.Errorf("%+v", d)
			}
		}
		want := []string{"email alice@example.com", "email ops@example.com", "slack hooks.slack.example", "webhook a.example",
			"webhook b.example"}
		switch m.Kind {
		case usage.ThresholdReached, usage.RenewalSoon, usage.BillReady:
			want = append(want[:1], want[3:]...)
		case usage.ImportRejected, usage.PriceMissing:
			want = want[1:]
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%s goes to %v, want %v", m.Kind, got, want)
		}
	}
	if got := s.deliveries(Message{Notification: usage.Notification{Kind: "from_the_future", UserID: "alice"},
		Email: "a@example.com"}); len(got) != 1 || got[0].Status != Skipped {
		t.Errorf("what is not known goes to %+v", got)
	}
	m := samples()[1]
	m.Email = "ops@example.com" // one and the same person gets one mail
	if got := s.deliveries(m); got[0].Audience != ToUser || got[1].Channel != Slack {
		t.Errorf("an operator who is the user gets %+v", got)
	}
	m.Email = ""
	if got := s.deliveries(m); got[0].Status != Skipped || got[0].LastError != "the user alice has no email address" {
		t.Errorf("a user without an address gets %+v", got[0])
	}
	s.Mail.Host = ""
	if got := s.deliveries(samples()[1]); got[0].Status != Waiting || !got[0].Held {
		t.Errorf("without a mail server: %+v", got[0])
	}
}
