// Command load calls the metering as a library, as a gateway does that has it in its process: so many callers at
// the same time, each waiting for its answer before it asks again. It prints one JSON object.
//
//	load URL CALLERS SECONDS enforce|reserve
//
// It uses only what versions have in common, so that the version before can be built with it and measured in the
// same run.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/alwrity/alwrity-sub/db"
	"github.com/alwrity/alwrity-sub/pricing"
	"github.com/alwrity/alwrity-sub/usage"
)

// usersPerCaller is how many users each caller reports for, in turns. No other caller has them.
const usersPerCaller = 10

// measured is what is printed: calls a second, and how long one took in milliseconds.
type measured struct {
	Rate float64 `json:"rate"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return errors.New("usage: load URL CALLERS SECONDS enforce|reserve")
	}
	callers, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	seconds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	target, err := db.ParseURL(args[0], ".")
	if err != nil {
		return err
	}
	store, err := db.Open(ctx, target)
	if err != nil {
		return err
	}
	l := &load{service: &usage.Service{Store: store, Thresholds: []int{80, 90, 100}}, calls: enforced}
	if args[3] == "reserve" {
		l.calls = reserved
	}
	m, err := l.measure(ctx, callers, time.Duration(seconds)*time.Second)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

type load struct {
	service *usage.Service
	calls   func(ctx context.Context, s *usage.Service, user string) (calls int, err error)
}

// measure runs the callers for a while.
func (l *load) measure(ctx context.Context, callers int, duration time.Duration) (measured, error) {
	var work sync.WaitGroup
	took, failures := make([][]time.Duration, callers), make([]error, callers)
	calls := make([]int, callers)
	began := time.Now()
	for c := range callers {
		work.Go(func() {
			for i := 0; time.Since(began) < duration && failures[c] == nil; i++ {
				start, n := time.Now(), 0
				n, failures[c] = l.calls(ctx, l.service, fmt.Sprintf("caller-%d-%d", c, i%usersPerCaller))
				took[c] = append(took[c], time.Since(start)/time.Duration(max(n, 1)))
				calls[c] += n
			}
		})
	}
	work.Wait()
	elapsed := time.Since(began).Seconds()
	all := slices.Concat(took...)
	slices.Sort(all)
	total := 0
	for _, n := range calls {
		total += n
	}
	at := func(percent int) float64 { return all[(len(all)-1)*percent/100].Seconds() * 1000 }
	return measured{Rate: float64(total) / elapsed, P50: at(50), P99: at(99)}, errors.Join(failures...)
}

// now is one moment for all: alerts and periods are the same in every run.
func now() time.Time { return time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC) }

// enforced records a small call if the limits let it pass. Each must: a refusal would be quicker.
func enforced(ctx context.Context, s *usage.Service, user string) (int, error) {
	e := usage.Event{UserID: user, Provider: "gemini", Model: "gemini-2.5-flash", StatusCode: 200, ResponseTimeMS: 800}
	e.Quantities[pricing.Requests], e.Quantities[pricing.InputTokens], e.Quantities[pricing.OutputTokens] = 1, 800, 200
	outcome, err := s.Record(ctx, now(), e, usage.RecordOptions{Enforce: true})
	if err == nil && outcome.Status != usage.Recorded {
		err = fmt.Errorf("an event with a new id is %s", outcome.Status)
	}
	return 1, err
}

// reserved reserves a call and settles it: two calls.
func reserved(ctx context.Context, s *usage.Service, user string) (int, error) {
	call := usage.Call{UserID: user, Provider: "gemini", Model: "gemini-2.5-flash"}
	call.Quantities[pricing.Requests], call.Quantities[pricing.InputTokens], call.Quantities[pricing.OutputTokens] = 1,
		900, 400
	d, err := s.Reserve(ctx, now(), call, "", time.Minute)
	if err != nil {
		return 1, err
	}
	if !d.Allowed {
		return 1, errors.New(d.Message)
	}
	e := usage.Event{UserID: user, StatusCode: 200, Quantities: call.Quantities}
	_, err = s.Record(ctx, now(), e, usage.RecordOptions{Reservation: d.Reservation.ID})
	return 2, err
}
