// Package redis keeps in Redis what processes share and may lose.
package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/alwrity/alwrity-sub/failure"
	"github.com/alwrity/alwrity-sub/volatile"
)

// DefaultTimeout is how long one question may take, with connecting.
const DefaultTimeout = 200 * time.Millisecond

// Client is a volatile.Backend in a Redis server.
type Client struct {
	redis   *redis.Client
	timeout time.Duration
}

//go:embed take.lua
var takeText string

var take = redis.NewScript(takeText) // read-only

// New makes a client of a server by its URL: redis://user:password@host:6379/0, or rediss:// for TLS. It does not
// connect. A URL that can't be right is an invalid failure, which does not repeat it.
func New(text string, timeout time.Duration) (*Client, error) {
	options, err := parse(text)
	if err != nil {
		return nil, err
	}
	logging.Disable() // what it says of connections, the errors say too
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = timeout, timeout, timeout
	options.PoolTimeout, options.ContextTimeoutEnabled = timeout, true
	options.MaxRetries, options.DialerRetries = -1, 1
	options.ClientName, options.DisableIdentity = "alwrity-sub", true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return &Client{redis.NewClient(options), timeout}, nil
}

// Check returns an invalid failure for a URL that can't be right.
func Check(text string) error {
	_, err := parse(text)
	return err
}

func parse(text string) (*redis.Options, error) {
	invalid := func(format string, args ...any) error {
		return failure.Invalidf("%s", fmt.Sprintf(format, args...)).WithHint("write redis://user:password@host:6379/0, " +
			"or rediss:// for TLS")
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, invalid("it is no URL") // the error of url.Parse has the password in it
	}
	if u.Scheme != "redis" && u.Scheme != "rediss" {
		return nil, invalid("its scheme is %q: it must be redis or rediss", failure.Shorten(u.Scheme))
	}
	if u.Hostname() == "" {
		return nil, invalid("it names no host")
	}
	options, err := redis.ParseURL(text)
	if err != nil {
		return nil, invalid("its path must be the number of a database, and its parameters those of go-redis")
	}
	return options, nil
}

// Take implements volatile.Backend: with one script, in one round trip.
func (c *Client) Take(
	ctx context.Context, now time.Time, strict bool, all []volatile.Meter,
) ([]volatile.Taken, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	keys, args := make([]string, len(all)), []any{now.UnixMicro(), strict}
	for i, m := range all {
		step := volatile.StepOf(m.Amount, m.Max)
		keys[i] = m.Key
		args = append(args, step.Micros, step.Rest, m.Max, m.Known.At, m.Known.Rest, m.Known.Max)
	}
	answer, err := take.Run(ctx, c.redis, keys, args...).Int64Slice()
	if err != nil {
		return nil, err
	}
	if len(answer) != 3*len(all) {
		return nil, fmt.Errorf("redis answered with %d numbers, not %d", len(answer), 3*len(all))
	}
	taken := make([]volatile.Taken, len(all))
	for i, m := range all {
		at, rest, wait := answer[3*i], answer[3*i+1], answer[3*i+2]
		taken[i].Mark, taken[i].Wait = volatile.Mark{At: at, Rest: rest, Max: m.Max}, time.Duration(wait)*time.Microsecond
	}
	return taken, nil
}

// Get implements volatile.Backend.
func (c *Client) Get(ctx context.Context, key string) ([]byte, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	value, err := c.redis.Get(ctx, key).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, false, nil
	}
	return value, err == nil, err
}

// Set implements volatile.Backend.
func (c *Client) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.redis.Set(ctx, key, value, ttl).Err()
}

// Close implements volatile.Backend.
func (c *Client) Close() error { return c.redis.Close() }
