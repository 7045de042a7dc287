# shellcheck shell=bash disable=SC2034,SC2154 # the scripts of build.sh share their variables
# test/bench/run.sh: Sluice beside its peers. Part of build.sh.

NODE_LIBCURL=4.1.0 # only the bench's
NAN=2.30.0

# build/bench: the server and the C peers of test/bench, and node-libcurl where it builds. A peer that is missing is left out.
build_bench() {
    need_native_compiler plain
    mkdir -p build/bench
    produce build/bench/server link_bench test/bench/server.c
    produce build/bench/sluice-native link_bench test/bench/peers/libcurl.c test/bench/peers/remote.c -Ic/include dist/native/libsluice.a
    if installed libcurl_here "libcurl, to compare with (once, 2 MB)" libcurl4-openssl-dev; then
        produce build/bench/libcurl link_bench test/bench/peers/libcurl.c -lcurl
        build_node_libcurl
    else
        say "no libcurl here: it and node-libcurl are left out"
    fi
}

# The module with the names of its functions, for profiles.
build_named_module() {
    need_wasm_compiler
    need_core
    compile_module
    produce build/bench/sluice.wasm link_named "${OBJECTS[@]}"
}

link_named() {
    "${COMPILER[@]}" "${LINK_FLAGS[@]}" -Wl,--gc-sections,--export-memory,-z,stack-size=65536 \
        "-Wl,-mllvm,-inline-threshold=$INLINE_MAX" -o "$1.linked" "${@:2}"
    node node_modules/binaryen/bin/wasm-opt "${WASM_OPT_FLAGS[@]}" --debuginfo "$1.linked" -o "$1"
    rm -f "$1.linked"
}

link_bench() { "${COMPILER[@]}" -o "$@"; }

# Its dependency nan is pinned to the registry's: the one it names is in a git repository.
build_node_libcurl() {
    local to=build/bench/node-libcurl
    [[ ! -e $to/.tried ]] || return 0
    say "building node-libcurl, to compare with (once, 30 s)"
    mkdir -p "$to"
    printf '{ "private": true, "overrides": { "nan": "%s" } }\n' "$NAN" >"$to/package.json"
    npm_config_build_from_source=true quietly node-libcurl.log timeout 600 npm install --prefix "$to" --no-audit --no-fund "node-libcurl@$NODE_LIBCURL" ||
        say "node-libcurl does not build here: it is left out"
    touch "$to/.tried"
}

verb_bench() {
    need_test_tools
    build_module
    SANITIZE='' verb_native
    build_bench
    build_named_module
    unlock
    exec node test/bench/bench.js "$@"
}
