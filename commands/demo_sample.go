package commands

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/alwrity/alwrity-sub/plan"
)

// sample is invented usage that looks like that of a real product: more on working days, most of it text, a few heavy
// users, some failed calls. The same figures give the same usage.
type sample struct {
	users []sampleUser
	days  int
	now   time.Time
	dice  *rand.Rand
}

type sampleUser struct {
	id    string
	tier  string
	cycle plan.Cycle
	start time.Time
	daily int // calls on a usual day
}

// sampleModel is a model with how often it is called and how many tokens, at the most, a call takes.
type sampleModel struct {
	provider, model string
	weight          int
	input, output   int
}

func sampleModels() []sampleModel {
	return []sampleModel{
		{"gemini", "gemini-2.5-flash", 300, 6_000, 2_000},
		{"gemini", "gemini-2.5-flash-lite", 120, 3_000, 800},
		{"gemini", "gemini-2.5-pro", 60, 30_000, 4_000},
		{"huggingface", "openai/gpt-oss-120b:groq", 90, 4_000, 1_500},
		{"openai", "gpt-4o-mini", 60, 5_000, 1_500},
		{"openai", "gpt-4o", 25, 5_000, 1_500},
		{"anthropic", "claude-3.5-sonnet", 25, 6_000, 2_000},
		{"exa", "exa-search", 40, 0, 0},
		{"tavily", "tavily-search", 40, 0, 0},
		{"stability", "qwen-image", 24, 0, 0},
		{"image_edit", "flux-kontext-pro", 8, 0, 0},
		{"audio", "minimax/speech-02-hd", 12, 3_000, 0},
		{"video", "wan-2.5", 5, 0, 0},
		{"mistral", "mistral-large", 3, 4_000, 1_000},
	}
}

// freeModels are those of the models above that the Free plan includes.
func freeModels() map[string]bool {
	return map[string]bool{
		"gemini": true, "exa": true, "tavily": true, "stability": true, "image_edit": true, "audio": true, "video": true,
	}
}

func newSample(users, days int, now time.Time) *sample {
	s := &sample{days: days, now: now, dice: rand.New(rand.NewPCG(7, 11))}
	first := now.Truncate(24*time.Hour).AddDate(0, 0, 1-days)
	names := []string{"ana", "ben", "chloe", "deepak", "emma", "farid", "grace", "hiro", "ines", "jonas", "kavya", "liam"}
	for i := range users {
		u := sampleUser{id: names[i%len(names)], tier: plan.DefaultTier, cycle: plan.Monthly, daily: 1 + s.dice.IntN(3)}
		if i >= len(names) {
			u.id = fmt.Sprintf("%s-%d", u.id, i/len(names)+1)
		}
		switch {
		case i%12 == 7:
			u.tier, u.daily = "enterprise", 60+s.dice.IntN(60)
		case i%4 == 0:
			u.tier, u.daily = "pro", 15+s.dice.IntN(30)
		case i%2 == 0:
			u.tier, u.daily = "basic", 4+s.dice.IntN(12)
		}
		if i%5 == 0 {
			u.cycle = plan.Yearly
		}
		u.start = first.AddDate(0, 0, s.dice.IntN(max(days/4, 1))).Add(time.Duration(s.dice.IntN(24)) * time.Hour)
		s.users = append(s.users, u)
	}
	return s
}

// write writes the usage as JSON lines, in the order of time within a user.
func (s *sample) write(w io.Writer) error {
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	for _, u := range s.users {
		for day := u.start.Truncate(24 * time.Hour); day.Before(s.now); day = day.AddDate(0, 0, 1) {
			for range s.callsOn(u, day) {
				at := day.Add(time.Duration(7*3600+s.dice.IntN(14*3600)) * time.Second)
				if at.Before(u.start) || !at.Before(s.now) {
					continue
				}
				if err := encoder.Encode(s.call(u, at)); err != nil {
					return err
				}
			}
		}
	}
	return out.Flush()
}

func (s *sample) callsOn(u sampleUser, day time.Time) int {
	calls := u.daily/2 + s.dice.IntN(u.daily+1)
	if weekday := day.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		calls /= 3
	}
	return calls
}

func (s *sample) call(u sampleUser, at time.Time) map[string]any {
	m := s.pick(u)
	call := map[string]any{
		"user_id": u.id, "provider": m.provider, "model": m.model, "time": at.Format(time.RFC3339),
		"endpoint": "/api/generate", "method": "POST", "response_time_ms": 200 + s.dice.IntN(6_000),
	}
	if m.input > 0 {
		call["input_tokens"] = m.input/4 + s.dice.IntN(m.input)
	}
	if m.output > 0 {
		call["output_tokens"] = m.output/4 + s.dice.IntN(m.output)
	}
	if s.dice.IntN(50) == 0 {
		call["status_code"], call["error_message"] = 503, "the model is overloaded"
	}
	return call
}

func (s *sample) pick(u sampleUser) sampleModel {
	var models []sampleModel
	total := 0
	for _, m := range sampleModels() {
		if u.tier == plan.DefaultTier && !freeModels()[m.provider] {
			continue
		}
		models = append(models, m)
		total += m.weight
	}
	roll := s.dice.IntN(total)
	for _, m := range models {
		if roll -= m.weight; roll < 0 {
			return m
		}
	}
	return models[0]
}
