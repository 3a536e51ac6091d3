-- POST one item a request: over TENANTS tenants in turn, or to one.
local tenants = tonumber(os.getenv("BENCH_TENANTS") or "1")
local path = os.getenv("BENCH_PATH") or "/api/items"
local body = '{"name": "Load Test Item", "description": "Testing"}'
local requests = {}
local zipf = os.getenv("BENCH_ZIPF")
local at = 0

function init(args)
    for t = 1, tenants do
        requests[t] = wrk.format("POST", path,
            {["Content-Type"] = "application/json", ["X-Tenant"] = "bench-" .. t}, body)
    end
    at = math.random(tenants)
end

function request()
    -- By Zipf's law the logarithm of the rank is uniform.
    if zipf then return requests[math.floor(tenants ^ math.random())] end
    at = at % tenants + 1
    return requests[at]
end

local threads = {}
function setup(thread)
    thread:set("bad", 0)
    table.insert(threads, thread)
end

bad = 0
function response(status)
    if status >= 300 then bad = bad + 1 end
end

function done(summary, latency)
    local total = 0
    for _, thread in ipairs(threads) do total = total + thread:get("bad") end
    print(string.format("BENCH bad=%d p50=%.3f p99=%.3f", total,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
