package notify

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
	"github.com/alwrity/alwrity-sub/usage"
)

// RenderedMail is the content of a mail.
type RenderedMail struct{ Subject, Text, HTML string }

// detail is a line of a mail to operators.
type detail struct{ Name, Value string }

// RenderMail writes the mail of a batch: to the user, to the operators, or a digest.
func (t *Templates) RenderMail(with *Settings, b Batch) (RenderedMail, error) {
	m, err := t.renderMail(with, b)
	m.Subject = with.marked(m.Subject)
	return m, err
}

func (t *Templates) renderMail(with *Settings, b Batch) (RenderedMail, error) {
	if len(b.Deliveries) > 1 {
		return t.renderDigest(with, b)
	}
	d := b.First()
	name, data := string(d.Message.Kind), templateData(with, d.Message, d.Audience)
	if d.Audience == ToOperators && forUsers(d.Message.Kind) {
		line, err := t.line(name, operatorBlock, data)
		if err != nil {
			return RenderedMail{}, err
		}
		return t.render(operatorsFile, map[string]any{
			"sender": with.Mail.SenderName(), "operators": true, "notice": line, "headline": strings.TrimSuffix(line, "."),
			"user": data["user"], "kind": name, "facts": detailsOf(d.Message),
		})
	}
	data["operators"] = ""
	if d.Audience == ToOperators {
		data["operators"] = "yes"
	}
	return t.render(name, data)
}

// render writes the three parts with one template.
func (t *Templates) render(name string, data any) (m RenderedMail, err error) {
	if m.Subject, err = t.line(name, subjectBlock, data); err != nil {
		return m, err
	}
	if m.Text, err = t.block(name, bodyBlock, data); err != nil {
		return m, err
	}
	m.HTML, err = t.page(name, data)
	return m, err
}

// maxDigestItems is how many messages a digest lists one by one.
const maxDigestItems = 100

// digestItem is one message in a digest.
type digestItem struct{ When, Line string }

func (t *Templates) renderDigest(with *Settings, b Batch) (RenderedMail, error) {
	var items []digestItem
	for i := range b.Deliveries[:min(len(b.Deliveries), maxDigestItems)] {
		d := &b.Deliveries[i]
		line, err := t.line(string(d.Message.Kind), digestBlock(d.Audience),
			templateData(with, d.Message, d.Audience))
		if err != nil {
			return RenderedMail{}, err
		}
		items = append(items, digestItem{d.Message.At.UTC().Format("2 January, 15:04 UTC"), line})
	}
	return t.render(digestFile, map[string]any{
		"sender": with.Mail.SenderName(), "operators": b.First().Audience == ToOperators,
		"user":  oneLine(b.First().Message.UserID),
		"count": len(b.Deliveries), "items": items, "more": len(b.Deliveries) - len(items),
	})
}

func digestBlock(audience Audience) string {
	if audience == ToUser {
		return summaryBlock
	}
	return operatorBlock
}

// RenderLine writes one line about a message, for operators.
func (t *Templates) RenderLine(with *Settings, m Message) (string, error) {
	line, err := t.line(string(m.Kind), operatorBlock, templateData(with, m, ToOperators))
	return with.marked(line), err
}

// marked returns a line that goes out, with a mark where it is about nothing real.
func (s *Settings) marked(line string) string {
	if s.Rehearsal {
		return "[REHEARSAL] " + line
	}
	return line
}

// RenderTestMail writes the mail of a test.
func (t *Templates) RenderTestMail(with *Settings) (RenderedMail, error) {
	return t.render(testFile, map[string]any{
		"sender": with.Mail.SenderName(), "operators": true, "server": with.Mail.Host,
	})
}

// templateData returns what the templates of a kind can name: the notification's data, and user, email, sender,
// payment (how to pay, line by line), message_kind and created_at. Users are not told what their usage costs: of a
// limit of cost they get the share that is used.
func templateData(with *Settings, m Message, audience Audience) map[string]string {
	data := map[string]string{}
	for name, value := range m.Data {
		data[name] = oneLine(value)
	}
	if audience == ToUser && data["meter"] == string(plan.Cost) {
		data["used"], data["max"] = data["percent"]+"%", "100%"
	}
	data["user"], data["email"], data["sender"] = oneLine(m.UserID), oneLine(m.Email), oneLine(with.Mail.SenderName())
	data["payment"] = cleanLines(with.PaymentNote)
	data["message_kind"], data["created_at"] = string(m.Kind), m.At.UTC().Format(time.RFC3339)
	return data
}

// detailsOf returns a notification's data in a fixed order, written for people.
func detailsOf(m Message) []detail {
	facts := []detail{{"user", oneLine(m.UserID)}}
	for _, name := range slices.Sorted(maps.Keys(m.Data)) {
		value := oneLine(m.Data[name])
		switch {
		case value == "" || name == "meter" || name == "credited" && value == "0":
			continue
		case name == "total" || name == "price" || name == "credited":
			value = money(value)
		case name == "used" || name == "max":
			value = meterAmount(m.Data["meter"], value)
		case strings.HasSuffix(name, "_at") || strings.HasPrefix(name, "period_"):
			value = minuteText(value)
		case name == "percent":
			value += "%"
		}
		facts = append(facts, detail{strings.ReplaceAll(name, "_", " "), value})
	}
	return facts
}

// samples are messages of each kind, to check templates with.
func samples() []Message {
	const start, end, due = "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-15T00:00:00Z"
	data := map[usage.NotificationKind]map[string]string{
		usage.ThresholdReached: {"limit": "openai_calls", "meter": "calls", "action": "block", "used": "800",
			"max": "1000", "percent": "80", "period_start": start, "period_end": end},
		usage.LimitReached: {"limit": "monthly_cost", "meter": "cost", "action": "warn", "used": "25.1",
			"max": "25", "percent": "100", "period_start": start, "period_end": end},
		usage.RenewalSoon: {"plan": "Pro", "cycle": "monthly", "price": "29", "renews_at": end},
		usage.Expired:     {"plan": "Pro", "ended_at": end},
		usage.BillReady: {"number": "42", "kind": "bill", "plan": "Pro", "total": "29", "credited": "0",
			"period_start": start, "period_end": end, "due_at": due, "status": "open"},
		usage.PastDue:   {"number": "42", "total": "29", "due_at": due, "suspends_at": "2026-12-29T00:00:00Z"},
		usage.Suspended: {"number": "42", "total": "29", "due_at": due},
		usage.ImportRejected: {"file": "calls.jsonl", "rejected": "3", "conflicts": "1", "read": "5000",
			"reason": "line 7: user_id is empty"},
		usage.PriceMissing: {"provider": "openai", "model": "gpt-6", "user_id": "alice", "time": "2026-11-23T10:30:15Z"},
	}
	var messages []Message
	for i, kind := range Kinds() {
		m := Message{ID: int64(i + 1), Email: "alice@example.com", Notification: usage.Notification{
			Key: "sample:" + string(kind), Kind: kind, UserID: "alice",
			At: time.Date(2026, 11, 23, 10, 30, 15, 0, time.UTC), Data: data[kind]}}
		if !forUsers(kind) {
			m.UserID, m.Email = "", ""
		}
		messages = append(messages, m)
	}
	return messages
}
