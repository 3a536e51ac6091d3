-- GET the URL; prints percentiles and how many answers were not 200.
local threads = {}
function setup(thread)
    thread:set("bad", 0)
    table.insert(threads, thread)
end

bad = 0
function response(status)
    if status ~= 200 then bad = bad + 1 end
end

function done(summary, latency)
    local total = 0
    for _, thread in ipairs(threads) do total = total + thread:get("bad") end
    print(string.format("BENCH bad=%d p50=%.3f p99=%.3f", total,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
