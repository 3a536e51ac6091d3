-- GET 10 items of a tenant drawn by Zipf's law (s = 1) from BENCH_TENANTS.
local tenants = tonumber(os.getenv("BENCH_TENANTS") or "1000")
local requests = {}
local threads = {}

function setup(thread)
    thread:set("bad", 0)
    table.insert(threads, thread)
end

bad = 0
function init(args)
    for t = 1, tenants do
        requests[t] = wrk.format("GET", "/api/items?limit=10", {["X-Tenant"] = "bench-" .. t})
    end
    math.randomseed(tenants)
end

function request()
    -- By Zipf's law the logarithm of the rank is uniform.
    return requests[math.floor(tenants ^ math.random())]
end

function response(status)
    if status ~= 200 then bad = bad + 1 end
end

function done(summary, latency)
    local total = 0
    for _, thread in ipairs(threads) do total = total + thread:get("bad") end
    print(string.format("BENCH bad=%d p50=%.3f p99=%.3f", total,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
