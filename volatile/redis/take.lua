-- What volatile.Mark does, as one step of the server: takes from rates, from all of them or from none.
--
-- KEYS: the rates. ARGV: now in microseconds, 1 where a rate that is used up refuses, and for each rate six numbers: how
-- far to move it (microseconds and parts of the rate), the rate a minute, and the mark that the caller knows (microseconds,
-- parts, and the rate that these are about). Answers with three numbers a rate: its mark, and how many microseconds to wait.
-- A number of Lua is exact up to 2^53. A key is kept as long as it says anything.
local minute = 60000000
local now, strict = tonumber(ARGV[1]), ARGV[2] == '1'

-- as returns a mark for a rate that may be another one than it was, not before now, and not beyond what can be.
local function as(at, rest, of, max)
	if at < now then
		return now, 0
	end
	if at - now >= 2 * minute then
		return now + 2 * minute, 0
	end
	if of ~= max then
		if rest > 0 then
			at = at + 1
		end
		rest = 0
	end
	return at, rest
end

local before, after, known, waits, refused = {}, {}, {}, {}, false
for i, key in ipairs(KEYS) do
	local n = {}
	for j = 1, 6 do
		n[j] = tonumber(ARGV[2 + (i - 1) * 6 + j])
	end
	local max = n[3]
	local at, rest = as(n[4], n[5], n[6], max)
	local kept = redis.call('GET', key)
	if kept then
		local a, r, m = string.match(kept, '^(%d+) (%d+) (%d+)$')
		if a then
			local keptAt, keptRest = as(tonumber(a), tonumber(r), tonumber(m), max)
			if keptAt > at or keptAt == at and keptRest > rest then
				at, rest = keptAt, keptRest
			end
		end
	end
	before[i], known[i] = {at, rest, max}, n[4] > 0
	local movedAt, movedRest = at + n[1], rest + n[2]
	if movedRest >= max then
		movedAt, movedRest = movedAt + 1, movedRest - max
	elseif movedRest < 0 then
		movedAt, movedRest = movedAt - 1, movedRest + max
	end
	local over = movedAt - now - minute
	if movedRest > 0 then
		over = over + 1
	end
	waits[i] = 0
	if strict and over > 0 then
		waits[i], refused = over, true
	end
	movedAt, movedRest = as(movedAt, movedRest, max, max)
	after[i] = {movedAt, movedRest, max}
end
local answer = {}
for i, key in ipairs(KEYS) do
	local m = after[i]
	if refused then
		m = before[i]
	end
	if not refused or known[i] then
		local text = string.format('%.0f %.0f %.0f', m[1], m[2], m[3])
		redis.call('SET', key, text, 'PX', math.ceil((m[1] - now) / 1000) + 1000)
	end
	answer[3 * i - 2], answer[3 * i - 1], answer[3 * i] = m[1], m[2], waits[i]
end
return answer
