# shellcheck shell=bash disable=SC2034,SC2154 # the scripts of build.sh share their variables
# test/run.sh: what runs the tests. Part of build.sh.

SIM_SEEDS=${SIM_SEEDS:-200000}
COVERAGE_SEEDS=${COVERAGE_SEEDS:-5000}
CAMPAIGN_SEEDS=${CAMPAIGN_SEEDS:-200000}
C_TEST_SECONDS=${C_TEST_SECONDS:-120}
JEST_SECONDS=900  # Jest waits for ever for a handle that a failed test left open

# nginx, openssl and Chromium, which the tests talk to. Debian's nginx is unpacked, not installed: installing would start it.
need_test_tools() {
    have openssl || apt_install "openssl" openssl || die "openssl is missing: install it and put it on PATH"
    local unpacked=$PWD/build/tools/nginx/usr/sbin/nginx
    if have nginx; then
        SLUICE_NGINX=$(command -v nginx)
    elif [[ ! -x $unpacked ]]; then
        say "fetching nginx for the tests (once, 1 MB, unpacked, not installed)"
        { have apt-get && download_nginx; } || { have apt-get && apt_update && download_nginx; } ||
            die "nginx is missing: install it and put it on PATH"
    fi
    export SLUICE_NGINX=${SLUICE_NGINX:-$unpacked}
    "$SLUICE_NGINX" -v >/dev/null 2>&1 || die "$SLUICE_NGINX does not run here: install nginx and put it on PATH"
    if [[ -z ${SLUICE_CHROMIUM:-} ]]; then
        installed chromium_here "Chromium for the tests (once, 110 MB)" chromium ||
            die "chromium is missing: install it and put it on PATH, or set SLUICE_CHROMIUM to another Chromium ('./build.sh deps' tries again)"
        SLUICE_CHROMIUM=$(command -v chromium)
    fi
    export SLUICE_CHROMIUM
}

chromium_here() { have chromium; }

download_nginx() {
    local to=$PWD/build/tools/nginx
    rm -rf "$to" && mkdir -p "$to"
    (cd "$to" && apt-get "${APT_LISTS[@]}" -o APT::Sandbox::User= -q download nginx && dpkg-deb -x nginx_*.deb . && rm -f nginx_*.deb) >build/log/nginx.log 2>&1
}

# wait_for_room NAME: until fewer than JOBS of the processes in the array NAME run. False when one has failed. By number and
# not by `wait -n`, which is also answered by shells that fed a `<(...)`.
wait_for_room() {
    local -n waiting=$1
    local ok=0
    while ((${#waiting[@]} >= JOBS)); do
        wait "${waiting[0]}" || ok=1
        waiting=("${waiting[@]:1}")
    done
    return "$ok"
}

# build_test_archive MODE: core, stdio and test/c/support in build/native-MODE/test.a. An archive, so that a test that does
# not use the C API does not need what that calls, and the null host is taken only where there is no other.
build_test_archive() {
    local sources
    need_native_compiler "$1"
    need_core
    glob sources c/host/stdio.c c/host/stdio_print.c 'test/c/support/*.c'
    compile "build/native-$1" "${CORE[@]}" c/face/embed.c "${sources[@]}"
    produce "build/native-$1/test.a" archive "${OBJECTS[@]}"
    # alloc_fail.c stands between every program and its allocator, door_fail.c between the engine and its host.
    WRAP=("-Wl,-u,__wrap_malloc,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=sl_loop_new,--wrap=sl_open,--wrap=sl_recv,--wrap=sl_unrecv"
        "-Wl,--wrap=sl_move,--wrap=sl_send,--wrap=sl_move_out,--wrap=sl_info,--wrap=sl_want,--wrap=sl_close,--wrap=sl_wait,--wrap=sl_wake")
}

link_test() { "${COMPILER[@]}" "${WRAP[@]}" -o "$@"; }

# build_c_tests MODE: links test/c/*.c, sets C_TESTS. The first word of a file's name says what it is linked with besides:
# unit_ nothing, posix_ real sockets, sim_ the simulator.
build_c_tests() {
    local mode=$1 sources source name posix simulator linked
    build_test_archive "$mode"
    glob sources 'c/host/posix*.c' c/host/race.c c/host/resolve.c
    compile "build/native-$mode" "${sources[@]}"
    posix=("${OBJECTS[@]}")
    glob sources 'test/sim/*.c'
    without sources test/sim/main.c
    compile "build/native-$mode" "${sources[@]}"
    simulator=("${OBJECTS[@]}")
    glob sources 'test/c/*.c'
    compile "build/native-$mode" "${sources[@]}"
    C_TESTS=()
    for source in "${sources[@]}"; do
        name=$(basename "$source" .c)
        case $name in
        unit_*) linked=() ;;
        posix_*) linked=("${posix[@]}") ;;
        sim_*) linked=("${simulator[@]}") ;;
        *) die "$source: the name of a C test starts with unit_, posix_ or sim_" ;;
        esac
        C_TESTS+=("build/native-$mode/bin/$name")
        produce "build/native-$mode/bin/$name" link_test "build/native-$mode/test_c_$name.o" "${linked[@]}" "build/native-$mode/test.a"
    done
}

# run_c_tests MODE [NAME...]: one line a program; the output of those that fail. As many at a time as there are cores.
run_c_tests() {
    local mode=$1 program failed=0 pids=()
    shift
    build_c_tests "$mode"
    mkdir -p build/log
    for program in "${C_TESTS[@]}"; do
        [[ $# == 0 || " $* " == *" $(basename "$program") "* ]] || continue
        wait_for_room pids || failed=1
        run_c_test "$mode" "$program" &
        pids+=($!)
    done
    JOBS=1 wait_for_room pids || failed=1
    return "$failed"
}

run_c_test() {
    local name log started=$SECONDS
    name=$(basename "$2")
    log=build/log/$name.$1.log
    if timeout "$C_TEST_SECONDS" "$2" >"$log" 2>&1; then
        say "pass $name, $1: $(tail -n 2 "$log" | paste -sd ";") ($((SECONDS - started)) s)"
    else
        say "FAIL $name, $1 (exit $?): $2"
        tail -n 40 "$log" >&2
        return 1
    fi
}

# build/sim/sim.wasm: simulator and core as one module. SL_HOST_LINKED: the door's functions are in it, not imported.
build_sim_module() {
    local sources
    [[ -e test/sim/main.c ]] || return 0
    need_wasm_compiler
    need_core
    glob sources 'test/sim/*.c'
    without sources test/sim/main.c
    COMPILER+=(-DSL_HOST_LINKED)
    compile build/wasm-sim "${CORE[@]}" "${sources[@]}"
    produce build/sim/sim.wasm link_wasm "${OBJECTS[@]}"
}

# run_sim MODE SEEDS: builds the simulator's runner and runs seeds 1 to SEEDS, shared out to all cores.
run_sim() {
    local seeds=$2 sim=build/sim/sluice-sim-$1 sources
    local share=$((($2 + JOBS - 1) / JOBS)) from failed=0 started pids=() i
    [[ -e test/sim/main.c ]] || { say "no simulator yet (test/sim/main.c)" && return; }
    [[ $1 != plain ]] || sim=build/sim/sluice-sim
    build_test_archive "$1"
    glob sources 'test/sim/*.c'
    compile "build/native-$1" "${sources[@]}"
    produce "$sim" link_test "${OBJECTS[@]}" "build/native-$1/test.a"

    mkdir -p build/log
    started=$SECONDS
    for ((from = 1; from <= seeds; from += share)); do
        "$sim" "$from" "$((from + share > seeds ? seeds - from + 1 : share))" >"build/log/sim-$1.${#pids[@]}.log" 2>&1 &
        pids+=($!)
    done
    for i in "${!pids[@]}"; do
        wait "${pids[i]}" && continue
        failed=1
        tail -n 40 "build/log/sim-$1.$i.log" >&2
    done
    ((!failed)) || die "FAIL $sim (build/log/sim-$1.*.log)"
    say "pass $sim, $seeds seeds ($((SECONDS - started)) s)"
}

run_jest() {
    timeout "$JEST_SECONDS" node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js "$@"
}

# build/differential: the scenes of test/differential, once with Sluice and, where it can be had, once with libcurl.
build_differential() {
    local sources
    need_native_compiler plain
    glob sources 'test/differential/*.[ch]' 'c/include/*/*.h'
    produce build/differential/sluice link_scenes_sluice "${sources[@]}" dist/native/libsluice.a
    if installed libcurl_here "libcurl, to compare with (once, 2 MB)" libcurl4-openssl-dev; then
        produce build/differential/libcurl link_scenes_libcurl "${sources[@]}"
    fi
}

link_scenes() { "${COMPILER[@]}" -std=c11 "${WARNINGS[@]}" "${LENIENT[@]}" -o "$1" test/differential/*.c "${@:2}"; }

link_scenes_sluice() { link_scenes "$1" -Ic/include dist/native/libsluice.a; }

link_scenes_libcurl() { link_scenes "$1" -lcurl; }

libcurl_here() { have curl-config && [[ -e $(curl-config --prefix)/include/curl/curl.h || -n $(compgen -G '/usr/include/*/curl/curl.h') ]]; }

# ---- Verbs ----

verb_ctest() { run_c_tests address "$@"; }

verb_sim() {
    build_sim_module
    run_sim plain "${1:-$SIM_SEEDS}"
    run_sim address "$((${1:-$SIM_SEEDS} / 10))"
}

verb_differential() {
    SANITIZE='' verb_native
    build_differential
    verb_jest test/differential.test.js
}

# What C tests, simulator and the fuzzers' corpora reach; test/coverage.sh tells it and decides.
# shellcheck disable=SC2120 # its argument comes from the command line
verb_coverage() {
    have "llvm-cov-$LLVM" || apt_install "coverage tools" "llvm-$LLVM" || die "llvm-cov-$LLVM is missing: apt-get install llvm-$LLVM"
    rm -rf build/coverage && mkdir -p build/coverage/raw
    export LLVM_PROFILE_FILE=$PWD/build/coverage/raw/%m.profraw
    run_c_tests coverage
    run_sim coverage "${1:-$COVERAGE_SEEDS}"
    PROGRAMS=("${C_TESTS[@]}" build/sim/sluice-sim-coverage)
    # shellcheck source=test/fuzz/run.sh
    source test/fuzz/run.sh
    replay_fuzzers coverage
    test/coverage.sh "$LLVM" "${PROGRAMS[@]}"
}

verb_test() {
    verb_deps
    say "building"
    verb_wasm
    SANITIZE='' verb_native
    SANITIZE=1 verb_native
    build_differential
    verb_emscripten
    say "C tests"
    run_c_tests address
    say "simulator"
    verb_sim "$SIM_SEEDS"
    say "fuzzers"
    verb_fuzz test 60
    say "types"
    verb_types
    say "Jest"
    verb_jest "$@"
}

verb_fuzz() {
    # shellcheck source=test/fuzz/run.sh
    source test/fuzz/run.sh
    case ${1:-} in
    merge) merge_corpora ;;
    test) test_fuzzers "$2" ;;
    *) run_fuzzers "${1:-60}" "${@:2}" ;;
    esac
}

verb_jest() {
    need_npm
    need_test_tools
    unlock # so that a test may call this script
    run_jest "$@"
}

# shellcheck disable=SC2120 # likewise
verb_mutants() {
    verb_deps
    unlock
    node test/mutants/run.js "$@"
}

verb_campaign() {
    export SLUICE_CAMPAIGN=1 # what Jest leaves out otherwise
    local sanitizer
    for sanitizer in memory thread; do run_c_tests "$sanitizer"; done
    verb_coverage
    run_sim plain "$CAMPAIGN_SEEDS"
    run_sim address "$((CAMPAIGN_SEEDS / 10))"
    verb_test "$@"
    lock
    verb_mutants
    lock
    verb_git
    verb_runtimes "$@"
}

verb_git() {
    need_node
    SANITIZE='' verb_native
    # shellcheck source=test/git/run.sh
    source test/git/run.sh
    run_git
}
