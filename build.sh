#!/usr/bin/env bash
# Builds and tests Sluice. Each verb sets up what it needs, does only what is out of date, and works offline
# once set up. `./build.sh help` lists the verbs. To add one, write a function verb_NAME in the script that it belongs to, and
# a line in the help.
set -euo pipefail
# shellcheck disable=SC2034 # for the scripts below
STARTED_IN=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck disable=SC2034
JOBS=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

say() { printf 'sluice: %s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# quietly LOG COMMAND...: output goes to build/log/LOG; its end is shown only when the command fails.
quietly() {
    local log=build/log/$1
    shift
    mkdir -p build/log
    "$@" >"$log" 2>&1 && return
    tail -n 20 "$log" >&2
    return 1
}

# glob NAME PATTERN...: sets the array NAME to the files that exist, sorted.
glob() {
    local -n found=$1
    local pattern
    # shellcheck disable=SC2034 # found is the caller's array
    mapfile -t found < <(for pattern in "${@:2}"; do compgen -G "$pattern" || true; done | LC_ALL=C sort)
}

# without NAME VALUE: takes VALUE out of the array NAME.
without() {
    local -n array=$1
    local i
    for i in "${!array[@]}"; do [[ ${array[i]} != "$2" ]] || unset "array[i]"; done
}

# One build at a time in this tree. Tests run after the lock is given back: what they read is replaced whole.
lock() {
    mkdir -p build
    have flock || return 0
    exec 9>build/.lock
    flock -n 9 || { say "waiting for another build in this folder" && flock 9; }
}

unlock() { exec 9>&-; }

verb_help() {
    cat <<'END'
Usage: ./build.sh VERB

  run [URL] [-o FILE] ...   build the module, then start the command line tool with these arguments; without any: with
                            --scenes, what Sluice does, on real transfers
  demo                      build the module, then serve the demo page to this machine (PORT, 8080) and print its address
  wasm                      dist/sluice.wasm, dist/sluice-fetch.wasm (for browsers), dist/*.js (one file of js/ for each
                            entry of the package), dist/wasi/libsluice.a (for C guests), dist/types, dist/NOTICES
  emscripten                dist/emscripten/ (for C programs in browsers, over fetch, and in Node.js) and the programs that test it
  native                    dist/native/libsluice.a (SANITIZE=1: build/native-address/libsluice.a, under ASan and UBSan)
  install PREFIX            build the native library and install it there, with its headers and sluice.pc (DESTDIR is heeded)
  test [JEST ARGUMENT ...]  everything CI runs: both builds, C tests, simulator, types, Jest
  ctest [NAME ...]          only the C tests, under ASan and UBSan
  jest [ARGUMENT ...]       only Jest (builds nothing)
  sim [SEEDS]               only the simulator, plain and under ASan and UBSan
  fuzz [SECONDS [NAME ...]] only the fuzzers (test/fuzz/), each for that long (60); 'fuzz test 60' as CI does; 'fuzz merge'
                            takes what they found over into their committed corpora
  differential              only the scenes that run with libcurl and with Sluice
  coverage [SEEDS]          what the tests in C reach of c/engine, c/protocol, c/face and c/host; fails below its bounds
  types                     only the type check of js/
  mutants [TEXT]            only the mutants: small breaks of the engine that the tests must notice
  runtimes [ARGUMENT ...]   only Jest and the scenes, under the other releases of Node.js; scenes and conformance in Bun
                            and Deno; then workerd and Firefox
  git                       git built against the library clones, pushes and fetches
  campaign                  what takes too long for CI: many seeds, C tests under more sanitizers, the other runtimes
  bench [ROW ...] [--quick] Sluice beside node:net, node:http, undici, fetch and libcurl (--profile: where its time goes)
  deps                      only set up: npm packages, compilers, C sources, what the tests talk to
  clean [all]               remove what was built ('all': also what was fetched)

Variables: WASI_SDK_PATH    compile WebAssembly with this wasi-sdk
           SLUICE_C_SOURCES folder of unpacked C sources (picohttpparser/, emmalloc/) to use instead of fetching them
           SLUICE_CHROMIUM  the Chromium to test with, instead of the one on PATH
           SLUICE_FIREFOX   the Firefox to test with in 'runtimes', instead of the one on PATH
           SLUICE_YOWASP=1  compile WebAssembly with the clang from npm even if another is here
           WASM_OPTIMISE    -O2 (default), -Os ...
           BENCH_RUNS       runs of each peer and row in 'bench' (3); build/bench.json has the figures
           SIM_SEEDS        seeds of the simulator in 'test' and 'sim' (200000; a tenth under ASan); CAMPAIGN_SEEDS (200000)
END
}

verb_deps() {
    [[ $verb != deps ]] || rm -f build/tools/without_*
    need_wasm_compiler
    need_native_compiler plain
    need_c_sources
    need_test_tools
}

verb_run() {
    build_module
    unlock
    (($#)) || set -- --scenes
    SLUICE_COMMAND="$0 run" exec node dist/cli.js "$@"
}

verb_demo() {
    build_module
    unlock
    exec node js/demo/server.js
}

verb_clean() {
    rm -rf dist
    if [[ ${1:-} == all ]]; then
        rm -rf node_modules
        find build -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
    else
        find build -mindepth 1 -maxdepth 1 ! -name .lock ! -name src ! -name tools ! -name runtimes -exec rm -rf {} +
    fi
}

source c/setup.sh
source c/compile.sh
source js/package.sh
source test/run.sh
source test/runtimes.sh
source test/bench/run.sh

verb=${1:-help}
[[ $verb == -h || $verb == --help ]] && verb=help
declare -F "verb_$verb" >/dev/null || {
    verb_help >&2
    die "no verb '$verb'"
}
[[ $verb == help ]] || lock
"verb_$verb" "${@:2}"
