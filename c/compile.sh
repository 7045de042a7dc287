# shellcheck shell=bash disable=SC2034,SC2154 # the scripts of build.sh share their variables
# c/compile.sh: the module, the library for C guests, the native library. Part of build.sh.

CFLAGS=(-std=c11 -ffunction-sections -fdata-sections -Ic/include -Ic -Ibuild/src/picohttpparser -Ibuild/src/emmalloc)
WARNINGS=(-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
THIRD_PARTY=(build/src/picohttpparser/picohttpparser.c)
WASM_OPTIMISE=${WASM_OPTIMISE:--O2}
# Functions stay small: V8 optimises a large one in tens of milliseconds of CPU, once per process.
WASM_OPT_FLAGS=("$WASM_OPTIMISE" --one-caller-inline-max-function-size=100)

# Third-party symbols get our prefix in every build, so that a program with its own copy of the library still links.
for symbol in phr_parse_request phr_parse_response phr_parse_headers phr_decode_chunked phr_decode_chunked_is_in_data; do
    CFLAGS+=("-D$symbol=sl_$symbol")
done

# compile DIR SOURCE...: objects into DIR, those out of date only, on all cores (c/Makefile). Sets OBJECTS.
compile() {
    local dir=$1 source
    shift
    need_make
    OBJECTS=()
    for source; do
        [[ -e $source ]] || die "$source is missing"
        source=$dir/${source//\//_}
        OBJECTS+=("${source%.c}.o")
    done
    make -s --no-print-directory -j "$JOBS" -f c/Makefile "OBJDIR=$dir" "SOURCES=$*" "CC=$(words "${COMPILER[@]}")" \
        "CFLAGS=$(words "${CFLAGS[@]}")" "OWN=$(words "${WARNINGS[@]}" "${LENIENT[@]}")" || die "compiling failed"
}

# As one line of shell, for make to hand on.
words() {
    local line
    printf -v line '%q ' "$@"
    printf '%s' "${line//\$/\$\$}"
}

# produce TARGET RECIPE INPUT...: runs RECIPE OUTPUT INPUT... when an input (or a script of the build) is newer than TARGET or the list
# of inputs changed. TARGET is replaced whole, so that whoever reads it never sees half of it.
produce() {
    local target=$1 recipe=$2 input fresh=1
    local stamp=build/stamp/${target//\//_}
    shift 2
    [[ -e $target && -e $stamp && $(<"$stamp") == "$recipe $*" ]] || fresh=0
    for input in build.sh c/setup.sh c/compile.sh js/package.sh "$@"; do
        if [[ $input -nt $target ]]; then fresh=0; fi
    done
    if ((fresh)); then return; fi
    mkdir -p build/stamp "$(dirname "$target")"
    rm -f "$target.new"
    "$recipe" "$target.new" "$@"
    mv -f "$target.new" "$target"
    printf '%s' "$recipe $*" >"$stamp"
}

archive() { "${AR[@]}" rcs "$@"; }

# What every build needs: the third-party sources, and CORE: all that needs no host, without the JavaScript face.
need_core() {
    need_c_sources
    glob CORE 'c/engine/*.c' 'c/protocol/*.c' 'c/face/*.c'
    without CORE c/face/embed.c
    without CORE c/protocol/table_exchange.c
    CORE+=("${THIRD_PARTY[@]}")
}

# ---- WebAssembly ----

# A reactor: no main; what is exported and imported is marked in the C sources.
link_wasm() {
    "${COMPILER[@]}" "${LINK_FLAGS[@]}" -Wl,--gc-sections,--strip-debug,--export-memory,-z,stack-size=65536 -o "$@"
}

# wasm-opt reads from the module which features are on, then drops that note.
optimise_wasm() {
    node node_modules/binaryen/bin/wasm-opt "${WASM_OPT_FLAGS[@]}" --strip-debug --strip-producers --strip-target-features "$2" -o "$1"
}

# The same for a module that is fetched over a network at each first visit.
shrink_wasm() {
    local WASM_OPT_FLAGS=(-Oz)
    optimise_wasm "$@"
}

write_notices() {
    {
        printf 'Sluice is under the MIT license (see LICENSE). Its WebAssembly module and libraries contain the following.\n'
        printf '\npicohttpparser\n==============\n\n'
        awk '/^\/\*/ { on = 1; next } / \*\// { exit } on { sub(/^ \* ?/, ""); print }' "$2"
        printf '\nemmalloc (the module for browsers only)\n=======================================\n\n'
        printf 'Copyright (c) 2010-2014 Emscripten authors, 2018 The Emscripten Authors, under the MIT license.\n'
        printf '\nwasi-libc (WebAssembly only)\n============================\n\n'
        printf 'Parts of musl libc, Copyright (c) 2005-2020 Rich Felker, et al., under the MIT license, and of wasi-libc,\n'
        printf 'under the MIT license (or the Apache License 2.0, with LLVM exceptions, at your option).\n'
    } >"$1"
}

# dist/sluice.wasm, dist/sluice-fetch.wasm: the core without the C face, which nothing in them reaches.
build_module() {
    need_wasm_compiler
    need_core
    compile_module
    produce build/wasm-node/linked.wasm link_module "${OBJECTS[@]}"
    produce dist/sluice.wasm optimise_wasm build/wasm-node/linked.wasm
    build_fetch_module
    build_bundles
    produce dist/NOTICES write_notices build/src/picohttpparser/picohttpparser.c
}

# What dist/sluice.wasm is made of. It is compiled as a whole, so that small functions are inlined across files: a small
# request takes a seventh less time in it, and V8 has fewer functions to optimise. A higher threshold makes the module
# larger and the first requests slower.
INLINE_MAX=30
compile_module() {
    local COMPILER=("${COMPILER[@]}" -finline-functions -flto -mllvm "-inline-threshold=$INLINE_MAX")
    compile build/wasm-node "${CORE[@]}" c/face/embed.c c/host/wasm.c
}

link_module() { link_wasm "$@" "-Wl,-mllvm,-inline-threshold=$INLINE_MAX"; }

# dist/sluice-fetch.wasm, with the table of protocols that has exchange only. The first visit of a page waits for it: it is
# compiled for size, once more as a whole when it is linked, and has a smaller allocator. (For the other one that costs
# more than it saves: 0.7 KiB a transfer.) Compilers know too much of malloc to be shown its inside.
build_fetch_module() {
    local CORE=("${CORE[@]}") heap
    compile build/wasm c/host/heap.c
    heap=("${OBJECTS[@]}")
    local COMPILER=("${COMPILER[@]}" -Oz -flto)
    without CORE c/protocol/table.c
    compile build/wasm-fetch "${CORE[@]}" c/protocol/table_exchange.c c/face/embed.c c/host/wasm.c
    produce build/wasm-fetch/linked.wasm link_wasm "${OBJECTS[@]}" "${heap[@]}"
    produce dist/sluice-fetch.wasm shrink_wasm build/wasm-fetch/linked.wasm
}

# dist/wasi/libsluice.a: the C face for programs compiled to WebAssembly.
build_guest_library() {
    need_wasm_compiler
    need_core
    compile build/wasm "${CORE[@]}" c/host/wasm.c c/host/stdio.c c/host/stdio_print.c
    produce dist/wasi/libsluice.a archive "${OBJECTS[@]}"
    write_compiler dist/wasi/cc "C programs that run as guests of a host of Sluice's" "" "${GUEST_COMPILER[@]}" "-I$PWD/c/include" -- "$PWD/dist/wasi/libsluice.a"
}

# write_compiler FILE FOR REST COMPILER... -- WHAT LINKING TAKES...: a compiler's name for users, with all that a program needs.
# REST: what linking takes besides, but with -sJSPI.
write_compiler() {
    local file=$1 what=$2 rest=$3 compiler=()
    shift 3
    while [[ $1 != -- ]]; do
        compiler+=("$1")
        shift
    done
    shift
    {
        printf '#!/bin/sh\n# Made by build.sh: a compiler for %s; without linking after -c and the like.\nrest=%s\n' "$what" "$rest"
        printf 'for arg; do\n  case $arg in\n  -c | -S | -E | -M | -MM | --version) exec%s "$@" ;;\n  -sJSPI*) rest= ;;\n  esac\ndone\n' "$(printf ' %q' "${compiler[@]}")"
        printf 'exec%s "$@"%s $rest\n' "$(printf ' %q' "${compiler[@]}")" "$(printf ' %q' "$@")"
    } >"$file.new"
    chmod +x "$file.new"
    mv -f "$file.new" "$file"
}

# build/guests/NAME.wasm of the programs in test/guests and of the conformance scenarios': built as anybody's C program is.
build_guests() {
    local sources source
    glob sources 'test/guests/*.c' test/conformance/runner.c
    for source in "${sources[@]}"; do
        produce "build/guests/$(basename "$source" .c).wasm" link_guest "$source" dist/wasi/libsluice.a
    done
}

link_guest() { "${COMPILER[@]}" -std=c11 "${WARNINGS[@]}" "${LENIENT[@]}" -Ic/include -o "$@"; }

# ---- Native ----

# build_native MODE ARCHIVE
build_native() {
    local sources
    need_native_compiler "$1"
    need_core
    glob sources 'c/host/posix*.c' c/host/race.c c/host/resolve.c
    compile "build/native-$1" "${CORE[@]}" "${sources[@]}" c/host/stdio.c c/host/stdio_print.c
    produce "$2" archive_native "${OBJECTS[@]}"
}

# One object in which only the public names are visible, so that no other name of ours can clash with the program's.
archive_native() {
    local object=${1%.a.new}.o
    "${COMPILER[0]}" -r -nostdlib -o "$object" "${@:2}"
    "$OBJCOPY" --wildcard --keep-global-symbol='curl_*' --keep-global-symbol='sluice_*' "$object"
    archive "$1" "$object"
    rm -f "$object"
}

verb_wasm() {
    build_module
    build_guest_library
    build_guests
    build_types
    local module
    for module in dist/sluice.wasm dist/sluice-fetch.wasm; do
        say "$module: $(wc -c <"$module") bytes, $(gzip -9c "$module" | wc -c) gzipped"
    done
}

verb_native() {
    if [[ -n ${SANITIZE:-} && ${SANITIZE:-} != 0 ]]; then
        build_native address build/native-address/libsluice.a
    else
        build_native plain dist/native/libsluice.a
        produce build/conformance/runner link_conformance test/conformance/runner.c dist/native/libsluice.a
    fi
}

link_conformance() { "${COMPILER[@]}" -std=c11 "${WARNINGS[@]}" -o "$1" "${@:2}" -Ic/include; }

# install PREFIX: below a folder of their own the headers, because a system's libcurl may have its own in PREFIX/include.
verb_install() {
    [[ -n ${1:-} ]] || die "install where? ./build.sh install PREFIX, such as /usr/local"
    local prefix=${1%/} to headers
    [[ $prefix == /* ]] || prefix=$STARTED_IN/$prefix
    to=${DESTDIR:-}$prefix
    SANITIZE='' verb_native
    produce dist/NOTICES write_notices build/src/picohttpparser/picohttpparser.c
    install -d "$to"/{include/sluice/{curl,sluice},lib/pkgconfig,share/doc/sluice}
    for headers in curl sluice; do install -m 644 c/include/"$headers"/*.h "$to/include/sluice/$headers/"; done
    install -m 644 dist/native/libsluice.a "$to/lib/"
    install -m 644 LICENSE dist/NOTICES "$to/share/doc/sluice/"
    write_pc "$prefix" >"$to/lib/pkgconfig/sluice.pc"
    chmod 644 "$to/lib/pkgconfig/sluice.pc"
    say "installed: $to/lib/libsluice.a, $to/lib/pkgconfig/sluice.pc, headers in $to/include/sluice"
}

write_pc() {
    cat <<END
prefix=$1
libdir=\${prefix}/lib
includedir=\${prefix}/include/sluice

Name: sluice
Description: A transfer controller with libcurl's interface
Version: $(sed -n 's/^ *"version": "\(.*\)",$/\1/p' package.json | head -n 1)
Cflags: -I\${includedir}
Libs: -L\${libdir} -lsluice -pthread
END
}

verb_emscripten() {
    # shellcheck source=c/host/emscripten.sh
    source c/host/emscripten.sh
    if need_emcc; then
        build_emscripten
        say "dist/emscripten/libsluice.a: $(wc -c <dist/emscripten/libsluice.a) bytes, libsluice.js: $(wc -c <dist/emscripten/libsluice.js)," \
            "libsluice-node.js: $(wc -c <dist/emscripten/libsluice-node.js)"
    elif [[ $verb == emscripten ]]; then
        die "emcc is missing: put it on PATH or set EMSDK (Debian's, as pinned in c/host/emscripten.sh, cannot be had here: build/log/apt-*.log)"
    else
        say "no emcc to be had: what is compiled with it is left out ('./build.sh emscripten' tries again)"
    fi
}
