package alwrity

import (
	"encoding/json"
	"net/http"

	"github.com/alwrity/alwrity-sub/server/web"
)

// monitored is the envelope of the monitoring routes, which is another one than that of the API.
type monitored struct {
	Status  string `json:"status"`
	Data    any    `json:"data"`
	Message string `json:"message"`
}

// load is how the server did of late.
type load struct {
	Requests  int64       `json:"recent_requests"`
	Errors    int64       `json:"recent_errors"`
	ErrorRate json.Number `json:"error_rate"` // percent
}

// mostMinutes is how far back the server remembers.
const mostMinutes = 5

func loadOf(c *web.Call, minutes int) (l load, state, icon string) {
	requests, faults := c.Recent.Since(c.Now, minutes)
	share := shareOf(faults, requests)
	l = load{requests, faults, percent(share)}
	switch {
	case share > 100:
		return l, "critical", "🔴"
	case share > 50:
		return l, "warning", "🟡"
	}
	return l, "healthy", "🟢"
}

func monitor(w http.ResponseWriter, data any) error {
	return web.WriteJSON(w, http.StatusOK, monitored{"success", data, "as of the last minutes of this process"})
}

// healthOf answers how the server does, by what it has answered in the last five minutes.
func healthOf(w http.ResponseWriter, c *web.Call) error {
	l, state, icon := loadOf(c, mostMinutes)
	return monitor(w, map[string]any{"system_health": state, "icon": icon, "api_performance": l,
		"cache_performance": struct{}{}, "timestamp": stamp(c.Now)})
}

func lightweightStats(w http.ResponseWriter, c *web.Call) error {
	l, state, icon := loadOf(c, mostMinutes)
	return monitor(w, map[string]any{"status": state, "icon": icon, "recent_requests": l.Requests,
		"recent_errors": l.Errors, "error_rate": l.ErrorRate, "timestamp": stamp(c.Now)})
}

func apiStats(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	minutes := in.number("minutes", mostMinutes, 1, 24*60)
	if err := in.err(); err != nil {
		return err
	}
	l, _, _ := loadOf(c, min(minutes, mostMinutes))
	return monitor(w, map[string]any{"overview": l, "minutes": min(minutes, mostMinutes), "timestamp": stamp(c.Now)})
}

func cacheStats(w http.ResponseWriter, c *web.Call) error {
	return monitor(w, map[string]any{"timestamp": stamp(c.Now)})
}
