#!/usr/bin/env python3
"""Sums up the stages of ./dev test as one line, `N passed, N failed`, from the summaries their runners print.

Understood are ctest, Node's TAP reporter, Python's unittest and a line of the form `N passed, N failed`. A stage that
failed without a failed test (it did not build, or crashed) counts as one failure, and a stage without any summary that
went well as one success: the line never says less than what happened.
"""

import argparse
import pathlib
import re

CTEST = re.compile(r"^\d+% tests passed, (\d+) tests failed out of (\d+)", re.MULTILINE)
TAP = re.compile(r"^# (pass|fail|cancelled) (\d+)$", re.MULTILINE)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(OK|FAILED)(?: \((.*)\))?", re.MULTILINE)
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


def counts_of(text):
    """(passed, failed) of one log."""
    passed = failed = 0
    for failures, total in CTEST.findall(text):
        passed += int(total) - int(failures)
        failed += int(failures)
    for kind, number in TAP.findall(text):
        if kind == "pass":
            passed += int(number)
        else:
            failed += int(number)
    for total, _, details in UNITTEST.findall(text):
        bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", details))
        passed += int(total) - bad
        failed += bad
    for good, bad in PLAIN.findall(text):
        passed += int(good)
        failed += int(bad)
    return passed, failed


def counts_of_stage(logs, name, has_failed):
    """(passed, failed) of one stage, from its log and TAP file."""
    passed = failed = 0
    for suffix in (".log", ".tap"):
        path = logs / (name + suffix)
        if path.exists():
            good, bad = counts_of(path.read_text(errors="replace"))
            passed, failed = passed + good, failed + bad
    if has_failed and failed == 0:
        return passed, 1
    if not has_failed and passed == 0 and (logs / (name + ".log")).exists():
        return 1, failed
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--logs", type=pathlib.Path, required=True)
    parser.add_argument("--failed", default="", help="names of failed stages, separated by spaces")
    parser.add_argument("stages", nargs="*")
    options = parser.parse_args()
    bad_stages = options.failed.split()
    sums = [counts_of_stage(options.logs, stage, stage in bad_stages) for stage in options.stages]
    print(f"{sum(p for p, _ in sums)} passed, {sum(f for _, f in sums)} failed")


if __name__ == "__main__":
    main()
