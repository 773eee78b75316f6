package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/alwrity/alwrity-sub/pricing"
)

// idKind is how the ids of events are made.
type idKind string

// The kinds: random ids land all over an index, those of version 7 at its end.
const (
	idsV4 idKind = "v4"
	idsV7 idKind = "v7"
)

// sample says which events a file has. Equal samples are equal byte by byte.
type sample struct {
	ids    idKind
	rows   int
	users  int
	models int
}

const (
	benchMonth = "2026-10"    // all events are of this month
	benchNow   = "2026-11-01" // --now
)

func monthStart() time.Time { return time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC) }

// eventSpacing spreads the rows over the month: few rows have the same days as many.
func (s sample) eventSpacing() time.Duration { return 31 * 24 * time.Hour / time.Duration(s.rows) }

// name is a file name that says what the sample is.
func (s sample) name() string { return fmt.Sprintf("%s-%d-%d-%d", s.ids, s.rows, s.users, s.models) }

func userName(i int) string { return fmt.Sprintf("user-%05d", i) }

// catalogueModels returns the first so many models of the default prices. The model
// "default" is none: it is the price of those that have none of their own.
func catalogueModels(count int) ([]pricing.Price, error) {
	catalogue, err := pricing.DefaultCatalogue()
	if err != nil {
		return nil, err
	}
	var models []pricing.Price
	for _, p := range catalogue.Prices {
		if p.Model != "default" && len(models) < count {
			models = append(models, p)
		}
	}
	if len(models) < count {
		return nil, fmt.Errorf("the default prices have %d models, %d are wanted", len(models), count)
	}
	return models, nil
}

// cards deals whole numbers below their count in rounds, each round in a new order.
// So even a hundredth of the rows has every user and every model, in equal shares.
type cards struct {
	dice *rand.Rand
	deck []int
	next int
}

func newCards(dice *rand.Rand, count int) *cards {
	c := &cards{dice: dice, deck: make([]int, count), next: count}
	for i := range c.deck {
		c.deck[i] = i
	}
	return c
}

func (c *cards) deal() int {
	if c.next == len(c.deck) {
		c.dice.Shuffle(len(c.deck), func(i, j int) { c.deck[i], c.deck[j] = c.deck[j], c.deck[i] })
		c.next = 0
	}
	c.next++
	return c.deck[c.next-1]
}

// writeEvents writes the sample's events as JSON lines, in the order of their times.
func writeEvents(w io.Writer, s sample) error {
	models, err := catalogueModels(s.models)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<20)
	dice := rand.New(rand.NewPCG(2026, 10))
	users, model := newCards(dice, s.users), newCards(dice, s.models)
	var line []byte
	for i := range s.rows {
		at := monthStart().Add(time.Duration(i) * s.eventSpacing())
		line = append(line[:0], `{"id":"`...)
		line = appendID(line, s.ids, at, dice)
		line = append(line, `","user_id":"`...)
		line = append(line, userName(users.deal())...)
		line = appendCall(line, models[model.deal()], at, dice)
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

// appendID appends a UUID (RFC 9562) made by the sample's own dice, so that it is
// the same each time.
func appendID(line []byte, kind idKind, at time.Time, dice *rand.Rand) []byte {
	var id [16]byte
	for i := range id {
		id[i] = byte(dice.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	if kind == idsV7 {
		for i, ms := 5, at.UnixMilli(); i >= 0; i, ms = i-1, ms>>8 {
			id[i] = byte(ms)
		}
		id[6] = id[6]&0x0f | 0x70
	}
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			line = append(line, '-')
		}
		line = hex.AppendEncode(line, []byte{b})
	}
	return line
}

// appendCall appends the rest of an event. One call in 50 has failed.
func appendCall(line []byte, p pricing.Price, at time.Time, dice *rand.Rand) []byte {
	line = append(line, `","provider":"`...)
	line = append(line, p.Provider...)
	line = append(line, `","model":"`...)
	line = append(line, p.Model...)
	line = append(line, `","time":"`...)
	line = at.AppendFormat(line, "2006-01-02T15:04:05.000000Z07:00")
	line = append(line, '"')
	line = appendQuantities(line, p.Provider, dice)
	line = appendNumber(line, "response_time_ms", 80+dice.IntN(4_000))
	line = append(line, `,"endpoint":"/api/generate","method":"POST"`...)
	if dice.IntN(50) == 0 {
		line = append(line, `,"status_code":429,"error_message":"rate limit exceeded"`...)
	}
	return append(line, "}\n"...)
}

// appendQuantities appends what such a provider charges for; nothing means one request.
func appendQuantities(line []byte, provider string, dice *rand.Rand) []byte {
	switch provider {
	case "gemini", "openai", "anthropic", "huggingface", "wavespeed":
		line = appendNumber(line, "input_tokens", 50+dice.IntN(4_000))
		return appendNumber(line, "output_tokens", 20+dice.IntN(1_500))
	case "audio":
		return appendNumber(line, "characters", 100+dice.IntN(3_000))
	case "stability":
		return appendNumber(line, "images", 1+dice.IntN(4))
	case "firecrawl":
		return appendNumber(line, "pages", 1+dice.IntN(10))
	}
	return line
}

func appendNumber(line []byte, name string, n int) []byte {
	line = append(line, `,"`...)
	line = append(line, name...)
	line = append(line, `":`...)
	return strconv.AppendInt(line, int64(n), 10)
}
