package web

import (
	"net/http"
	"sync"
	"time"
)

// recentSeconds is how far back Recent goes.
const recentSeconds = 5 * 60

// Recent counts what the server has answered in the last five minutes. The zero value is ready for use.
type Recent struct {
	mutex   sync.Mutex
	seconds [recentSeconds]answered
}

type answered struct{ second, requests, faults int64 }

// Note counts an answer.
func (r *Recent) Note(now time.Time, status int) {
	second := now.Unix()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	in := &r.seconds[(second%recentSeconds+recentSeconds)%recentSeconds]
	if in.second != second {
		*in = answered{second: second}
	}
	in.requests++
	if status >= http.StatusInternalServerError {
		in.faults++
	}
}

// Since returns how many requests were answered within so many minutes, five at most, and how many of them with a fault
// of the server.
func (r *Recent) Since(now time.Time, minutes int) (requests, faults int64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	first := now.Unix() - int64(min(minutes*60, recentSeconds))
	for _, in := range r.seconds {
		if in.second > first && in.second <= now.Unix() {
			requests, faults = requests+in.requests, faults+in.faults
		}
	}
	return requests, faults
}
