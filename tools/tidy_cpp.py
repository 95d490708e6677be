"""The shape of C++ code, for tidy.py: sizes of files and functions, parameters, nesting.

No parser, but a reader of braces: comments and strings are blanked first, then each `{` is classified by the text in
front of it. That is exact enough for code that clang-format has laid out, and takes a second for the whole tree.
"""

import re

from tidy_rules import Finding, line_of

FILE_LINES_MAX = 600
HEADER_LINES_MAX = 250
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100
PARAMETERS_MAX = 6
NESTING_MAX = 3

TOKENS = re.compile(r"""
    //[^\n]* | /\*.*?\*/                                   # comments
  | R"(?P<mark>[^()\s\\"]*)\(.*?\)(?P=mark)"               # raw strings
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?<![0-9a-fA-F])(?P<char>'(?:\\.|[^'\\\n])+')          # not the ' of 1'000
""", re.VERBOSE | re.DOTALL)

CONTAINER = re.compile(r"\b(namespace|class|struct|union|enum)\b|^\s*extern\b")
CONTROL = re.compile(r"^(\[\[\w+\]\]\s*)?(if|for|while|switch|else|do|try|catch)\b|^\}?\s*else\b")
LAMBDA = re.compile(r"\]\s*(<[^{};]*>\s*)?(\([^{};]*\)\s*)?(mutable\s*|noexcept\s*)*(->[^{};]*)?$")
FUNCTION_TAIL = re.compile(r"(\)|\b(const|noexcept|override|final|try)|&)\s*$|->[\s\w:<>,*&()]+$")
INITIALIZERS = re.compile(r"\)\s*(noexcept\s*(\([^)]*\)\s*)?)?:(?!:)")
CASE = re.compile(r"^(case\b.*|default\s*):\s*$", re.DOTALL)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def strip(text):
    """The text with comments and the insides of strings blanked; offsets and lines stay."""
    def replace(match):
        token = match[0]
        if token.startswith("/"):
            return blank(token)
        return token[0] + blank(token[1:-1]) + token[-1]
    code = TOKENS.sub(replace, text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: blank(m[0]), code, flags=re.MULTILINE)


class Scope:
    def __init__(self, kind, start, brace, header, depth):
        self.kind, self.start, self.brace, self.header, self.depth = kind, start, brace, header, depth
        self.data_lines = 0  # of a function: lines of tables in it


def classify(header, is_inside_function):
    """What the brace behind `header` opens: container, function, lambda, control, block or init."""
    text = header.strip()
    if LAMBDA.search(text) and "[" in text:
        return "lambda"
    if is_inside_function:
        if CONTROL.match(text):
            return "control"
        if not text or CASE.match(text):
            return "block"
        return "container" if re.match(r"(struct|class|union|enum)\b", text) else "init"
    if INITIALIZERS.search(text):
        return "function" if text[-1] in ")}" else "init"
    if "(" in text and FUNCTION_TAIL.search(text) and not re.search(r"[^=!<>]=\s*$", text):
        return "function"
    return "container" if CONTAINER.search(text) or not text else "init"


def scopes(code):
    """Every scope of the code as (scope, end offset), innermost first."""
    stack, start, parentheses = [], 0, [0]  # how many are open in each scope: `for (;;)` ends no statement
    for match in re.finditer(r"[{};()]|(?<=[^:]):(?=\s*\n)", code):
        at, token = match.start(), match[0]
        innermost = stack[-1] if stack else None
        if token == "{":
            header = code[start:at]
            in_function = any(s.kind in ("function", "lambda") for s in stack)
            in_function = in_function and not (innermost.kind == "container")
            kind = classify(header, in_function)
            depth = 0 if innermost is None or kind in ("function", "lambda") else innermost.depth
            begin = start + len(header) - len(header.lstrip())
            # An initializer's brace is part of the text around it.
            stack.append(Scope(kind, start if kind == "init" else begin, at, header, depth + (kind == "control")))
            parentheses.append(0)
            start = at + 1
        elif token == "}":
            if not stack:
                continue
            parentheses.pop()
            scope = stack.pop()
            if scope.kind == "init" and not (stack and stack[-1].kind == "init"):
                for outer in stack:
                    outer.data_lines += code.count("\n", scope.brace, at)
            yield scope, at
            start = scope.start if scope.kind == "init" else at + 1
        elif token in "()":
            parentheses[-1] += 1 if token == "(" else -1
        elif token == ";":
            start = start if parentheses[-1] > 0 else at + 1
        elif innermost is None or innermost.kind != "init":
            header = code[start:at].strip()
            if re.fullmatch(r"public|private|protected|case\b.*|default", header, re.DOTALL):
                start = at + 1


def parameters_of(header):
    """How many parameters the function declared by `header` takes."""
    without_templates = re.sub(r"^\s*template\s*<.*?>\s*(?=[\w\[])", "", header, flags=re.DOTALL)
    match = re.search(r"(operator\s*\(\s*\)|[\w\]>=+*/!<-])\s*\(", without_templates)
    if not match:
        return 0
    depth, angle, count, has_text = 0, 0, 0, False
    for char in without_templates[match.end():]:
        if char in "([{":
            depth += 1
        elif char in ")]}":
            if depth == 0:
                break
            depth -= 1
        elif char == "<":
            angle += 1
        elif char == ">":
            angle -= 1
        elif char == "," and depth == 0 and angle <= 0:
            count += 1
        has_text = has_text or not char.isspace()
    return count + 1 if has_text else 0


def check_functions(path, code):
    findings, nested_at = [], set()
    for scope, end in scopes(code):
        line = line_of(code, scope.start)
        if scope.kind == "control" and scope.depth > NESTING_MAX and line not in nested_at:
            nested_at.add(line)
            findings.append(Finding(path, line, "nesting", f"{scope.depth} deep, at most {NESTING_MAX}"))
        if scope.kind != "function":
            continue
        # A table is data: it is read line by line and has no flow to lose.
        length = line_of(code, end) - line + 1 - scope.data_lines
        if length > FUNCTION_LINES_MAX:
            findings.append(Finding(path, line, "function-length", f"{length} lines, at most {FUNCTION_LINES_MAX}"))
        count = parameters_of(scope.header)
        if count > PARAMETERS_MAX:
            findings.append(Finding(path, line, "parameters", f"{count} parameters, at most {PARAMETERS_MAX}"))
    return findings


def check_shape(path, text, code):
    lines = text.split("\n")
    findings = []
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            findings.append(Finding(path, number, "line-length", f"{len(line)} columns, at most {LINE_COLUMNS_MAX}"))
    lines_max = HEADER_LINES_MAX if path.endswith(".h") else FILE_LINES_MAX
    if len(lines) - 1 > lines_max:
        findings.append(Finding(path, lines_max + 1, "file-length", f"{len(lines) - 1} lines, at most {lines_max}"))
    return findings + check_functions(path, code)
