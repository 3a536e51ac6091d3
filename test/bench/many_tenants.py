"""Cases with many tenants: new ones, closed ones, 100,000 on disk; and what a
connection that waits costs."""

import os
import shutil
import socket
import statistics
import time

from bench_tools import Process, fetch, free_port, wait_for, wrk

IDLE_CONNECTIONS = 1000
CLOSED_TENANTS = 500


def median_ms(values):
    return statistics.median(values) * 1000


def time_get(port, path, headers=None):
    began = time.perf_counter()
    fetch(port, path, headers)
    return time.perf_counter() - began


class ManyTenants:
    def __init__(self, build, folder, seconds):
        self.build, self.folder, self.seconds = build, folder, seconds
        self.results = {}

    def start(self, data, **settings):
        port = free_port()
        began = time.perf_counter()
        server = Process([str(self.build / "rowhouse"), "serve"],
                         {"DATABASE_PATH": str(data), "PORT": str(port), "ADMIN_PORT": "0",
                          "RUST_LOG": "warn", **settings})
        wait_for(port, "/health")
        return server, port, time.perf_counter() - began

    def new_tenants(self):
        """The first write to each of some 10,000 tenants, for as long as it takes."""
        server, port, _ = self.start(self.folder / "new")
        at_rest = server.memory_mb()
        threads = server.threads()
        new = wrk(f"http://127.0.0.1:{port}/", 16, 10, script="new_tenants.lua")
        self.results["first write to new tenants, 16 connections"] = {"rowhouse": new}
        self.results["  after them"] = {
            "tenants": len(list((self.folder / "new").glob("*.db"))),
            "MB": server.memory_mb(), "MB at rest": at_rest, "threads": server.threads(),
            "threads at rest": threads, "descriptors": server.descriptors()}
        server.stop()

    def cold_open(self):
        """GET of a tenant that is closed, and the same again when it is open."""
        names = [p.stem for p in sorted((self.folder / "new").glob("*.db"))[:CLOSED_TENANTS]]
        server, port, _ = self.start(self.folder / "new")
        fetch(port, "/health")
        cold = [time_get(port, f"/tenant/{name}/items?limit=1") for name in names]
        last = names[-1]
        warm = [time_get(port, f"/tenant/{last}/items?limit=1") for _ in names]
        self.results["GET from a closed tenant, in turn"] = {
            "median ms": median_ms(cold), "open: median ms": median_ms(warm),
            "difference ms": median_ms(cold) - median_ms(warm)}
        server.stop()

    def on_disk(self, count):
        """Listings with many tenants in the folder."""
        data = self.folder / "many"
        data.mkdir()
        one = next((self.folder / "new").glob("*.db"))
        for i in range(count):
            shutil.copyfile(one, data / f"tenant-{i:06}.db")
        os.sync()
        server, port, started = self.start(data)
        first_page = time_get(port, "/")
        pages = [time_get(port, f"/?q=tenant-{i:03}") for i in range(40)]
        lists = [time_get(port, f"/api/tenants?limit=50&q=tenant-{i:03}") for i in range(40)]
        self.results[f"{count} tenants on disk"] = {
            "start s": started, "/ first ms": first_page * 1000, "/ median ms": median_ms(pages),
            "/api/tenants?limit=50 median ms": median_ms(lists), "MB": server.memory_mb()}
        server.stop()
        shutil.rmtree(data)

    def idle_connections(self):
        """Memory of connections that wait: kept alive, and watching a stream."""
        for name, request, answered in (
                ("keep-alive", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"OK"),
                ("event stream", b"GET /tenant/watched/events HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 b"\r\n\r\n")):
            server, port, _ = self.start(self.folder / "idle")
            fetch(port, "/tenant/watched/items")
            before = server.memory_mb()
            held = []
            for _ in range(IDLE_CONNECTIONS):
                connection = socket.create_connection(("127.0.0.1", port))
                connection.sendall(request)
                said = b""
                while answered not in said:
                    said += connection.recv(4096)
                held.append(connection)
            each = (server.memory_mb() - before) * 1024 / IDLE_CONNECTIONS
            self.results[f"an idle {name} connection"] = {"KiB": each}
            for connection in held:
                connection.close()
            server.stop()

    def run(self, count):
        self.new_tenants()
        self.cold_open()
        self.idle_connections()
        self.on_disk(count)
        return self.results
