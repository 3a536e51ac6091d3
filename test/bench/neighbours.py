"""Cases in which tenants share the server: a mix over 1,000 of them, and one
that keeps its latency beside a flood and beside long scans."""

import concurrent.futures
import json

from bench_tools import Process, fetch, free_port, wait_for, wrk

TENANTS = 1000


class Neighbours:
    def __init__(self, build, folder, seconds):
        self.seconds = seconds
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = Process([str(build / "rowhouse"), "serve"],
                              {"DATABASE_PATH": str(folder / "neighbours"),
                               "PORT": str(self.port), "ADMIN_PORT": "0", "RUST_LOG": "warn"})
        wait_for(self.port, "/health")
        self.results = {}

    def post(self, tenant, items, text):
        batch = json.dumps([{"name": f"Item {i}", "description": text} for i in range(items)])
        fetch(self.port, "/api/items:batch",
              {"X-Tenant": tenant, "Content-Type": "application/json"}, "POST", batch)

    def fill(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda t: self.post(f"bench-{t}", 10, "of a mix"),
                          range(1, TENANTS + 1)))
        self.post("quiet", 10, "of a quiet tenant")
        for _ in range(10):
            self.post("scanned", 1000, "long " * 100)

    def together(self, measured, *others):
        """Runs wrk calls at once; the first one's figures are the answer."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(wrk, *args, **kwargs) for args, kwargs in (measured, *others)]
            answers = [f.result() for f in futures]
        return dict(answers[0], bad=sum(a["bad"] for a in answers))

    def mix(self):
        zipf = {"BENCH_TENANTS": str(TENANTS), "BENCH_ZIPF": "1"}
        reads = ((self.url + "/", 115, self.seconds), {"script": "zipf_get.lua", "env": zipf})
        writes = ((self.url + "/", 13, self.seconds), {"script": "post.lua", "env": zipf})
        wrk(*reads[0], **reads[1])
        alone = wrk(*reads[0], **reads[1])
        mixed = self.together(reads, writes)
        self.results[f"GET over {TENANTS} tenants by Zipf, 115 connections"] = {"rowhouse": alone}
        self.results["  the same beside 13 connections of POST"] = {"rowhouse": mixed}
        self.results["  p99 of the mix / median alone"] = {
            "ratio": mixed["p99_ms"] / alone["p50_ms"]}

    def beside(self):
        quiet = ((self.url + "/tenant/quiet/items", 8, self.seconds), {})
        alone = wrk(*quiet[0])
        flood = ((self.url + "/", 64, self.seconds),
                 {"script": "post.lua", "env": {"BENCH_TENANTS": "1"}})
        scans = ((self.url + "/tenant/scanned/items?limit=1000", 8, self.seconds), {})
        self.results["GET of a quiet tenant, 8 connections"] = {"rowhouse": alone}
        self.results["  beside a flood of writes to another"] = {
            "rowhouse": self.together(quiet, flood)}
        self.results["  beside scans of 1,000 long items"] = {
            "rowhouse": self.together(quiet, scans)}

    def run(self):
        try:
            self.fill()
            self.mix()
            self.beside()
        finally:
            self.server.stop()
        return self.results
