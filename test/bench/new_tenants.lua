-- The first write to a new tenant, each request another one; the names differ
-- between threads and runs.
local run = os.getenv("BENCH_RUN") or "0"
local body = '{"name": "First", "description": "of a new tenant"}'
local counter = 0
local threads = {}

function setup(thread)
    thread:set("number", #threads)
    thread:set("bad", 0)
    table.insert(threads, thread)
end

number = 0
bad = 0
function request()
    counter = counter + 1
    return wrk.format("POST", "/api/items",
        {["Content-Type"] = "application/json",
         ["X-Tenant"] = string.format("new-%s-%d-%d", run, number, counter)}, body)
end

function response(status)
    if status >= 300 then bad = bad + 1 end
end

function done(summary, latency)
    local total = 0
    for _, thread in ipairs(threads) do total = total + thread:get("bad") end
    print(string.format("BENCH bad=%d p50=%.3f p99=%.3f", total,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
