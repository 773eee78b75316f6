package notify

import "time"

// What is tried again, and how long: about two days.
const (
	maxAttempts   = 12
	firstPause    = 2 * time.Minute
	longestPause  = 12 * time.Hour
	longestWished = 24 * time.Hour // that the other side may ask to wait
)

// pauseAfter returns how long to wait after so many attempts: twice as long each time,
// and by chance up to a quarter more or less, so that not everybody comes at once.
// random returns a number from 0 to below n.
func pauseAfter(attempts int, wished time.Duration, random func(n int64) int64) time.Duration {
	pause := firstPause
	for range attempts - 1 {
		if pause = 2 * pause; pause >= longestPause {
			pause = longestPause
			break
		}
	}
	pause += time.Duration(random(int64(pause)/2)) - pause/4
	return max(pause, min(wished, longestWished))
}
