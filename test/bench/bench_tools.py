"""What the benchmark's cases share: servers, wrk, peers."""

import http.client
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REPETITIONS = 3


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, path="/", seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"bench: nothing answers on port {port}")


def fetch(port, path, headers=None, method="GET", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    data = answer.read()
    if answer.status >= 300:
        sys.exit(f"bench: {method} {path}: {answer.status} {data[:200]!r}")
    return data


class Process:
    """A server of the benchmark, stopped by its process id."""

    def __init__(self, command, env=None, cwd=None):
        self.process = subprocess.Popen(command, env=dict(os.environ, **(env or {})), cwd=cwd,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def memory_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def threads(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"Threads:\s+(\d+)", status)[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wrk(url, connections, seconds, script="get.lua", env=None):
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "-s", str(HERE / script), url]
    said = subprocess.run(command, env=dict(os.environ, **(env or {})), capture_output=True,
                          text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    bad, p50, p99 = re.search(r"BENCH bad=(\d+) p50=([\d.]+) p99=([\d.]+)", said).groups()
    return {"rate": rate, "bad": int(bad), "p50_ms": float(p50), "p99_ms": float(p99)}


def measure(url, connections, seconds, **more):
    wrk(url, connections, 1, **more)
    runs = [wrk(url, connections, seconds, **more) for _ in range(REPETITIONS)]
    middle = sorted(runs, key=lambda r: r["rate"])[len(runs) // 2]
    return dict(middle, bad=sum(r["bad"] for r in runs))


def build_pocketbase():
    """The peer's program, or None where there is no Go to build it with."""
    binary = ROOT / ".cache/bench/pocketbase"
    if not binary.exists() and not shutil.which("go"):
        print("bench: go is not installed, so PocketBase is left out", file=sys.stderr)
        return None
    if not binary.exists():
        binary.parent.mkdir(parents=True, exist_ok=True)
        print("bench: building PocketBase from its Go module (once)", file=sys.stderr)
        subprocess.run(["go", "build", "-o", str(binary), "."], cwd=HERE / "pocketbase", check=True)
    return binary
