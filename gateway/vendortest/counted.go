package vendortest

import (
	"fmt"
	"net/http"
	"strings"
)

// counted makes the answers of vendors that count calls, pages and images.
func (v *Vendor) counted(r *http.Request, b *Behaviour) *answer {
	said := func(format string, figure any) string { return usage(b, format, figure) }
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/v2/crawl/"), strings.HasPrefix(path, "/v2/batch/scrape/"):
		return v.job(path, `{"status":"scraping","total":7,"completed":1,"data":[]}`,
			`{"success":true,"status":"completed","total":7,"completed":7`+said(`,"creditsUsed":%d`, 7)+`,"data":[]}`)
	case path == "/v2/crawl", path == "/v2/batch/scrape":
		return whole(`{"success":true,"id":"crawl-1","url":"https://example.com"}`)
	case path == "/v2/scrape":
		return whole(`{"success":true,"data":{"markdown":"hi","metadata":{` + said(`"creditsUsed":%d`, 2) + `}}}`)
	case path == "/v2/search":
		return whole(`{"success":true,"data":{"web":[]}` + said(`,"creditsUsed":%d`, 3) + `}`)
	case path == "/search" && r.Header.Get("X-Api-Key") != "":
		return whole(`{"requestId":"e1","results":[{"url":"https://example.com"}]` +
			said(`,"costDollars":{"total":0.00%d}`, 5) + said(`,"credits":%d`, 2) + `}`)
	case path == "/search", path == "/extract", path == "/crawl", path == "/map", path == "/news":
		return whole(`{"query":"q","results":[],"failed_results":[],"images":[],"response_time":0.5,"request_id":"t1"` +
			said(`,"usage":{"credits":%[1]d},"credits":%[1]d`, 2) + `}`)
	case path == "/contents":
		return whole(`{"requestId":"e2","results":[{},{}]}`)
	case strings.HasSuffix(path, "/text-to-image"):
		return whole(`{"artifacts":[{"base64":"aGk=","finishReason":"SUCCESS"},` +
			`{"base64":"","finishReason":"CONTENT_FILTERED"}]}`)
	case strings.HasPrefix(path, "/v2beta/stable-image/generate/"):
		return &answer{"image/png", []string{"PNG bytes"}}
	case strings.HasPrefix(path, "/api/v3/predictions/"):
		id := strings.Split(path, "/")[4]
		return v.job(path, fmt.Sprintf(`{"code":200,"data":{"id":%q,"status":"processing","outputs":[]}}`, id),
			fmt.Sprintf(`{"code":200,"data":{"id":%q,"status":"completed","outputs":["https://example.com/1"]}}`, id))
	case strings.HasPrefix(path, "/api/v3/"):
		return whole(`{"code":200,"message":"success","data":{"id":"job-1","status":"created","outputs":[]}}`)
	}
	return nil
}

// job answers that it is under way when it is asked for the first time, and then that it is done.
func (v *Vendor) job(path, running, done string) *answer {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.jobs[path]++
	if v.jobs[path] == 1 {
		return whole(running)
	}
	return whole(done)
}
