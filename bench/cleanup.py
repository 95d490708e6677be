#!/usr/bin/env python3
"""What a cleanup costs: the same load on the same store, with a cleanup under way and without, turn by turn.

Each run starts the server on a database that holds many events of three months ago. On the one side it is told to
remove them from the first second on, on the other not before next week. Prints both rates and their ratio; the goal is at
least 0.7. Fails below it, and if an event was lost.
"""

import argparse
import contextlib
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import time

import run

GOAL = 0.7
DAY_MS = 86_400_000
# side: how often the server cleans up; its first time is no later than that after the start.
INTERVALS = {"quiet": "7d", "cleaning": "1s"}
TABLES = {"events": ("id",), "attempts": ("delivery",), "deliveries": ("delivery",)}


def old_id(number, at_ms):
    """A UUIDv7 of that time; ids follow the numbers."""
    return (at_ms << 80 | 7 << 76 | 2 << 62 | number).to_bytes(16, "big")


def fill(database, count, payload):
    """Puts `count` old events with an attempt and a finished delivery each into a new database."""
    at_ms = int(time.time() * 1000) - 100 * DAY_MS
    with sqlite3.connect(database) as store:
        for table, id_columns in TABLES.items():
            columns = store.execute(f"SELECT name, type FROM pragma_table_info('{table}')").fetchall()
            blank = {"BLOB": b"", "TEXT": "", "INTEGER": 0}
            rows = ([old_id(number, at_ms) if name in id_columns else
                     b"x" * payload if name == "data" else b"t" * 16 if name in ("tenant", "webhook") else blank[kind]
                     for name, kind in columns] for number in range(count))
            store.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(columns))})", rows)
    store.close()


def count_left(database):
    before = old_id(0, int(time.time() * 1000) - DAY_MS)
    with contextlib.closing(sqlite3.connect(database)) as store:
        return store.execute("SELECT count(*) FROM events WHERE id < ?", (before,)).fetchone()[0]


def starter(side, interval):
    @contextlib.contextmanager
    def start(options, directory, sink, fanout):
        database = directory / "bench.db"
        subprocess.run([options.fanfare, "migrate", "up", "--database", f"sqlite:{database}"], check=True,
                       stderr=subprocess.DEVNULL)
        fill(database, options.old_events, options.payload)
        with run.start_fanfare(options, directory, sink, fanout, ["--cleanup-interval", interval]) as server:
            yield server
        check_work(side, options.old_events, count_left(database))
    return start


def check_work(side, before, left):
    """What is measured has to be what its name says: a cleanup from the first to the last moment, or none at all."""
    if side == "quiet" and left != before:
        raise run.Failure(f"{before - left} old events went where none should")
    if side == "cleaning" and left == before:
        raise run.Failure("the server removed nothing")
    if side == "cleaning" and left == 0:
        raise run.Failure("the cleanup was over before the load was; give it more --old-events")
    if side == "cleaning":
        print(f"  {before - left:,} of {before:,} old events, with attempts and deliveries, went meanwhile", flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--old-events", type=int, default=100_000)
    parser.add_argument("--programs", type=pathlib.Path, default=run.ROOT / "build/release/bench")
    parser.add_argument("--fanfare", type=pathlib.Path, default=run.ROOT / "build/release/fanfare")
    parser.add_argument("--data", type=pathlib.Path, default=run.ROOT / "build/bench")
    options = parser.parse_args()
    options.scenario, options.payload, options.connections, options.rate, options.warmup = "throughput", 512, 64, 0, 2
    for name in ("programs", "fanfare", "data"):
        setattr(options, name, getattr(options, name).resolve())
    return options


def main():
    options = parse_options()
    for side, interval in INTERVALS.items():
        run.SIDES[side] = (starter(side, interval), run.set_up_fanfare)
    rates = {side: [] for side in INTERVALS}
    try:
        run.check_built(options, ["fanfare"])
        for number in range(options.runs):
            for side in INTERVALS if number % 2 == 0 else reversed(INTERVALS):
                result = run.run_once(options, side)
                run.check(side, result)
                rates[side].append(result["lifecycle_per_s"])
                print(f"run {number + 1} {side}: {result['lifecycle_per_s']:,.0f} lifecycles/s, "
                      f"publish to receipt p99 {result['receipt_p99_ms']:.1f} ms", flush=True)
    except run.Failure as failure:
        print(f"cleanup.py: {failure}", file=sys.stderr)
        return 1
    ratio = statistics.median(cleaning / max(quiet, 1) for cleaning, quiet in zip(rates["cleaning"], rates["quiet"]))
    print(f"\nthroughput during a cleanup: {ratio:.2f} of the usual (goal: at least {GOAL})")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
