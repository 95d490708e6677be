# The stages of ./dev test. Sourced by ./dev. A stage is a function stage_NAME; what it prints is kept in
# build/test-logs/NAME.log, from which tools/count_tests.py sums up what passed and failed.

ALL_STAGES="tidy build unit contract asan verifiers clients e2e systems faults bench-smoke"
DEFAULT_STAGES=$ALL_STAGES
TEST_LOGS="$ROOT/build/test-logs"

stage_tidy() {
  python3 -m unittest discover -s tools -p '*_test.py' && python3 tools/tidy.py
}

stage_build() {
  build_everything release
}

# bench_smoke is a stage of its own.
run_ctest() {  # preset, pattern of tests to leave out, ctest arguments…
  local preset=$1 excluded=$2
  shift 2
  ctest --test-dir "build/$preset" -j "$JOBS" --output-on-failure --no-tests=error -E "$excluded" "$@"
}

# Contract suites are ordinary tests whose name says so.
stage_unit() {
  build_everything release && run_ctest release '^bench_smoke$|Contract'
}

stage_contract() {
  build_everything release && run_ctest release '^bench_smoke$' -R Contract
}

# Left out: tests that leave the process without a descriptor. The sanitizer's own check of a type opens a pipe, and
# takes it for a bad object when it cannot. They run in the unit stage.
stage_asan() {
  build_everything asan &&
    ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
      run_ctest asan '^bench_smoke$|WithoutDescriptors'
}

# npm runs only if the lock file is newer than what it installed.
install_node_modules() {  # directory
  [ -e "$1/package-lock.json" ] || return 0
  [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] ||
    npm ci --prefix "$1" --no-audit --no-fund --ignore-scripts
}

# People read the spec reporter; the TAP file is counted. A directory's subdirectories are other stages' business.
run_node_tests() {  # stage, directory…
  local stage=$1 directory
  local found files=
  shift
  for directory in "$@"; do
    found=$(find "$directory" -maxdepth 1 -type f -name '*.test.mjs' | sort)
    if [ -z "$found" ]; then
      echo "$directory has no tests (*.test.mjs)"
      return 1
    fi
    files+=" $found"
  done
  install_node_modules tests/verifiers || return 1
  # shellcheck disable=SC2086  # names of ours, without spaces
  node --test --test-reporter=spec --test-reporter-destination=stdout --test-reporter=tap \
    --test-reporter-destination="$TEST_LOGS/$stage.tap" $files
}

# The end-to-end tests check signatures with the libraries that the verifiers' directory installs.
stage_e2e() {
  build_server && run_node_tests e2e tests/support tests/e2e
}

# The requirements of the five systems, and a table of them. Long delays are tests of the engine on a simulated clock.
stage_systems() {
  local status=0
  build_everything release && run_node_tests systems tests/e2e/systems || status=1
  node tests/e2e/systems/table.mjs "$TEST_LOGS/systems.tap" || status=1
  return "$status"
}

stage_verifiers() {
  build_server && run_node_tests verifiers tests/verifiers
}

# Both publishers, against the real server. TypeScript's compiler comes from npm and is needed by its tests alone.
stage_clients() {
  local status=0
  build_server && install_node_modules clients/typescript || return 1
  run_node_tests clients clients/typescript/tests || status=1
  python3 -m unittest discover -s clients/python/tests || status=1
  return "$status"
}

stage_faults() {
  build_server && run_node_tests faults tests/faults
}

stage_bench_smoke() {
  build_everything release && python3 bench/run.py --smoke
}

run_stage() {  # name → status; prints its closing line
  local name=$1 start=$SECONDS status=0
  printf '\n== stage %s\n' "$name"
  rm -f "$TEST_LOGS/$name.log" "$TEST_LOGS/$name.tap"
  { "stage_${name//-/_}" 2>&1; } | tee "$TEST_LOGS/$name.log"
  status=${PIPESTATUS[0]}
  if [ "$status" = 0 ]; then
    printf '== stage %s: ok (%d s)\n' "$name" $((SECONDS - start))
  else
    printf '== stage %s: FAILED (%d s)\n' "$name" $((SECONDS - start))
  fi
  return "$status"
}

run_stages() {  # name…
  local name start=$SECONDS
  local -a failed=()
  mkdir -p "$TEST_LOGS"
  for name in "$@"; do
    run_stage "$name" || failed+=("$name")
    # Nothing that follows can say anything about code that does not build.
    if [ "$name" = build ] && [ "${failed[*]}" != "" ] && [ "${failed[-1]}" = build ]; then break; fi
  done
  printf '\n== all stages: %d s\n' $((SECONDS - start))
  if [ "${#failed[@]}" -gt 0 ]; then printf '== failed stages: %s\n' "${failed[*]}"; fi
  python3 tools/count_tests.py --logs "$TEST_LOGS" --failed "${failed[*]}" "$@"
  [ "${#failed[@]}" = 0 ]
}

stages_named() {  # name… → names, all of them for none
  local name
  for name in "$@"; do
    case " $ALL_STAGES " in
      *" $name "*) ;;
      *) die_usage "there is no test stage '$name'; stages: $ALL_STAGES" ;;
    esac
  done
  if [ $# = 0 ]; then echo "$DEFAULT_STAGES"; else echo "$@"; fi
}
