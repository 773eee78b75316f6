package web

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/alwrity/alwrity-sub/volatile"
)

// keptFor is how long an answer is kept at most. What goes with the clock, such as a projection, is as old at most.
const keptFor = time.Minute

// keptAnswer is an answer as it is kept.
type keptAnswer[T any] struct {
	Made, Until time.Time
	Value       T
}

// Kept returns the answer to a question about a user: the one that was given before, if nothing has changed of the user
// since, else what give gives, with the moment at which it becomes another one though nobody changes anything. JSON
// must hold all of it. The question says all that the answer depends on beside the data of the user, the time, and
// whether the caller sees costs.
func Kept[T any](
	c *Call, user, question string, give func() (value T, until time.Time, err error),
) (value T, err error) {
	if c.Services.Kept == nil {
		value, _, err = give()
		return value, err
	}
	// What is written while the answer is made belongs to a version that comes after this one.
	version, err := c.Lists.UserVersion(c.Context(), user, c.Now)
	if err != nil {
		return value, err
	}
	key := volatile.KeyOf("answer", user, fmt.Sprintf("%s %t %s %s", question, c.SeesCost, c.Version, version))
	var kept keptAnswer[T]
	if text, found := c.Services.Kept.Get(c.Context(), key); found && json.Unmarshal(text, &kept) == nil &&
		!c.Now.Before(kept.Made) && c.Now.Before(kept.Until) {
		return kept.Value, nil
	}
	kept = keptAnswer[T]{Made: c.Now, Until: c.Now.Add(keptFor)}
	value, until, err := give()
	if err != nil {
		return value, err
	}
	if until.Before(kept.Until) {
		kept.Until = until
	}
	kept.Value = value
	if text, err := json.Marshal(kept); err == nil {
		c.Services.Kept.Set(c.Context(), key, text, kept.Until.Sub(kept.Made))
	}
	return value, nil
}
