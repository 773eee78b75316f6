package notify

import "time"

// A delivery that fails for now is retried for about two days.
const (
	maxAttempts   = 12
	firstPause    = 2 * time.Minute
	maxPause      = 12 * time.Hour
	maxRetryAfter = 24 * time.Hour // the longest wait that the other side may ask for
)

// pauseAfter returns how long to wait after so many attempts: twice as long each time, give or take a random
// quarter, so that not every sender comes back at once. random returns a number in [0, n).
func pauseAfter(attempts int, retryAfter time.Duration, random func(n int64) int64) time.Duration {
	pause := firstPause
	for i := 1; i < attempts && pause < maxPause; i++ {
		pause = min(2*pause, maxPause)
	}
	pause += time.Duration(random(int64(pause)/2)) - pause/4
	return max(pause, min(retryAfter, maxRetryAfter))
}
