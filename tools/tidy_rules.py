"""The rules of tidy.py that are about words, includes, paths and documents. Each takes text and gives findings."""

import collections
import fnmatch
import posixpath
import re

Finding = collections.namedtuple("Finding", "path line rule message")

# Which folder of src may include which: includes point down only, and siblings do not know each other.
MAY_INCLUDE = {
    "base": "",
    "config": "base domain signing",
    "telemetry": "base",
    "domain": "base",
    "signing": "base domain",
    "net": "base domain",
    "egress": "base domain net",
    "storage": "base domain signing",
    "auth": "base domain signing",
    "transform": "base domain",
    "delivery": "base domain signing egress storage auth transform telemetry",
    "cluster": "base domain storage delivery telemetry",
    "api": "base domain signing net egress storage auth transform delivery cluster telemetry",
    "app": "base config telemetry domain signing net egress storage auth transform delivery cluster api",
    "cli": "base config telemetry domain signing net egress storage auth transform delivery cluster api app",
    "main.cc": "cli",
}

# A library's headers, the files that may include them (TESTS: tests, and
# headers that only tests include), and what the others use instead.
LIBRARY_HOMES = [
    (r"boost/asio|boost/system", "src/net/*", "base/loop.h"),
    (r"llhttp", "src/net/*", "net/http_server.h"),
    (r"openssl/(ssl|bio|x509)", "src/net/*", "net/ or signing/"),
    (r"ares", "src/net/*", "the resolver of net/"),
    (r"sqlite3", "src/storage/sqlite/*", "storage/store.h"),
    (r"spdlog|fmt/", "src/telemetry/*", "telemetry/log.h"),
    (r"toml\+\+", "src/config/toml_file.cc src/config/table_reader.h", "config/config.h"),
    (r"CLI/", "src/cli/*", "config/config.h"),
    (r"curl/", "src/cli/api_client.cc", "cli/api_client.h"),
    (r"boost/json", "src/domain/*.cc src/api/* src/cli/*.cc TESTS", "base/json_scan.h"),
    (r"boost/(?!asio|system|json)", "", "the standard library"),
    (r"(sys/socket|netdb|sys/epoll)\.h", "src/net/* src/egress/*", "net/"),
]

# Words that code (comments and strings aside) in src must not hold, who may, and what to write instead.
BANNED_CODE = [
    (r"::now\s*\(", "src/base/clock.cc", "base/clock.h: take `now` as an argument, or hold a Clock"),
    (r"std::j?thread\b(?!::)|\bpthread_create\b|std::async\b", "src/app/* TESTS",
     "a thread of app/: threads are created nowhere else"),
    (r"(?<![\w:.])s?rand\s*\(|std::(random_device|mt19937)", "src/base/random.cc TESTS", "base/random.h"),
    (r"\bsleep_(for|until)\b|(?<![\w.>])(u|nano)?sleep\s*\(", "", "Loop::after, or a condition to wait for"),
    (r"(?<!\w)(f|v|vf)?printf\s*\(|(?<!\w)f?puts\s*\(|std::c(out|err|log)\b",
     "src/cli/* src/app/* src/main.cc src/base/assert.cc TESTS", "telemetry/log.h"),
    (r"\bco_(await|yield|return)\b", "", "callbacks and small state machines: g++ 12 miscompiles coroutines"),
    (r"(?<![\w>])::(connect|socket|bind|accept4?|sendto|sendmsg|recvfrom)\s*\(", "src/net/* TESTS",
     "net/: nothing else opens a connection"),
    (r"\bgetaddrinfo\s*\(|\bgethostbyname\s*\(", "", "the resolver of net/"),
    (r"\b(strcpy|strcat|sprintf|gets|strtok|atoi|atol|atof)\s*\(", "", "std::string, std::from_chars"),
    (r"\busing namespace std\b(?!::)", "", "the names one by one"),
]

# Words that no text may hold, wherever it stands.
BANNED_TEXT = [
    (r"\b(TODO|FIXME|XXX)\b", "unfinished", "finish it, or open an issue and leave no trace here"),
    (r"(?<![\w.$}/-])/(home|root|work)/", "machine-path",
     "a path below the repository"),
    (r"registry[.]npmjs|deb[.]debian[.]org", "registry-host", "no host: clients know their own mirror"),
]

BANNED_FOLDERS = {"common", "util", "utils", "helpers", "misc"}
README_LINES_MAX = 40
LAW_FILES = ("tools/tidy_rules.py", "tools/tidy_test.py")  # they must spell what they ban


def matches(path, globs, is_test):
    return any(is_test if glob == "TESTS" else fnmatch.fnmatch(path, glob) for glob in globs.split())


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_text(path, text):
    """Rules for every text file."""
    findings = []
    if path in LAW_FILES:
        return findings
    for pattern, rule, instead in BANNED_TEXT:
        for match in re.finditer(pattern, text):
            findings.append(Finding(path, line_of(text, match.start()), rule, f"`{match[0].strip()}`: {instead}"))
    if posixpath.basename(path) in ("package-lock.json", ".package-lock.json") and '"resolved"' in text:
        findings.append(Finding(path, line_of(text, text.index('"resolved"')), "registry-host",
                                'a lock file without "resolved": npm config set omit-lockfile-registry-resolved'))
    folders = set(path.split("/")[:-1]) & BANNED_FOLDERS
    if folders:
        findings.append(Finding(path, 1, "folder-name", f"`{folders.pop()}` says nothing: name the thing it holds"))
    return findings


def project_includes(text):
    return re.findall(r'^#include "([^"]+)"', text, re.MULTILINE)


def test_only_headers(files):
    """Headers of src that tests include and the server does not."""
    def reached_from(paths):
        seen, waiting = set(), list(paths)
        while waiting:
            for target in project_includes(files.get(waiting.pop(), "")):
                if "src/" + target not in seen:
                    seen.add("src/" + target)
                    waiting.append("src/" + target)
        return seen
    sources = [p for p in files if p.endswith(".cc")]
    return (reached_from(p for p in sources if p.endswith("_test.cc"))
            - reached_from(p for p in sources if p.startswith("src/") and not p.endswith("_test.cc")))


def check_includes(path, text, is_test):
    module = path.split("/")[1]
    allowed = set(MAY_INCLUDE.get(module, "").split()) | {module}
    findings = []
    if module not in MAY_INCLUDE:
        findings.append(Finding(path, 1, "include-order", f"src/{module} has no row in MAY_INCLUDE of tidy_rules.py"))
    for match in re.finditer(r'^#include ([<"])([^>"]+)[>"]', text, re.MULTILINE):
        line, target = line_of(text, match.start()), match[2]
        if match[1] == '"':
            folder = target.split("/")[0]
            if folder not in allowed and not (is_test and folder == "tests"):
                findings.append(Finding(path, line, "include-order", f"{module} must not include {target}"))
            continue
        for pattern, homes, instead in LIBRARY_HOMES:
            if re.match(pattern, target) and not matches(path, homes, is_test):
                findings.append(Finding(path, line, "library-home", f"<{target}> does not belong here: use {instead}"))
    return findings


def check_cpp(path, text, code, is_test):
    """Rules for C++ files; `code` is the text with comments and strings blanked."""
    if not path.startswith("src/"):
        return []
    findings = check_includes(path, text, is_test)
    for pattern, homes, instead in BANNED_CODE:
        if matches(path, homes, is_test):
            continue
        for match in re.finditer(pattern, code):
            findings.append(Finding(path, line_of(code, match.start()), "banned-word",
                                    f"`{match[0].strip()}`: use {instead}"))
    if path.endswith(".h"):
        if not text.startswith("//"):
            findings.append(Finding(path, 1, "header-comment", "begin with what this is for"))
        if "#pragma once" not in text:
            findings.append(Finding(path, 1, "header-guard", "#pragma once"))
    return findings


def check_readmes(files):
    findings = []
    folders = {posixpath.dirname(p) for p in files if p.startswith("src/") and p.endswith((".cc", ".h"))} - {"src"}
    for folder in sorted(folders):
        if folder + "/README.md" not in files:
            findings.append(Finding(folder + "/README.md", 1, "readme", "is missing: what is the folder for?"))
    for path, text in files.items():
        is_ours = path.split("/")[0] in ("src", "tests", "bench", "tools")
        if is_ours and path.endswith("/README.md") and len(text.splitlines()) > README_LINES_MAX:
            findings.append(Finding(path, README_LINES_MAX + 1, "readme", f"is longer than {README_LINES_MAX} lines"))
    return findings


def check_named_functions(path, text, files):
    """Functions that a document names in backticks, as `Class::function` or `function()`, exist in src."""
    code = "\n".join(t for p, t in files.items() if p.startswith("src/") and p.endswith((".cc", ".h"))
                     and not p.endswith("_test.cc"))
    findings = []
    for match in re.finditer(r"`((?:\w+::)*)(~?\w+)(\(\))?`", text):
        scope, name = match[1][:-2].split("::")[-1], match[2]
        if not scope and not match[3]:
            continue
        is_defined = re.search(rf"\b{scope}::{name}\b", code) if scope else re.search(rf"\b{name}\(", code)
        is_declared = scope and any(
            re.search(rf"\b(class|struct|enum class|namespace)\s+(\w+::)*{scope}\b", t) and re.search(rf"\b{name}\b", t)
            for p, t in files.items() if p.startswith("src/") and p.endswith(".h"))
        if not is_defined and not is_declared:
            findings.append(Finding(path, line_of(text, match.start()), "named-function", f"{match[0]} is not in src"))
    return findings


def check_tree(files):
    """Rules that need more than one file."""
    findings = check_readmes(files)
    story = "docs/life-of-an-event.md"
    if story in files:
        findings += check_named_functions(story, files[story], files)
    return findings
