# shellcheck shell=bash
# run.sh: the body of `./build.sh fuzz`, sourced by it: libFuzzer with ASan and UBSan over test/fuzz/fuzz_*.c.
#
# corpus/NAME holds what a run begins with, regressions/NAME each input that once failed: all are replayed first.
# New inputs go to build/fuzz/corpus/NAME; `fuzz merge` takes what adds coverage over into the committed corpus.

FUZZ_FLAGS=(-timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1)

# build_fuzzers [MODE]: sets FUZZERS to the names; they are in build/fuzz/bin, with another mode than address in build/fuzz-MODE/bin.
build_fuzzers() {
    local sources source name oracle linked to=build/fuzz${1:+-$1}
    need_native_compiler "${1:-address}"
    FUZZERS=()
    fuzzer_here || { say "no libFuzzer for ${COMPILER[0]}: the fuzzers are left out" && return; }
    need_core
    COMPILER+=(-fsanitize=fuzzer-no-link -Ibuild/src/llhttp -DLLHTTP_STRICT_MODE=1)
    compile "$to" "${CORE[@]}" c/face/embed.c c/host/stdio.c
    produce "$to/core.a" archive "${OBJECTS[@]}"
    glob sources 'test/fuzz/*.c'
    oracle=()
    if need_llhttp; then
        compile "$to" build/src/llhttp/{http,api,llhttp}.c
        oracle=("${OBJECTS[@]}")
    else
        say "no llhttp to be had (Debian's node-llhttp, as pinned): fuzz_http1_oracle is left out"
        without sources test/fuzz/fuzz_http1_oracle.c
    fi
    compile "$to" "${sources[@]}"
    for source in "${sources[@]}"; do
        name=$(basename "$source" .c)
        [[ $name == fuzz_* ]] || continue
        FUZZERS+=("$name")
        linked=()
        [[ $name != *_oracle ]] || linked=("${oracle[@]}")
        produce "$to/bin/$name" link_fuzzer "$to/test_fuzz_$name.o" "$to/test_fuzz_host.o" "${linked[@]}" "$to/core.a"
    done
}

# llhttp's generated C out of Debian's package, unpacked and not installed: the oracle of one fuzzer.
LLHTTP_SHA256=18d638bd98159df66340d300a75b4c9417449e41167dcefb7d10726cb79c13d2 # of its four files, in this order
need_llhttp() {
    local to=build/src/llhttp new=build/src/llhttp.new
    [[ ! -e $to/llhttp.h ]] || return 0
    [[ ! -e build/tools/without_llhttp ]] && have apt-get || return 1
    rm -rf "$new" && mkdir -p "$new" build/tools build/log
    if (cd "$new" && { apt-get "${APT_LISTS[@]}" -o APT::Sandbox::User= -q download node-llhttp || { apt_update && apt-get "${APT_LISTS[@]}" -o APT::Sandbox::User= -q download node-llhttp; }; } &&
        dpkg-deb -x node-llhttp_*.deb . && mv usr/share/llhttp/{http,api,llhttp}.c usr/share/include/llhttp/llhttp.h . &&
        cat {http,api,llhttp}.c llhttp.h | sha256sum | grep -q "^$LLHTTP_SHA256 ") >build/log/llhttp.log 2>&1; then
        rm -rf "$to" "${new:?}"/usr "$new"/*.deb && mv "$new" "$to"
        return 0
    fi
    rm -rf "$new" && touch build/tools/without_llhttp
    return 1
}

fuzzer_here() {
    [[ ${COMPILER[0]} == clang* ]] && compgen -G "$("${COMPILER[0]}" -print-resource-dir)/lib/linux/libclang_rt.fuzzer*.a" >/dev/null
}

link_fuzzer() { "${COMPILER[@]}" -fsanitize=fuzzer -o "$@"; }

# fuzz_one NAME SECONDS [RUNS]: the committed inputs, then new ones for that long; with RUNS, the same new ones each time and
# at most that many, so that a test run tells of the change it tests and not of its luck.
fuzz_one() {
    local name=$1 seconds=$2 options=() kept=() found=build/fuzz/corpus/$1 same=()
    if (($# > 2)); then
        found=build/fuzz/corpus-of-test/$name options+=(-seed=1 -reload=0 "-runs=$3")
        rm -rf "$found"
        # Where things lie in memory decides too what is mutated.
        ! setarch -R true 2>/dev/null || same=(setarch -R)
    fi
    mkdir -p "$found" build/fuzz/found
    [[ ! -d test/fuzz/corpus/$name ]] || kept+=("test/fuzz/corpus/$name")
    [[ ! -d test/fuzz/regressions/$name ]] || kept+=("test/fuzz/regressions/$name")
    [[ ! -e test/fuzz/$name.dict ]] || options+=("-dict=test/fuzz/$name.dict")
    if ((${#kept[@]})); then "build/fuzz/bin/$name" "${FUZZ_FLAGS[@]}" -runs=0 "-artifact_prefix=build/fuzz/found/$name-" "${kept[@]}" || return 1; fi
    ((seconds)) || return 0
    "${same[@]}" "build/fuzz/bin/$name" "${FUZZ_FLAGS[@]}" "${options[@]}" "-max_total_time=$seconds" \
        "-artifact_prefix=build/fuzz/found/$name-" "$found" "${kept[@]}"
}

# replay_fuzzers MODE: built that way, the committed inputs only. Adds the programs to PROGRAMS.
replay_fuzzers() {
    local name kept
    build_fuzzers "$1"
    for name in "${FUZZERS[@]}"; do
        glob kept "test/fuzz/corpus/$name" "test/fuzz/regressions/$name"
        PROGRAMS+=("build/fuzz-$1/bin/$name")
        ((!${#kept[@]})) || quietly "$name.$1.log" "build/fuzz-$1/bin/$name" "${FUZZ_FLAGS[@]}" -runs=0 "${kept[@]}" || return 1
    done
}

# run_fuzzers SECONDS [NAME...]: each that long, as many at a time as there are cores.
run_fuzzers() {
    local names=("${@:2}")
    build_fuzzers
    ((${#names[@]})) || names=("${FUZZERS[@]}")
    run_these "${names[*]}" "$1"
}

# run_these "NAME..." SECONDS [RUNS]: see fuzz_one.
run_these() {
    local name failed=0 pids=()
    unlock
    mkdir -p build/log
    for name in $1; do
        wait_for_room pids || failed=1
        fuzz_and_tell "$name" "${@:2}" &
        pids+=($!)
    done
    JOBS=1 wait_for_room pids || failed=1
    return "$failed"
}

fuzz_and_tell() {
    local name=$1 log=build/log/$1.log
    if fuzz_one "$@" >"$log" 2>&1; then
        say "pass $name, $(sed -n 's/^#\([0-9]*\).*DONE *cov: \([0-9]*\) ft: \([0-9]*\).*exec\/s: \([0-9]*\).*/\1 runs, \2 edges, \3 features, \4 a second/p' "$log" | tail -n 1)"
    else
        grep -aE 'FUZZ:|ERROR:|runtime error|SUMMARY' "$log" | head -n 20 >&2
        say "FAIL $name: $log; to replay: build/fuzz/bin/$name $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
        return 1
    fi
}

# merge_corpora: what the runs found and adds an edge, small inputs first, into the committed corpora.
merge_corpora() {
    local name
    build_fuzzers
    for name in "${FUZZERS[@]}"; do
        mkdir -p "build/fuzz/corpus/$name" "test/fuzz/corpus/$name"
        # Counting how often an edge is passed would make ten times as many inputs.
        "build/fuzz/bin/$name" -set_cover_merge=1 -use_counters=0 -max_len=1024 -timeout=10 "test/fuzz/corpus/$name" "build/fuzz/corpus/$name" \
            >"build/log/$name.merge.log" 2>&1 || die "merging failed: build/log/$name.merge.log"
        say "$name: $(find "test/fuzz/corpus/$name" -type f | wc -l) inputs, $(du -sb "test/fuzz/corpus/$name" | cut -f1) bytes"
    done
}

# test_fuzzers SECONDS: all of them in that time, however many cores there are, or fewer when their runs are done.
TEST_RUNS=50000
test_fuzzers() {
    local rounds
    build_fuzzers
    ((${#FUZZERS[@]})) || return 0
    rounds=$(((${#FUZZERS[@]} + JOBS - 1) / JOBS))
    run_these "${FUZZERS[*]}" "$(($1 / rounds))" "$TEST_RUNS"
    lock
}
