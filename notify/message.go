package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// reference names a batch to the other side. It is always the same for the same batch, so that whoever gets it a
// second time can tell, and never the same for two batches, even of two installations.
func (b Batch) reference() string {
	d := b.First()
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n%d\n%s\n%s",
		d.ID, d.Message.Key, d.Message.At.UTC().Format(time.RFC3339Nano), d.Digest, d.Channel, d.Recipient))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// compose makes the text of a mail, with the line ends that SMTP wants.
func (m *Mail) compose(to *netmail.Address, reference string, at time.Time, content RenderedMail) ([]byte, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP),
		mail.WithBoundary("part-"+reference))
	msg.FromMailAddress(&m.From)
	msg.ToMailAddress(to)
	msg.Subject(content.Subject)
	msg.SetMessageIDWithValue(reference + "@" + domainOf(m.From.Address))
	msg.SetDateWithValue(at)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // no out-of-office replies
	msg.SetBodyString(mail.TypeTextPlain, content.Text+"\n")
	msg.AddAlternativeString(mail.TypeTextHTML, content.HTML)
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
