# shellcheck shell=bash
# run.sh: the body of `./build.sh fuzz`, sourced by it: libFuzzer with ASan and UBSan over test/fuzz/fuzz_*.c.
#
# corpus/NAME holds what a run begins with, regressions/NAME each input that once failed: all are replayed first.
# New inputs go to build/fuzz/corpus/NAME; `fuzz merge` takes what adds coverage over into the committed corpus.

FUZZ_FLAGS=(-timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1)

# build_fuzzers: sets FUZZERS to the names.
build_fuzzers() {
    local sources source name
    need_native_compiler address
    [[ ${COMPILER[0]} == clang* ]] || die "fuzzing needs clang-$LLVM"
    need_core
    COMPILER+=(-fsanitize=fuzzer-no-link -Itest/fuzz)
    compile build/fuzz "${CORE[@]}" c/engine/embed.c c/host/stdio.c
    produce build/fuzz/core.a archive "${OBJECTS[@]}"
    glob sources 'test/fuzz/*.c'
    compile build/fuzz "${sources[@]}"
    FUZZERS=()
    for source in "${sources[@]}"; do
        name=$(basename "$source" .c)
        [[ $name == fuzz_* ]] || continue
        FUZZERS+=("$name")
        produce "build/fuzz/bin/$name" link_fuzzer "build/fuzz/test_fuzz_$name.o" build/fuzz/test_fuzz_host.o build/fuzz/core.a
    done
}

link_fuzzer() { "${COMPILER[@]}" -fsanitize=fuzzer -o "$@"; }

# fuzz_one NAME SECONDS: the committed inputs, then new ones for that long.
fuzz_one() {
    local name=$1 seconds=$2 options=() kept=()
    mkdir -p "build/fuzz/corpus/$name" build/fuzz/found
    [[ ! -d test/fuzz/corpus/$name ]] || kept+=("test/fuzz/corpus/$name")
    [[ ! -d test/fuzz/regressions/$name ]] || kept+=("test/fuzz/regressions/$name")
    [[ ! -e test/fuzz/$name.dict ]] || options+=("-dict=test/fuzz/$name.dict")
    if ((${#kept[@]})); then "build/fuzz/bin/$name" "${FUZZ_FLAGS[@]}" -runs=0 "-artifact_prefix=build/fuzz/found/$name-" "${kept[@]}" || return 1; fi
    ((seconds)) || return 0
    "build/fuzz/bin/$name" "${FUZZ_FLAGS[@]}" "${options[@]}" "-max_total_time=$seconds" \
        "-artifact_prefix=build/fuzz/found/$name-" "build/fuzz/corpus/$name" "${kept[@]}"
}

# run_fuzzers SECONDS [NAME...]: each that long, all at once on as many cores as there are.
run_fuzzers() {
    local seconds=$1 name failed=0 log running=0 pids=() names=() i
    shift
    build_fuzzers
    unlock
    mkdir -p build/log
    for name in "${FUZZERS[@]}"; do
        [[ $# == 0 || " $* " == *" $name "* ]] || continue
        ((running < JOBS)) || { wait -n || true; running=$((running - 1)); }
        fuzz_one "$name" "$seconds" >"build/log/$name.log" 2>&1 &
        pids+=($!) names+=("$name")
        running=$((running + 1))
    done
    for i in "${!pids[@]}"; do
        name=${names[i]} log=build/log/$name.log
        if wait "${pids[i]}"; then
            say "pass $name, $(sed -n 's/^#\([0-9]*\).*DONE *cov: \([0-9]*\) ft: \([0-9]*\).*exec\/s: \([0-9]*\).*/\1 runs, \2 edges, \3 features, \4 a second/p' "$log" | tail -n 1)"
            continue
        fi
        failed=1
        grep -aE 'FUZZ:|ERROR:|runtime error|SUMMARY' "$log" | head -n 20 >&2
        say "FAIL $name: $log; to replay: build/fuzz/bin/$name $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
    done
    return "$failed"
}

# merge_corpora: what the runs found and adds coverage, at most 300 bytes each, into the committed corpora.
merge_corpora() {
    local name
    build_fuzzers
    for name in "${FUZZERS[@]}"; do
        mkdir -p "build/fuzz/corpus/$name" "test/fuzz/corpus/$name"
        "build/fuzz/bin/$name" -merge=1 -max_len="${FUZZ_KEEP:-300}" -timeout=10 "test/fuzz/corpus/$name" "build/fuzz/corpus/$name" >"build/log/$name.merge.log" 2>&1 ||
            die "merging failed: build/log/$name.merge.log"
    done
}
