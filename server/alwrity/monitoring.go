package alwrity

import (
	"encoding/json"
	"net/http"

	"github.com/alwrity/alwrity-sub/server/web"
)

// monitored is the envelope of the monitoring routes, which is another one than that of the API.
type monitored struct {
	Status  string `json:"status"`
	Success bool   `json:"success"` // what some of the client's readers look for instead
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
	return web.WriteJSON(w, http.StatusOK, monitored{"success", true, data, "as of the last minutes of this process"})
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

// apiStats answers with what the head of every page of the client reads, without looking whether it is there.
func apiStats(w http.ResponseWriter, c *web.Call) error {
	in := inputOf(c)
	minutes := in.number("minutes", mostMinutes, 1, 24*60)
	if err := in.err(); err != nil {
		return err
	}
	l, state, _ := loadOf(c, min(minutes, mostMinutes))
	return monitor(w, map[string]any{
		"overview": map[string]any{"total_requests": l.Requests, "total_errors": l.Errors, "recent_requests": l.Requests,
			"recent_errors": l.Errors, "error_rate": l.ErrorRate},
		"system_health":     map[string]any{"status": state, "error_rate": l.ErrorRate},
		"cache_performance": cacheLoad{}, "top_endpoints": []any{}, "recent_errors": []any{},
		"minutes": min(minutes, mostMinutes), "timestamp": stamp(c.Now)})
}

// cacheLoad is how a cache did. The client reads every number of it; nothing here counts them.
type cacheLoad struct {
	Hits    int64 `json:"hits"`
	Misses  int64 `json:"misses"`
	HitRate int64 `json:"hit_rate"`
	Total   int64 `json:"total_requests"`
}

func cacheStats(w http.ResponseWriter, _ *web.Call) error { return monitor(w, cacheLoad{}) }
