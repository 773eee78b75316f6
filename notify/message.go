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

// reference names a parcel to the other side: always the same for the same one, so that
// who gets it a second time can tell, and never the same for two, also of two
// installations.
func (p Parcel) reference() string {
	d := p.Head()
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n%d\n%s\n%s", d.ID, d.Message.Key, d.Message.At.UTC().Format(time.RFC3339Nano), d.Digest, d.Channel, d.Recipient))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// compose makes a mail as it is sent, with lines that end as SMTP wants them.
func (m *Mail) compose(to *netmail.Address, reference string, at time.Time, letter Letter) ([]byte, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP), mail.WithBoundary("part-"+reference))
	msg.FromMailAddress(&m.From)
	msg.ToMailAddress(to)
	msg.Subject(letter.Subject)
	msg.SetMessageIDWithValue(reference + "@" + domainOf(m.From.Address))
	msg.SetDateWithValue(at)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // no out-of-office replies
	msg.SetBodyString(mail.TypeTextPlain, letter.Text+"\n")
	msg.AddAlternativeString(mail.TypeTextHTML, letter.HTML)
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
