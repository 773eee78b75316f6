package wire

import (
	"bytes"
	"mime"
	"net/http"
	"strings"
)

// Meter reads an answer as it passes, and says what it has used. It is for one answer, and one caller at a time. What
// it keeps does not grow with the answer.
type Meter struct {
	r        reading
	scan     scanner
	events   events
	carries  carries
	isOver   bool
	isText   bool    // other bytes are a text
	any      bool    // something has passed
	head     [8]byte // the first bytes of an event's data
	headSize int

	drops  bool   // the usage that we asked for is taken out
	held   []byte // of an event that may be that
	keeps  bool   // the event is not
	out    []byte // what goes on, and then from the bytes that came (all) those from … to
	all    []byte
	from   int
	to     int
	cutsLF bool // the last event was taken out, and with it a line feed that is still to come
}

// carries is how an answer comes.
type carries uint8

const (
	wholeJSON carries = iota
	jsonList          // of what would be events
	eventStream
	otherBytes // audio, images, plain text
)

// mostHeld is far above the size of an event that has nothing but usage, which is about 600 bytes.
const mostHeld = 64 << 10

// Stream returns a meter for an answer that comes in pieces. The content type is the answer's: a request for a stream
// may be answered by a whole JSON text, and the other way round.
func (f *Format) Stream(ask Ask, status int, contentType string) *Meter {
	m := &Meter{r: reading{format: f, ask: ask, failed: status >= 400}}
	m.scan.to = &m.r
	m.scan.root = f.answer
	switch kind, _, _ := mime.ParseMediaType(contentType); {
	case kind == "text/event-stream", kind == "" && ask.Stream && !f.listed:
		m.carries, m.scan.root = eventStream, f.event
		m.r.isEvent = true
		m.drops = ask.UsageAdded && !ask.UsageAsked
		m.events.data, m.events.end = m.data, m.eventEnds
	case kind != "" && !strings.Contains(kind, "json"):
		m.carries, m.isText = otherBytes, strings.HasPrefix(kind, "text/")
	case ask.Stream && f.listed:
		m.carries = jsonList
		m.scan.root = &node{elements: f.inList, members: f.answer.members}
		m.r.isEvent = true
	}
	return m
}

// Pass reads the next bytes of the answer and returns those that go on to the caller: the same ones, but for the usage
// that we have asked for. They are valid until the next call.
func (m *Meter) Pass(in []byte) []byte {
	m.any = m.any || len(in) > 0
	switch m.carries {
	case wholeJSON, jsonList:
		m.scan.write(in)
	case eventStream:
		return m.passEvents(in)
	case otherBytes:
		if m.isText {
			m.r.count(in)
		}
	}
	return in
}

// Close ends the answer, whether it was complete or not, and returns bytes that still go on to the caller.
func (m *Meter) Close() []byte {
	if m.isOver {
		return nil
	}
	m.isOver = true
	m.scan.finish()
	if m.carries != eventStream {
		return nil
	}
	m.events.lineEnds()
	m.events.finish()
	if m.r.onlyUsage && !m.keeps {
		return nil
	}
	return m.held
}

func (m *Meter) passEvents(in []byte) []byte {
	if !m.drops {
		for rest := in; len(rest) > 0; {
			n, _ := m.events.read(rest)
			rest = rest[n:]
		}
		return in
	}
	m.out, m.all, m.from, m.to = m.out[:0], in, 0, 0
	for at := 0; at < len(in); {
		if m.events.afterCR && in[at] == '\n' && len(m.held) == 0 { // it is of the event before
			m.events.read(in[at : at+1])
			if !m.cutsLF {
				m.passOn(at, at+1)
			}
			at++
			continue
		}
		n, over := m.events.read(in[at:])
		m.settle(at, at+n, over)
		at += n
	}
	if len(m.out) == 0 {
		return in[m.from:m.to]
	}
	m.out = append(m.out, in[m.from:m.to]...)
	return m.out
}

// settle lets a part of the bytes that came go on, or holds it as long as its event may be the usage that we have asked
// for.
func (m *Meter) settle(from, to int, over bool) {
	m.keeps = m.keeps || m.r.choices > 0 || len(m.held)+to-from > mostHeld
	m.cutsLF = over && !m.keeps && m.r.onlyUsage
	switch {
	case m.cutsLF:
		m.held = m.held[:0]
	case over || m.keeps:
		m.passHeld()
		m.passOn(from, to)
	default:
		m.held = append(m.held, m.all[from:to]...)
	}
	if over {
		m.keeps, m.r.onlyUsage = false, false
	}
}

// passHeld lets what is held go on.
func (m *Meter) passHeld() {
	if len(m.held) > 0 {
		m.out = append(append(m.out, m.all[m.from:m.to]...), m.held...)
		m.held, m.from, m.to = m.held[:0], 0, 0
	}
}

// passOn lets a part of the bytes that came go on. As long as it is one piece, nothing is copied.
func (m *Meter) passOn(from, to int) {
	if m.from == m.to {
		m.from, m.to = from, from
	}
	if m.to != from {
		m.out = append(m.out, m.all[m.from:m.to]...)
		m.from = from
	}
	m.to = to
}

// data reads a piece of the data of an event.
func (m *Meter) data(p []byte) {
	m.headSize += copy(m.head[min(m.headSize, len(m.head)):], p)
	m.scan.write(p)
}

func (m *Meter) eventEnds() {
	m.scan.finish()
	if bytes.Equal(bytes.TrimSpace(m.head[:m.headSize]), []byte("[DONE]")) {
		m.r.done = true
	}
	if end := m.r.format.endEvent; end != nil {
		end(&m.r)
	}
	m.r.eventEnds()
	m.scan.reset()
	m.headSize = 0
}

// Answer returns what a whole answer says was used.
func (f *Format) Answer(ask Ask, status int, h http.Header, body []byte) Used {
	m := f.Stream(ask, status, h.Get("Content-Type"))
	m.Pass(body)
	m.Close()
	return m.Used()
}

// Used returns what has been used so far. After Close it is final.
func (m *Meter) Used() Used {
	used := m.r.used(m.Complete())
	if end := m.r.format.endUsed; end != nil {
		end(&m.r, &used)
	}
	return used
}

// Complete tells whether the answer came to its end. Of what is neither JSON nor events only its transport knows.
func (m *Meter) Complete() bool {
	switch m.carries {
	case wholeJSON:
		return m.scan.values > 0
	case otherBytes:
		return true
	}
	complete := m.r.format.complete
	return m.r.done || complete != nil && complete(&m.r) || m.carries == jsonList && m.scan.values > 0
}

// Produced tells whether something came that the vendor has worked for.
func (m *Meter) Produced() bool {
	if m.r.isEvent {
		return m.r.text != Tokens{} || m.r.said.has(allOutput, besideOutput, images, seconds)
	}
	return m.any
}

// Between tells whether the bytes that have passed end with a whole event, so that a comment may be written now.
func (m *Meter) Between() bool {
	return m.carries == eventStream && len(m.held) == 0 && m.events.between()
}
