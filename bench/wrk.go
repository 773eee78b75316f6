package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// wrkScript makes the requests of all callers: %[1]s is the token, %[2]s the function request. Ids are told apart by
// the thread that makes them.
const wrkScript = `
local threads = 0
function setup(thread) thread:set("thread", threads); threads = threads + 1 end

local n, run = 0, "%[3]s"
local headers = { Authorization = "Bearer %[1]s", ["Content-Type"] = "application/json" }
local function post(path, body)
  return wrk.format("POST", path, headers, body)
end
local function call(key, of)
  return '{"id":"' .. run .. "-" .. thread .. "-" .. key .. '","user_id":"caller-' .. thread .. "-" .. of %% 320 ..
    '",%[4]s'
end

%[2]s

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("requests %%d in %%d us, p50 %%d us, p99 %%d us, failed %%d\n", summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
`

const (
	checkScript = `
function request()
  n = n + 1
  return post("/v1/limits/check", call(n, n))
end
`
	// A reservation is settled some hundred requests later, when its own answer is there for sure.
	reserveScript = `
local reserved, settled, behind = 0, 1, 300 -- wrk asks for one request that it never makes
function request()
  n = n + 1
  if n % 2 == 0 and reserved - settled > behind then
    settled = settled + 1
    return post("/v1/reservations/" .. run .. "-" .. thread .. "-" .. settled .. "/settle", call(settled, settled))
  end
  reserved = reserved + 1
  return post("/v1/reservations", call(reserved, reserved))
end
`
)

// wrk has so many callers make the requests of a script, each waiting for its answer before it asks again.
func (s *serving) wrk(ctx context.Context, callers int, script string) (loaded, error) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		return loaded{}, skipped("wrk, which makes the load, is not installed (Debian's package wrk)")
	}
	s.runs++
	text := fmt.Sprintf(wrkScript, s.token, script, "r"+strconv.Itoa(s.runs), callBody)
	file := filepath.Join(s.lab.dir, "wrk.lua")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return loaded{}, err
	}
	out, err := exec.CommandContext(ctx, path, "-t2", "-c", strconv.Itoa(callers), "-d",
		strconv.Itoa(int(s.lab.duration.Seconds())), "-s", file, s.address).CombinedOutput()
	found := wrkResult.FindSubmatch(out)
	if err != nil || found == nil {
		return loaded{}, fmt.Errorf("wrk: %w: %s", err, lastOf(out))
	}
	var figures [5]float64
	for i := range figures {
		figures[i], _ = strconv.ParseFloat(string(found[i+1]), 64) // digits, by the pattern
	}
	if figures[4] > 0 {
		return loaded{}, fmt.Errorf("%.0f of %.0f requests failed", figures[4], figures[0])
	}
	return loaded{Rate: figures[0] / figures[1] * 1e6, P50: figures[2] / 1000, P99: figures[3] / 1000}, nil
}

var wrkResult = regexp.MustCompile(`requests (\d+) in (\d+) us, p50 (\d+) us, p99 (\d+) us, failed (\d+)`) // read-only
