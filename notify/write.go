package notify

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alwrity/alwrity-sub/usage"
)

// Letter is a written message.
type Letter struct{ Subject, Text, HTML string }

// fact is a name and what it stands for.
type fact struct{ Name, Value string }

// Write writes the mail of a parcel: to the user or to the operators, or a digest.
func (t *Templates) Write(with *Settings, p Parcel) (Letter, error) {
	if len(p.Deliveries) > 1 {
		return t.writeDigest(with, p)
	}
	d := p.Head()
	name, data := string(d.Message.Kind), dataOf(with, d.Message)
	if d.Audience == ToOperators && forUsers(d.Message.Kind) {
		notice, err := t.line(name, noticeBlock, data)
		if err != nil {
			return Letter{}, err
		}
		return t.letter(operatorsFile, map[string]any{
			"sender": with.Mail.Sender(), "operators": true, "notice": notice, "headline": strings.TrimSuffix(notice, "."), "user": data["user"], "kind": name, "facts": factsOf(d.Message),
		})
	}
	data["operators"] = ""
	if d.Audience == ToOperators {
		data["operators"] = "yes"
	}
	return t.letter(name, data)
}

// letter writes the three parts with one template.
func (t *Templates) letter(name string, data any) (l Letter, err error) {
	if l.Subject, err = t.line(name, subjectBlock, data); err != nil {
		return l, err
	}
	if l.Text, err = t.block(name, bodyBlock, data); err != nil {
		return l, err
	}
	l.HTML, err = t.page(name, data)
	return l, err
}

// digestLines is how many messages a digest tells one by one.
const digestLines = 100

// digestItem is one message in a digest.
type digestItem struct{ When, Line string }

func (t *Templates) writeDigest(with *Settings, p Parcel) (Letter, error) {
	var items []digestItem
	for i := range p.Deliveries[:min(len(p.Deliveries), digestLines)] {
		d := &p.Deliveries[i]
		line, err := t.line(string(d.Message.Kind), lineFor(d.Audience), dataOf(with, d.Message))
		if err != nil {
			return Letter{}, err
		}
		items = append(items, digestItem{d.Message.At.UTC().Format("2 January, 15:04 UTC"), line})
	}
	return t.letter(digestFile, map[string]any{
		"sender": with.Mail.Sender(), "operators": p.Head().Audience == ToOperators, "user": clean(p.Head().Message.UserID),
		"count": len(p.Deliveries), "items": items, "more": len(p.Deliveries) - len(items),
	})
}

func lineFor(audience Audience) string {
	if audience == ToUser {
		return summaryBlock
	}
	return noticeBlock
}

// Notice writes one line about a message, for operators.
func (t *Templates) Notice(with *Settings, m Message) (string, error) {
	return t.line(string(m.Kind), noticeBlock, dataOf(with, m))
}

// WriteTest writes the mail that alerts test sends.
func (t *Templates) WriteTest(with *Settings) (Letter, error) {
	return t.letter(testFile, map[string]any{"sender": with.Mail.Sender(), "operators": true, "server": with.Mail.Host})
}

// dataOf returns what a template of a kind can name: the notice's data, and user, email,
// sender, payment (how to pay, line by line), message_kind and created_at.
func dataOf(with *Settings, m Message) map[string]string {
	data := map[string]string{}
	for name, value := range m.Data {
		data[name] = clean(value)
	}
	data["user"], data["email"], data["sender"] = clean(m.UserID), clean(m.Email), clean(with.Mail.Sender())
	data["payment"] = cleanLines(with.PaymentNote)
	data["message_kind"], data["created_at"] = string(m.Kind), m.At.UTC().Format(time.RFC3339)
	return data
}

// factsOf returns what a notice has in its data, in a fixed order, written for people.
func factsOf(m Message) []fact {
	facts := []fact{{"user", clean(m.UserID)}}
	for _, name := range slices.Sorted(maps.Keys(m.Data)) {
		value := clean(m.Data[name])
		switch {
		case value == "" || name == "meter" || name == "credited" && value == "0":
			continue
		case name == "total" || name == "price" || name == "credited":
			value = money(value)
		case name == "used" || name == "max":
			value = amount(m.Data["meter"], value)
		case strings.HasSuffix(name, "_at") || strings.HasPrefix(name, "period_"):
			value = momentText(value)
		case name == "percent":
			value += "%"
		}
		facts = append(facts, fact{words(name), value})
	}
	return facts
}

// samples are messages of each kind, as templates are tried out with.
func samples() []Message {
	data := map[usage.NoticeKind]map[string]string{
		usage.ThresholdReached: {"limit": "openai_calls", "meter": "calls", "action": "block", "used": "800", "max": "1000", "percent": "80",
			"period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z"},
		usage.LimitReached: {"limit": "monthly_cost", "meter": "cost", "action": "warn", "used": "25.1", "max": "25", "percent": "100",
			"period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z"},
		usage.RenewalSoon: {"plan": "Pro", "cycle": "monthly", "price": "29", "renews_at": "2026-12-01T00:00:00Z"},
		usage.Expired:     {"plan": "Pro", "ended_at": "2026-12-01T00:00:00Z"},
		usage.BillReady: {"number": "42", "kind": "bill", "plan": "Pro", "total": "29", "credited": "0", "period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z",
			"due_at": "2026-12-15T00:00:00Z", "status": "open"},
		usage.PastDue:        {"number": "42", "total": "29", "due_at": "2026-12-15T00:00:00Z", "suspends_at": "2026-12-29T00:00:00Z"},
		usage.Suspended:      {"number": "42", "total": "29", "due_at": "2026-12-15T00:00:00Z"},
		usage.ImportRejected: {"file": "calls.jsonl", "rejected": "3", "conflicts": "1", "read": "5000", "reason": "line 7: user_id is empty"},
		usage.PriceMissing:   {"provider": "openai", "model": "gpt-6", "user_id": "alice", "time": "2026-11-23T10:30:15Z"},
	}
	var messages []Message
	for i, kind := range Kinds() {
		m := Message{ID: int64(i + 1), Email: "alice@example.com", Notice: usage.Notice{Key: "sample:" + string(kind), Kind: kind, UserID: "alice",
			At: time.Date(2026, 11, 23, 10, 30, 15, 0, time.UTC), Data: data[kind]}}
		if !forUsers(kind) {
			m.UserID, m.Email = "", ""
		}
		messages = append(messages, m)
	}
	return messages
}
