#!/usr/bin/env python3
"""Project law as a test: reads every file of the repository and reports what breaks a rule of ours.

The rules themselves are in tidy_rules.py (words, includes, paths) and tidy_cpp.py (shape of C++ code). Exceptions
stand in tidy_allow.txt with their reason; one that nothing needs any more is an error too, so that file only shrinks.
Usage: tools/tidy.py (from anywhere). Exit code 1 with one line for each finding.
"""

import pathlib
import re
import subprocess
import sys

import tidy_cpp
import tidy_rules

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALLOW_FILE = "tools/tidy_allow.txt"
REASON_LENGTH_MIN = 15
TEXT_BYTES_MAX = 2_000_000


def read_tree(root):
    """{path: text} of every text file that git knows or would add."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             cwd=root, check=True, capture_output=True).stdout.decode()
    files = {}
    for path in filter(None, listing.split("\0")):
        full = root / path
        if not full.is_file() or full.stat().st_size > TEXT_BYTES_MAX:
            continue
        data = full.read_bytes()
        if b"\0" not in data[:8000]:
            files[path] = data.decode(errors="replace")
    return files


def parse_allowed(text):
    """({(path, rule): line}, findings) from lines `path rule  # reason`."""
    allowed, findings = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\S+)\s+(\S+)\s+#\s*(.+)", line)
        if not match or len(match[3]) < REASON_LENGTH_MIN:
            findings.append(tidy_rules.Finding(ALLOW_FILE, number, "allow-list",
                                               "must read: path rule  # reason in words"))
        else:
            allowed[match[1], match[2]] = number
    return allowed, findings


def apply_allowed(findings, allowed):
    """What is left of the findings, with a new one for each exception that nothing needs."""
    used = {(f.path, f.rule) for f in findings}
    left = [f for f in findings if (f.path, f.rule) not in allowed]
    for (path, rule), number in allowed.items():
        if (path, rule) not in used:
            left.append(tidy_rules.Finding(ALLOW_FILE, number, "allow-list",
                                           f"{path} no longer needs {rule}: remove the line"))
    return left


def check(files):
    findings = []
    test_headers = tidy_rules.test_only_headers(files)
    for path, text in files.items():
        findings += tidy_rules.check_text(path, text)
        if path.endswith((".cc", ".h")):
            code = tidy_cpp.strip(text)
            is_test = path.endswith("_test.cc") or path in test_headers
            findings += tidy_rules.check_cpp(path, text, code, is_test)
            findings += tidy_cpp.check_shape(path, text, code)
    findings += tidy_rules.check_tree(files)
    allowed, allow_findings = parse_allowed(files.get(ALLOW_FILE, ""))
    return sorted(apply_allowed(findings, allowed) + allow_findings)


def main():
    findings = check(read_tree(ROOT))
    for finding in findings:
        print(f"{finding.path}:{finding.line}: {finding.rule}: {finding.message}")
    print(f"tidy: {len(findings)} findings" if findings else "tidy: the law is kept")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
