#!/usr/bin/env python3
"""Measures Fanfare against the floor: the same load, sink and disk, turn by turn on one machine.

For each run it starts a sink and a server (the floor program, or the real binary set up through its own API), lets the
load generator publish, waits until every acknowledged event has arrived, and reads what each process used. It prints
medians with their range and the ratio of the two, and fails if an acknowledged event was lost. See README.md.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADMIN_KEY = "bench-admin-key-of-more-than-32-characters"
START_TIMEOUT_S = 20
DRAIN_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
# Above this share of the machine, what others do shows in our rates.
OTHERS_MAX_PERCENT = 10

# name: (webhooks, deliveries for each event, event types)
SCENARIOS = {"throughput": (8, 1, 8), "fanout": (10, 10, 1)}


class Failure(Exception):
    """The run is worthless: a process failed or an event was lost."""


# --- processes -----------------------------------------------------------------------------------------------------


class Program:
    """A started process whose output goes to a log file, and which is ended with the block that started it."""

    def __init__(self, name, command, log_path, **popen):
        self.name = name
        self.log_path = log_path
        with open(log_path, "wb") as log:
            popen.setdefault("stdout", log)
            self.process = subprocess.Popen([str(word) for word in command], stderr=log, **popen)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Ends the process as an operator would; anything but a clean exit is a failure."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.fail(f"did not stop within {STOP_TIMEOUT_S} s")
        if status != 0:
            self.fail(f"ended with status {status}")

    def fail(self, what):
        tail = self.log_path.read_text(errors="replace").splitlines()[-15:]
        raise Failure("\n  ".join([f"{self.name} {what}; its last words:", *tail]))

    def check_alive(self):
        if self.process.poll() is not None:
            self.fail(f"ended with status {self.process.returncode}")

    def wait_for_address(self):
        """The HOST:PORT it listens on, from the line that every server here prints."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            match = re.search(r"listening on http://([\d.]+:\d+)", self.log_path.read_text(errors="replace"))
            if match:
                return match.group(1)
            self.check_alive()
            time.sleep(0.01)
        self.fail("did not say where it listens")

    def cpu_us(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1_000_000 // os.sysconf("SC_CLK_TCK")

    def peak_memory_kb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))


class Sink(Program):
    def __init__(self, options, directory, fanout):
        command = [options.programs / "sink", "--fanout", fanout]
        super().__init__("sink", command, directory / "sink.log", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def wait_for_address(self):
        return self._read_line().rpartition("http://")[2].strip()

    def report(self, start, end):
        self.process.stdin.write(f"report {start} {end}\n".encode())
        self.process.stdin.flush()
        return json.loads(self._read_line())

    def _read_line(self):
        line = self.process.stdout.readline().decode()
        if not line:
            self.process.wait()
            self.check_alive()
        return line


class MachineUse:
    """CPU time of the whole machine, to tell how much of it went to processes that are not ours."""

    def __init__(self, busy_us, total_us):
        self.busy_us, self.total_us = busy_us, total_us

    @classmethod
    def now(cls):
        ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        user, nice, system, _idle, _iowait, _irq, _softirq, stolen = ticks
        tick_us = 1_000_000 // os.sysconf("SC_CLK_TCK")
        return cls((user + nice + system + stolen) * tick_us, sum(ticks) * tick_us)

    def others_until(self, later, ours_us):
        """The share of the machine, in percent, that others took between two readings."""
        others_us = later.busy_us - self.busy_us - ours_us
        return max(0.0, 100 * others_us / max(later.total_us - self.total_us, 1))


def start_floor(options, directory, sink, fanout):
    command = [options.programs / "floor", "--sink", sink, "--journal", directory / "floor.log.bin"]
    return Program("floor", [*command, "--fanout", fanout], directory / "floor.log")


def start_fanfare(options, directory, _sink, _fanout, more=()):
    command = [options.fanfare, "serve", "--listen", "127.0.0.1:0"]
    command += ["--database", f"sqlite:{directory}/bench.db", "--egress-allow", "127.0.0.0/8", "--egress-http", *more]
    # Nobody's own settings: the server measured is the one with the defaults.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FANFARE_")}
    environment["FANFARE_ADMIN_KEY"] = ADMIN_KEY
    return Program("fanfare", command, directory / "fanfare.log", env=environment, cwd=directory)


# --- the real server's setup ---------------------------------------------------------------------------------------


def call(server, path, body):
    """One POST to the API; its answer's members."""
    connection = http.client.HTTPConnection(server, timeout=10)
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
    with contextlib.closing(connection):
        connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    if answer.status != 201:
        raise Failure(f"POST {path} answered {answer.status}: {text}")
    return json.loads(text)


def set_up_fanfare(server, sink, scenario):
    """One tenant whose webhooks share the event types evenly. Returns the arguments that the load generator needs."""
    webhooks, _, types = SCENARIOS[scenario]
    tenant = call(server, "/tenants", {"name": "bench"})["id"]
    for number in range(types):
        call(server, "/event-types", {"name": f"bench.event.{number}"})
    for number in range(webhooks):
        call(server, "/webhooks", {
            "tenant_id": tenant, "url": f"http://{sink}/hook/{number}",
            "events": [f"bench.event.{number % types}"], "max_in_flight": 100})
    return ["--authorization", f"Bearer {ADMIN_KEY}", "--tenant", tenant]


def set_up_floor(_server, _sink, _scenario):
    return []


SIDES = {"floor": (start_floor, set_up_floor), "fanfare": (start_fanfare, set_up_fanfare)}


# --- one run -------------------------------------------------------------------------------------------------------


def run_load(options, server, address, types, extra, directory):
    command = [options.programs / "load", "--server", address, "--types", types, "--payload", options.payload,
               "--connections", options.connections, "--rate", options.rate,
               "--warmup-ms", int(options.warmup * 1000), "--measure-ms", int(options.seconds * 1000), *extra]
    with Program("load", command, directory / "load.log", stdout=subprocess.PIPE) as load:
        # The generator ends by itself: it waits 30 s at most for its last answers.
        output = load.process.communicate(timeout=options.warmup + options.seconds + 60)[0]
        if load.process.returncode != 0:
            # A server that died is what the generator complains about: say that first, once it is a fact.
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(1)
            server.check_alive()
            load.fail(f"ended with status {load.process.returncode}")
        return json.loads(output)


def wait_for_deliveries(sink, server, load, expected):
    """The sink's report once everything acknowledged has come, or once nothing more comes for DRAIN_TIMEOUT_S."""
    seen, deadline = -1, 0
    while True:
        report = sink.report(load["window_start_ns"], load["window_end_ns"])
        if report["distinct"] >= expected:
            return report
        server.check_alive()
        if report["distinct"] > seen:
            seen, deadline = report["distinct"], time.monotonic() + DRAIN_TIMEOUT_S
        elif time.monotonic() > deadline:
            return report
        time.sleep(0.02)


def run_once(options, side):
    _, fanout, types = SCENARIOS[options.scenario]
    start, set_up = SIDES[side]
    with contextlib.ExitStack() as stack:
        options.data.mkdir(parents=True, exist_ok=True)
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.data)))
        sink = stack.enter_context(Sink(options, directory, fanout))
        sink_address = sink.wait_for_address()
        server = stack.enter_context(start(options, directory, sink_address, fanout))
        address = server.wait_for_address()
        extra = set_up(address, sink_address, options.scenario)
        cpu_before, machine_before = server.cpu_us(), MachineUse.now()
        load = run_load(options, server, address, types, extra, directory)
        receipts = wait_for_deliveries(sink, server, load, load["acknowledged"] * fanout)
        server_use = {"cpu_us": server.cpu_us() - cpu_before, "peak_memory_kb": server.peak_memory_kb()}
        ours_us = server_use["cpu_us"] + load["cpu_us"] + receipts["cpu_us"]
        others = machine_before.others_until(MachineUse.now(), ours_us)
        server.stop()
    return {**summarise(options, load, receipts, server_use, fanout), "others_cpu_percent": others}


def summarise(options, load, receipts, server, fanout):
    """One run as the numbers of the table. CPU is that of the whole run, so it is divided by all of its events."""
    events = max(load["acknowledged"], 1)
    acknowledged_rate = load["acknowledged_in_window"] / options.seconds
    delivered_rate = receipts["in_window"] / options.seconds
    return {
        "acknowledged_per_s": acknowledged_rate,
        "delivered_per_s": delivered_rate,
        "lifecycle_per_s": min(acknowledged_rate, delivered_rate / fanout),
        "ack_p50_ms": load["ack_p50_us"] / 1000,
        "ack_p99_ms": load["ack_p99_us"] / 1000,
        "receipt_p50_ms": receipts["latency_p50_us"] / 1000,
        "receipt_p99_ms": receipts["latency_p99_us"] / 1000,
        "server_cpu_us": server["cpu_us"] / events,
        "load_cpu_us": load["cpu_us"] / events,
        "sink_cpu_us": receipts["cpu_us"] / events,
        "server_peak_mb": server["peak_memory_kb"] / 1024,
        "load_peak_mb": load["peak_memory_kb"] / 1024,
        "sink_peak_mb": receipts["peak_memory_kb"] / 1024,
        "acknowledged": load["acknowledged"],
        "refused": load["refused"],
        "duplicates": receipts["duplicates"],
        "lost": max(load["acknowledged"] * fanout - receipts["distinct"], 0),
        "not_ours": receipts["unsigned"] + receipts["unmarked"],
    }


def check(side, run):
    """Fails unless the run kept the promises that its numbers take for granted."""
    if run["lost"]:
        raise Failure(f"{side} lost {run['lost']} deliveries of {run['acknowledged']} acknowledged events")
    if run["not_ours"]:
        raise Failure(f"{side} sent {run['not_ours']} requests without a signature or without the published data")
    if not run["acknowledged"]:
        raise Failure(f"{side} acknowledged nothing ({run['refused']} refusals)")


# --- the report ----------------------------------------------------------------------------------------------------

ROWS = [
    ("acknowledged/s", "acknowledged_per_s", "{:,.0f}"),
    ("delivered/s", "delivered_per_s", "{:,.0f}"),
    ("lifecycles/s", "lifecycle_per_s", "{:,.0f}"),
    ("ack p50, ms", "ack_p50_ms", "{:.2f}"),
    ("ack p99, ms", "ack_p99_ms", "{:.2f}"),
    ("publish to receipt p50, ms", "receipt_p50_ms", "{:.2f}"),
    ("publish to receipt p99, ms", "receipt_p99_ms", "{:.2f}"),
    ("server CPU, µs an event", "server_cpu_us", "{:.1f}"),
    ("load CPU, µs an event", "load_cpu_us", "{:.1f}"),
    ("sink CPU, µs an event", "sink_cpu_us", "{:.1f}"),
    ("server peak memory, MB", "server_peak_mb", "{:.1f}"),
    ("CPU taken by others, %", "others_cpu_percent", "{:.0f}"),
    ("refused", "refused", "{:,.0f}"),
    ("sent twice", "duplicates", "{:,.0f}"),
    ("lost", "lost", "{:,.0f}"),
]


def spread_of(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def aggregate(options, runs):
    sides = {side: {key: spread_of([run[key] for run in of_side]) for key in of_side[0]}
             for side, of_side in runs.items()}
    result = {"scenario": options.scenario, "machine": machine(options), "settings": settings(options),
              "sides": sides, "runs": runs}
    if len(runs) == 2:
        # Neighbouring runs share the machine's mood, so each pair is divided before the median is taken.
        pairs = zip(runs["fanfare"], runs["floor"])
        result["ratio_to_floor"] = spread_of(
            [ours["lifecycle_per_s"] / max(floor["lifecycle_per_s"], 1) for ours, floor in pairs])
    return result


def machine(options):
    cpu = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    filesystem = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "-T", options.data], capture_output=True, text=True, check=False)
    return {"cpu": cpu.group(1) if cpu else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "filesystem": filesystem.stdout.strip()}


def settings(options):
    webhooks, fanout, types = SCENARIOS[options.scenario]
    return {"webhooks": webhooks, "deliveries_an_event": fanout, "event_types": types,
            "payload_bytes": options.payload, "connections": options.connections, "rate": options.rate,
            "runs": options.runs, "seconds": options.seconds, "warmup_seconds": options.warmup}


def cell(spread, form):
    text = form.format(spread["median"])
    if spread["min"] == spread["max"]:
        return text
    return f"{text} ({form.format(spread['min'])}–{form.format(spread['max'])})"


def print_table(result):
    about, how, sides = result["machine"], result["settings"], result["sides"]
    print(f"\n{result['scenario']}: {how['webhooks']} webhooks, {how['deliveries_an_event']} for each event, "
          f"{how['payload_bytes']} bytes, {how['connections']} connections, "
          + (f"{how['rate']} events/s, " if how["rate"] else "closed loop, ")
          + f"{how['runs']} runs of {how['seconds']:g} s; median (min–max)")
    print(f"{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, {about['filesystem']}\n")
    lines = [["", *sides]]
    lines += [[label, *(cell(side[key], form) for side in sides.values())] for label, key, form in ROWS]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join([line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:]))]))
    if "ratio_to_floor" in result:
        print(f"\nratio to the floor: {cell(result['ratio_to_floor'], '{:.2f}')}")
    print_noise(result)


def print_noise(result):
    """Says so when the numbers should not be trusted, rather than leaving it to the reader to notice."""
    for side, numbers in result["sides"].items():
        rate, others = numbers["lifecycle_per_s"], numbers["others_cpu_percent"]
        if rate["max"] - rate["min"] > 0.2 * rate["median"]:
            print(f"noisy machine: the runs of {side} differ by more than 20 %; trust ratios and CPU, not rates")
        if others["max"] > OTHERS_MAX_PERCENT:
            print(f"busy machine: other processes took up to {others['max']:.0f} % of it while {side} ran")


# --- the command ---------------------------------------------------------------------------------------------------


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", choices=SCENARIOS, default="throughput")
    parser.add_argument("--only", choices=SIDES, help="measure one side alone")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--warmup", type=float, default=1)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--payload", type=int, default=512, help="bytes of an event's data")
    parser.add_argument("--rate", type=int, default=0, help="events a second at fixed times; 0: closed loop")
    parser.add_argument("--smoke", action="store_true", help="one short run of each; no number is judged")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bench")
    parser.add_argument("--fanfare", type=pathlib.Path, default=ROOT / "build/release/fanfare")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "build/bench",
                        help="where databases and journals are written: a real disk, or flushing costs nothing")
    parser.add_argument("--json", type=pathlib.Path, help="default: build/bench/SCENARIO[-RATE].json")
    options = parser.parse_args()
    if options.smoke:
        options.runs, options.seconds, options.warmup, options.connections = 1, 0.5, 0.2, 16
    options.programs, options.fanfare = options.programs.resolve(), options.fanfare.resolve()
    options.data = options.data.resolve()
    name = f"{options.scenario}-{options.rate}" if options.rate else options.scenario
    options.json = options.json or options.data / f"{name}.json"
    return options


def check_built(options, sides):
    needed = [options.programs / name for name in ("floor", "load", "sink")]
    needed += [options.fanfare] if "fanfare" in sides else []
    missing = [str(path) for path in needed if not path.exists()]
    if missing:
        raise Failure(f"not built yet: {', '.join(missing)}; run ./dev build first")


def main():
    options = parse_options()
    sides = [options.only] if options.only else list(SIDES)
    runs = {side: [] for side in sides}
    try:
        check_built(options, sides)
        for number in range(options.runs):
            # Turn by turn, and the other way round each time, so that a slow spell hits both.
            for side in sides if number % 2 == 0 else reversed(sides):
                run = run_once(options, side)
                check(side, run)
                runs[side].append(run)
                print(f"run {number + 1} {side}: {run['lifecycle_per_s']:,.0f} lifecycles/s", flush=True)
    except (Failure, OSError, subprocess.TimeoutExpired) as failure:
        print(f"bench failed: {failure}", file=sys.stderr)
        return 1
    result = aggregate(options, runs)
    print_table(result)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
