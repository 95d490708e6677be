"""Tests of tidy.py: each rule must find what it bans and leave alone what only looks like it."""

import unittest

import count_tests
import tidy
import tidy_cpp
import tidy_rules


def rules_of(path, text):
    """The rules that one file breaks, README and tree rules aside."""
    code = tidy_cpp.strip(text)
    findings = tidy_rules.check_text(path, text)
    if path.endswith((".cc", ".h")):
        findings += tidy_rules.check_cpp(path, text, code, path.endswith("_test.cc"))
        findings += tidy_cpp.check_shape(path, text, code)
    return [f.rule for f in findings]


class Includes(unittest.TestCase):
    def test_pointing_down_is_fine(self):
        self.assertEqual(rules_of("src/domain/a.cc", '#include "base/time.h"\n#include "domain/event.h"\n'), [])

    def test_pointing_up_is_found(self):
        self.assertEqual(rules_of("src/base/a.cc", '#include "domain/event.h"\n'), ["include-order"])

    def test_siblings_do_not_know_each_other(self):
        for path, target in [("egress", "storage"), ("storage", "auth"), ("auth", "egress"), ("config", "telemetry"),
                             ("delivery", "net"), ("domain", "signing")]:
            self.assertEqual(rules_of(f"src/{path}/a.cc", f'#include "{target}/b.h"\n'), ["include-order"], path)

    def test_a_new_folder_needs_a_row(self):
        self.assertEqual(rules_of("src/novel/a.cc", ""), ["include-order"])

    def test_the_table_itself_points_down(self):
        def reach(module, path):
            self.assertNotIn(module, path, "a cycle of folders")
            for below in tidy_rules.MAY_INCLUDE[module].split():
                reach(below, path + [module])
        for module in tidy_rules.MAY_INCLUDE:
            reach(module, [])

    def test_tests_may_include_test_support(self):
        self.assertEqual(rules_of("src/delivery/a_test.cc", '#include "tests/support/x.h"\n'), [])
        self.assertEqual(rules_of("src/delivery/a.cc", '#include "tests/support/x.h"\n'), ["include-order"])

    def test_a_library_has_one_home(self):
        for header, home, elsewhere in [
                ("boost/asio/post.hpp", "src/net/a.cc", "src/delivery/a.cc"),
                ("llhttp.h", "src/net/a.h", "src/api/a.cc"),
                ("openssl/ssl.h", "src/net/a.cc", "src/signing/a.cc"),
                ("ares.h", "src/net/a.cc", "src/egress/a.cc"),
                ("sqlite3.h", "src/storage/sqlite/a.h", "src/storage/a.h"),
                ("spdlog/logger.h", "src/telemetry/a.cc", "src/api/a.cc"),
                ("boost/json.hpp", "src/domain/a.cc", "src/domain/a.h")]:
            self.assertNotIn("library-home", rules_of(home, f"#include <{header}>\n"), header)
            self.assertIn("library-home", rules_of(elsewhere, f"#include <{header}>\n"), header)

    def test_signing_may_use_digests(self):
        self.assertEqual(rules_of("src/signing/a.cc", "#include <openssl/evp.h>\n"), [])


class Words(unittest.TestCase):
    def test_banned_words_are_found_in_code(self):
        for code in ["auto t = std::chrono::steady_clock::now();", "std::jthread t;", "int x = rand();",
                     "std::this_thread::sleep_for(d);", "usleep(5);", 'std::printf("x");', "std::cout << 1;",
                     "co_await x;", "::connect(fd, a, n);", "if (::socket(1, 2, 3)) {}", "atoi(x);",
                     "std::random_device d;"]:
            self.assertEqual(rules_of("src/api/a.cc", code), ["banned-word"], code)

    def test_what_only_looks_like_them_is_not(self):
        for code in ["// ::now() is banned\n", 'auto s = "rand()";', "clock.wall_now();", "std::this_thread::get_id();",
                     "std::thread::id id;", "brand(1);", "random.operand();", "std::snprintf(b, n, f);",
                     "socket.connect(x);", "net::connect(x);", 'R"(sleep_for)";', "/* co_await */", "my_puts(1);"]:
            self.assertEqual(rules_of("src/api/a.cc", code), [], code)

    def test_homes_may(self):
        self.assertEqual(rules_of("src/base/clock.cc", "std::chrono::system_clock::now();"), [])
        self.assertEqual(rules_of("src/app/a.cc", "std::jthread t;"), [])
        self.assertEqual(rules_of("src/net/a_test.cc", "std::jthread t; ::socket(1, 2, 3);"), [])

    def test_tests_neither_sleep_nor_read_the_clock(self):
        self.assertEqual(rules_of("src/net/a_test.cc", "sleep_for(d); steady_clock::now();"), ["banned-word"] * 2)

    def test_unfinished_work_is_found_even_in_comments(self):
        self.assertEqual(rules_of("docs/a.md", "TODO: write\n"), ["unfinished"])
        self.assertEqual(rules_of("docs/a.md", "a mastodon\n"), [])

    def test_paths_of_a_machine(self):
        self.assertEqual(rules_of("dev", "cd /home/somebody/fanfare\n"), ["machine-path"])
        self.assertEqual(rules_of("dev", "cd build/work/x; cd $ROOT/work/\n"), [])

    def test_registry_hosts_and_resolved_lock_files(self):
        self.assertEqual(rules_of("a.json", "https://registry.npmjs.org/x"), ["registry-host"])
        self.assertEqual(rules_of("tests/x/package-lock.json", '"resolved": "y"'), ["registry-host"])
        self.assertEqual(rules_of("tests/x/package-lock.json", '"integrity": "y"'), [])

    def test_folders_that_say_nothing(self):
        self.assertEqual(rules_of("tests/utils/a.mjs", ""), ["folder-name"])
        self.assertEqual(rules_of("tests/support/utils.mjs", ""), [])

    def test_headers_say_what_they_are_for(self):
        self.assertEqual(rules_of("src/base/a.h", "#pragma once\n"), ["header-comment"])
        self.assertEqual(rules_of("src/base/a.h", "// A thing.\n"), ["header-guard"])


class Shape(unittest.TestCase):
    def test_lengths(self):
        self.assertEqual(rules_of("src/base/a.cc", "/" * 2 + "x" * 99), ["line-length"])
        self.assertEqual(rules_of("src/base/a.cc", "// " + "ä" * 97), [])
        self.assertEqual(rules_of("src/base/a.cc", "\n" * 601), ["file-length"])
        self.assertEqual(rules_of("src/base/a.h", "// x\n#pragma once\n" + "\n" * 249), ["file-length"])

    def test_a_long_function_is_found_wherever_it_stands(self):
        body = " {\n" + "  x();\n" * 69 + "}\n"
        for header in ["void f()", "int A::f(int x) const", "A::A(int x) : a_{x}, b_(1)", "auto f() -> int",
                       "TEST(A, B)", "template <class T>\n  requires(sizeof(T) > 1)\nvoid f(T t) noexcept",
                       "namespace a {\nclass B {\n public:\n  void f() override", "A& operator=(const A& b)"]:
            self.assertIn("function-length", rules_of("src/base/a.cc", header + body), header)

    def test_a_function_of_70_lines_is_fine(self):
        self.assertEqual(rules_of("src/base/a.cc", "void f() {\n" + "  x();\n" * 68 + "}\n"), [])

    def test_a_table_in_a_function_does_not_count(self):
        table = "  const int rows[] = {\n" + "      {1, 2},\n" * 90 + "  };\n"
        self.assertEqual(rules_of("src/base/a.cc", "void f() {\n" + table + "}\n"), [])

    def test_classes_and_namespaces_are_no_functions(self):
        self.assertEqual(rules_of("src/base/a.cc", "namespace a {\nstruct B {\n" + "  int x;\n" * 90 + "};\n}\n"), [])

    def test_nesting(self):
        three = "void f() {\n for (;;) {\n  if (a) {\n   while (b) {\n%s}\n}\n}\n}\n"
        self.assertEqual(rules_of("src/base/a.cc", three % "x();"), [])
        self.assertEqual(rules_of("src/base/a.cc", three % "if (c) {\n}\n"), ["nesting"])

    def test_else_and_switch_do_not_add_up(self):
        text = "void f() {\n if (a) {\n } else if (b) {\n } else if (c) {\n } else if (d) {\n } else {\n }\n}\n"
        self.assertEqual(rules_of("src/base/a.cc", text), [])

    def test_a_lambda_starts_anew(self):
        text = "void f() {\n for (;;) {\n if (a) {\n if (b) {\n g([&](int x) {\n if (c) {\n}\n});\n}\n}\n}\n}\n"
        self.assertEqual(rules_of("src/base/a.cc", text), [])

    def test_parameters(self):
        self.assertEqual(rules_of("src/base/a.cc", "void f(int a, int b, int c, int d, int e, int g) {}\n"), [])
        self.assertEqual(rules_of("src/base/a.cc", "void f(int a, int b, int c, int d, int e, int g, int h) {}\n"),
                         ["parameters"])

    def test_commas_inside_a_type_are_no_parameters(self):
        header = "void f(std::map<int, int> a, std::function<int(int, int, int)> b, T c = {1, 2, 3, 4})"
        self.assertEqual(tidy_cpp.parameters_of(header), 3)

    def test_digit_separators_and_raw_strings_are_read(self):
        text = "int a = 1'000'000;\nauto s = R\"x({ \" ' {)x\";\nchar c = '{';\nvoid f(int a) {\n}\n"
        kinds = [scope.kind for scope, _ in tidy_cpp.scopes(tidy_cpp.strip(text))]
        self.assertEqual(kinds, ["function"])


class Tree(unittest.TestCase):
    def test_every_folder_of_src_has_a_readme(self):
        rules = [f.rule for f in tidy_rules.check_readmes({"src/a/b/x.cc": "", "src/a/README.md": ""})]
        self.assertEqual(rules, ["readme"])

    def test_a_readme_is_short(self):
        rules = [f.rule for f in tidy_rules.check_readmes({"src/a/README.md": "x\n" * 41, "README.md": "x\n" * 99})]
        self.assertEqual(rules, ["readme"])

    def test_functions_named_by_a_document_exist(self):
        files = {"src/a/a.h": "class Journal { void commit(); };\nint plan(int x);"}
        for named in ["`Journal::commit`", "`fanfare::Journal::commit`", "`plan()`", "`commit`", "`Journal::commit()`"]:
            self.assertEqual(tidy_rules.check_named_functions("d", named, files), [], named)
        for named in ["`Journal::flush`", "`Diary::commit`", "`planned()`"]:
            self.assertEqual(len(tidy_rules.check_named_functions("d", named, files)), 1, named)

    def test_a_header_that_only_tests_include_is_a_test(self):
        files = {"src/a/x_test.cc": '#include "a/fixture.h"\n#include "a/x.h"\n', "src/a/x.cc": '#include "a/x.h"\n',
                 "src/a/fixture.h": '#include "a/inner.h"\n', "src/a/inner.h": "", "src/a/x.h": "", "src/a/unused.h": ""}
        self.assertEqual(tidy_rules.test_only_headers(files), {"src/a/fixture.h", "src/a/inner.h"})

    def test_tests_do_not_keep_a_name_alive(self):
        self.assertEqual(len(tidy_rules.check_named_functions("d", "`plan()`", {"src/a/a_test.cc": "plan();"})), 1)


class AllowList(unittest.TestCase):
    FINDING = tidy_rules.Finding("src/a.cc", 3, "nesting", "deep")

    def test_an_exception_silences_its_rule_in_its_file(self):
        self.assertEqual(tidy.apply_allowed([self.FINDING], {("src/a.cc", "nesting"): 1}), [])

    def test_an_exception_of_another_rule_does_not(self):
        left = tidy.apply_allowed([self.FINDING], {("src/a.cc", "parameters"): 1})
        self.assertIn(self.FINDING, left)

    def test_an_exception_that_nothing_needs_is_an_error(self):
        left = tidy.apply_allowed([], {("src/a.cc", "nesting"): 7})
        self.assertEqual([(f.path, f.line) for f in left], [(tidy.ALLOW_FILE, 7)])

    def test_an_exception_needs_a_reason(self):
        for line in ["src/a.cc nesting", "src/a.cc nesting # short", "src/a.cc"]:
            self.assertEqual(len(tidy.parse_allowed(line)[1]), 1, line)
        self.assertEqual(tidy.parse_allowed("# a comment\n\nsrc/a.cc nesting  # a parser table, flat to read\n"),
                         ({("src/a.cc", "nesting"): 3}, []))


class CountTests(unittest.TestCase):
    def test_ctest(self):
        self.assertEqual(count_tests.counts_of("98% tests passed, 2 tests failed out of 100\n"), (98, 2))

    def test_node_counts_cancelled_tests_as_failed(self):
        self.assertEqual(count_tests.counts_of("# tests 7\n# pass 4\n# fail 2\n# cancelled 1\n# skipped 0\n"), (4, 3))

    def test_unittest(self):
        self.assertEqual(count_tests.counts_of("Ran 3 tests in 0.1s\n\nOK\n"), (3, 0))
        self.assertEqual(count_tests.counts_of("Ran 5 tests in 1s\n\nFAILED (failures=1, errors=2)\n"), (2, 3))

    def test_plain(self):
        self.assertEqual(count_tests.counts_of("12 passed, 1 failed\n"), (12, 1))

    def test_several_runs_add_up(self):
        self.assertEqual(count_tests.counts_of("1 passed, 1 failed\n2 passed, 0 failed\n"), (3, 1))


if __name__ == "__main__":
    unittest.main()
