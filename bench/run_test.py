#!/usr/bin/env python3
"""What the driver makes of the programs' numbers, and that it fails when a run is worthless."""

import argparse
import pathlib
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402


def load_report(**changes):
    return {"acknowledged": 1200, "acknowledged_in_window": 1000, "refused": 0, "ack_p50_us": 1500,
            "ack_p99_us": 2500, "cpu_us": 12000, "peak_memory_kb": 1024, **changes}


def receipts(**changes):
    return {"distinct": 1200, "duplicates": 0, "unsigned": 0, "unmarked": 0, "in_window": 900, "cpu_us": 6000,
            "latency_p50_us": 2000, "latency_p99_us": 4000, "peak_memory_kb": 2048, **changes}


def summary(load=None, received=None, fanout=1):
    options = argparse.Namespace(seconds=2)
    return run.summarise(options, load or load_report(), received or receipts(),
                         {"cpu_us": 24000, "peak_memory_kb": 4096}, fanout)


class Summary(unittest.TestCase):
    def test_lifecycle_rate_is_the_smaller_of_acknowledged_and_delivered(self):
        self.assertEqual(summary()["lifecycle_per_s"], 450)
        self.assertEqual(summary(received=receipts(in_window=1100))["lifecycle_per_s"], 500)

    def test_deliveries_of_a_fan_out_count_as_one_lifecycle(self):
        self.assertEqual(summary(received=receipts(in_window=9000), fanout=10)["lifecycle_per_s"], 450)

    def test_cpu_is_divided_by_every_event_of_the_run(self):
        self.assertEqual(summary()["server_cpu_us"], 20)
        self.assertEqual(summary()["load_cpu_us"], 10)
        self.assertEqual(summary()["sink_cpu_us"], 5)

    def test_a_clean_run_passes(self):
        run.check("floor", summary())

    def test_one_lost_delivery_fails(self):
        for lost in (summary(received=receipts(distinct=1199)), summary(received=receipts(distinct=11999), fanout=10)):
            with self.assertRaisesRegex(run.Failure, "floor lost 1 deliver"):
                run.check("floor", lost)

    def test_a_request_without_signature_or_mark_fails(self):
        for wrong in ("unsigned", "unmarked"):
            with self.assertRaisesRegex(run.Failure, "without a signature"):
                run.check("floor", summary(received=receipts(**{wrong: 1})))

    def test_nothing_acknowledged_fails(self):
        nothing = summary(load_report(acknowledged=0, acknowledged_in_window=0, refused=7), receipts(distinct=0))
        with self.assertRaisesRegex(run.Failure, "acknowledged nothing .7 refusals"):
            run.check("floor", nothing)

    def test_median_comes_with_its_range(self):
        self.assertEqual(run.spread_of([3, 1, 2]), {"median": 2, "min": 1, "max": 3})
        self.assertEqual(run.cell(run.spread_of([3, 1, 2]), "{:.0f}"), "2 (1–3)")
        self.assertEqual(run.cell(run.spread_of([2, 2]), "{:.0f}"), "2")


class Machine(unittest.TestCase):
    def test_what_others_took_is_the_busy_time_that_is_not_ours(self):
        before, after = run.MachineUse(1000, 5000), run.MachineUse(1600, 6000)

        self.assertEqual(before.others_until(after, ours_us=500), 10)
        self.assertEqual(before.others_until(after, ours_us=700), 0)

    def test_time_of_the_machine_moves_forward(self):
        use = run.MachineUse.now()

        self.assertGreater(use.total_us, use.busy_us)
        self.assertGreater(use.busy_us, 0)


class Process(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.log = pathlib.Path(directory.name) / "log"

    def test_one_that_ends_early_fails_with_its_last_words(self):
        with run.Program("server", ["sh", "-c", "echo no such disk >&2; exit 3"], self.log) as program:
            with self.assertRaisesRegex(run.Failure, "(?s)server ended with status 3.*no such disk"):
                program.wait_for_address()

    def test_one_that_does_not_end_cleanly_fails(self):
        with run.Program("server", ["sleep", "60"], self.log) as program:
            with self.assertRaisesRegex(run.Failure, f"ended with status -{int(signal.SIGTERM)}"):
                program.stop()

    def test_address_is_read_from_its_output(self):
        script = "echo starting; echo '{\"message\":\"listening on http://127.0.0.1:4711\"}' >&2; exec sleep 60"
        with run.Program("server", ["sh", "-c", script], self.log) as program:
            self.assertEqual(program.wait_for_address(), "127.0.0.1:4711")


if __name__ == "__main__":
    unittest.main()
