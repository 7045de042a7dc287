#!/usr/bin/env bash
# Builds and tests Sluice. Each verb sets up what it needs, does only what is out of date, and works offline
# once set up. `./build.sh help` lists the verbs. To add one, write a function verb_NAME and a line in the help.
set -euo pipefail
STARTED_IN=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"

# ---- Pins: everything that comes from elsewhere (npm packages are pinned in package-lock.json) ----------------

LLVM=22
APT_WASM=("clang-$LLVM" "lld-$LLVM" "llvm-$LLVM" "libclang-rt-$LLVM-dev-wasm32")
APT_NATIVE=("clang-$LLVM" "llvm-$LLVM" "libclang-rt-$LLVM-dev")
H2O_SUITE=bookworm # the one suite whose h2o still bundles picohttpparser
H2O_TARBALL=h2o_2.2.5+dfsg2.orig.tar.xz
H2O_SHA256=a46894bd85da6528d4ad90ce0443b48118718296175061a1a1156e9e3af60a0d
EMMALLOC_SUITE=bookworm # not the Emscripten that compiles (c/host/emscripten.sh): a suite that stays as it is
EMMALLOC_TARBALL=emscripten_3.1.6~dfsg.orig.tar.xz
EMMALLOC_SHA256=0a91953cc63b118b9553649de48a2d0731e668690b1f5f0189468fe892fa2c1a
NODE_OLDEST=20
NODE_LIBCURL=4.1.0 # only the bench's
NAN=2.30.0
RUNTIMES=(22.23.3 24.21.0 26.10.0) # the other releases of Node.js that `campaign` tests with, as npm packages
WORKERD=1.20261117.1 # likewise
PUPPETEER=24.43.1    # drives Firefox; the last for the oldest Node.js

OTHER_RUNTIMES=(bun@1.4.5 deno@2.9.6)      # those that are not Node.js, likewise

# ---- Settings --------------------------------------------------------------------------------------------------------

CFLAGS=(-std=c11 -ffunction-sections -fdata-sections -Ic/include -Ic -Ibuild/src/picohttpparser -Ibuild/src/emmalloc)
WARNINGS=(-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes)
THIRD_PARTY=(build/src/picohttpparser/picohttpparser.c)
WASM_OPTIMISE=${WASM_OPTIMISE:--O2}
# Functions stay small: V8 optimises a large one in tens of milliseconds of CPU, once per process.
WASM_OPT_FLAGS=("$WASM_OPTIMISE" --one-caller-inline-max-function-size=100)
SIM_SEEDS=${SIM_SEEDS:-200000}
COVERAGE_SEEDS=${COVERAGE_SEEDS:-5000}
CAMPAIGN_SEEDS=${CAMPAIGN_SEEDS:-200000}
C_TEST_SECONDS=${C_TEST_SECONDS:-120}
JEST_SECONDS=900  # Jest waits for ever for a handle that a failed test left open
JOBS=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# Third-party symbols get our prefix in every build, so that a program with its own copy of the library still links.
for symbol in phr_parse_request phr_parse_response phr_parse_headers phr_decode_chunked phr_decode_chunked_is_in_data; do
    CFLAGS+=("-D$symbol=sl_$symbol")
done

# ---- Small tools --------------------------------------------------------------------------------------------------

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

# ---- Setting up -----------------------------------------------------------------------------------------------------

APT_LISTS=() # options of a private package list, when the system has none and we may not fetch it

can_be_root() { ((EUID == 0)) || { have sudo && sudo -n true 2>/dev/null; }; }
as_root() { if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi; }

apt_update() {
    if can_be_root; then
        quietly apt-update.log as_root apt-get -q update
    else
        mkdir -p build/apt/system/partial build/apt/cache/archives/partial
        APT_LISTS=(-o "Dir::State::Lists=$PWD/build/apt/system" -o "Dir::Cache=$PWD/build/apt/cache")
        quietly apt-update.log apt-get "${APT_LISTS[@]}" -q update
    fi
}

# apt_install WHY PACKAGE...: false when this machine cannot (no apt, no root, no such package).
apt_install() {
    local why=$1
    shift
    have apt-get && can_be_root || return 1
    say "installing $why"
    local install=(as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@")
    quietly apt-install.log "${install[@]}" 2>/dev/null || { apt_update && quietly apt-install.log "${install[@]}"; }
}

# installed CHECK WHY PACKAGE...: CHECK holds, if need be after installing. What could not be installed is not tried at each
# build again, only by `deps`.
installed() {
    local failed=build/tools/without_$1
    "$1" && return
    [[ ! -e $failed ]] || return 1
    apt_install "${@:2}" && "$1" && return
    mkdir -p build/tools && touch "$failed"
    return 1
}

need_node() {
    local major=0
    if have node && have npm; then major=$(node -p 'process.versions.node.split(".")[0]'); fi
    ((major >= NODE_OLDEST)) || die "Node.js $NODE_OLDEST or newer with npm is missing: install it and put it on PATH"
}

need_npm() {
    need_node
    local stamp=node_modules/.sluice wanted
    wanted=$(cksum <package-lock.json)
    [[ -e $stamp && $(<"$stamp") == "$wanted" ]] && return
    say "installing npm packages (once, about 75 MB)"
    quietly npm.log npm ci --ignore-scripts --no-progress || die "npm packages are missing: 'npm ci' failed; it needs a reachable npm registry"
    printf '%s' "$wanted" >"$stamp"
}

# The WASI C library out of an npm package, for a compiler that brings none.
need_sysroot() {
    local archive=node_modules/@yowasp/clang/gen/llvm-resources.tar to=build/tools/wasi-sysroot
    [[ -e $to/.done && ! $archive -nt $to/.done ]] && return
    rm -rf "$to" && mkdir -p "$to"
    tar xf "$archive" -C "$to" include/wasm32-wasip1 lib/wasm32-wasip1 lib/wasm32-unknown-wasip1
    touch "$to/.done"
}

# Sets COMPILER, AR and LINK_FLAGS: $WASI_SDK_PATH, else Debian's clang, else the slower clang out of npm.
need_wasm_compiler() {
    need_npm
    LINK_FLAGS=(-mexec-model=reactor)
    LENIENT=()
    if [[ -n ${WASI_SDK_PATH:-} ]]; then
        COMPILER=("$WASI_SDK_PATH/bin/clang" --target=wasm32-wasip1 "--sysroot=$WASI_SDK_PATH/share/wasi-sysroot")
        AR=("$WASI_SDK_PATH/bin/llvm-ar")
        [[ -x ${COMPILER[0]} ]] || die "${COMPILER[0]} is missing: point WASI_SDK_PATH to an unpacked wasi-sdk"
    elif [[ -z ${SLUICE_YOWASP:-} ]] && installed wasm_clang_here "WebAssembly compiler (once, about 75 MB)" "${APT_WASM[@]}"; then
        need_sysroot
        COMPILER=("clang-$LLVM" --target=wasm32-wasip1 --sysroot=build/tools/wasi-sysroot)
        AR=("llvm-ar-$LLVM")
    else
        [[ -n ${SLUICE_YOWASP:-} ]] || say "no clang-$LLVM to be had: compiling with the one from npm (slower; './build.sh deps' tries again)"
        write_yowasp
        COMPILER=(node build/tools/yowasp.mjs clang --target=wasm32-wasip1)
        AR=(node build/tools/yowasp.mjs ar)
    fi
    GUEST_COMPILER=("${COMPILER[@]/--sysroot=build/--sysroot=$PWD/build}")
    GUEST_COMPILER=("${GUEST_COMPILER[@]/#build\//$PWD/build/}")
    # Some drivers run any wasm-opt they find; the result must not depend on that. Older drivers lack the option.
    if [[ ${COMPILER[0]} != node && $("${COMPILER[@]}" --help) == *--no-wasm-opt* ]]; then LINK_FLAGS+=(--no-wasm-opt); fi
    COMPILER+=("$WASM_OPTIMISE" -fno-inline-functions -DNDEBUG)
}

wasm_clang_here() {
    have "clang-$LLVM" && have "wasm-ld-$LLVM" && have "llvm-ar-$LLVM" &&
        [[ -e $("clang-$LLVM" -print-resource-dir)/lib/wasi/libclang_rt.builtins-wasm32.a ]]
}

# The npm clang works on files in memory: this hands it what the command line names and writes back what it made.
write_yowasp() {
    mkdir -p build/tools
    cat >build/tools/yowasp.mjs <<'END'
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { commands, Exit } from '@yowasp/clang';

const [tool, ...args] = process.argv.slice(2);
console.log = (line) => / fetched \d+% /.test(line) || console.error(line); // reading itself is not news
const tree = {};
const parts = (path) => path.split('/').filter((part) => part !== '' && part !== '.'); // its root is where we are
const folder = (path) => parts(path).slice(0, -1).reduce((at, part) => (at[part] ??= {}), tree);
const put = (path) => {
  if (!statSync(path).isDirectory()) folder(path)[path.split('/').at(-1)] = readFileSync(path);
  else for (const name of readdirSync(path)) if (/^[^.]+(\.[ch])?$/.test(name)) put(`${path}/${name}`);
};
const made = args.filter((arg, i) => (tool === 'ar' ? i === 1 : ['-o', '-MF'].includes(args[i - 1])));
made.forEach(folder);
for (const arg of args) {
  const path = arg.replace(/^-I/, '');
  if (!made.includes(path) && (path !== arg || /\.[aco]$/.test(path)) && existsSync(path)) put(path);
}
try {
  const out = await commands[tool](args, tree);
  for (const path of made) {
    const bytes = parts(path).reduce((at, part) => at?.[part], out);
    if (bytes !== undefined) writeFileSync(path, bytes);
  }
} catch (error) {
  if (!(error instanceof Exit)) throw error;
  process.exitCode = error.code || 1;
}
END
}

# need_native_compiler MODE: sets COMPILER, AR, OBJCOPY. `plain` is what users get; the others name a sanitizer and keep
# asserts. Debian's clang, else any C compiler here (whose warnings then do not stop the build).
need_native_compiler() {
    LENIENT=()
    if installed native_clang_here "native compiler (once, about 80 MB)" "${APT_NATIVE[@]}"; then
        COMPILER=("clang-$LLVM")
        OBJCOPY="llvm-objcopy-$LLVM"
    else
        local name
        for name in clang gcc cc; do have "$name" && break; done
        { have "$name" && have objcopy; } || die "a C compiler is missing: apt-get install ${APT_NATIVE[*]}"
        say "no clang-$LLVM to be had: compiling natively with $name ('./build.sh deps' tries again)"
        COMPILER=("$name")
        LENIENT=(-Wno-error)
        OBJCOPY=objcopy
    fi
    AR=(ar)
    # DWARF 4: what the valgrind and gdb of Debian 12 read of a newer compiler.
    COMPILER+=(-O2 -gdwarf-4 -fPIC -pthread -D_GNU_SOURCE)
    case $1 in
    plain) COMPILER+=(-DNDEBUG) ;;
    coverage) COMPILER+=(-DNDEBUG -fprofile-instr-generate -fcoverage-mapping) ;;
    address) COMPILER+=(-fsanitize=address -fsanitize=undefined -fno-omit-frame-pointer -fno-sanitize-recover=all) ;;
    *) COMPILER+=("-fsanitize=$1" -fno-omit-frame-pointer -fno-sanitize-recover=all) ;;
    esac
}

native_clang_here() {
    have "clang-$LLVM" && have "llvm-objcopy-$LLVM" &&
        compgen -G "$("clang-$LLVM" -print-resource-dir)/lib/linux/libclang_rt.asan*.a" >/dev/null
}

# picohttpparser and emmalloc into build/src: from SLUICE_C_SOURCES, else out of Debian's source packages.
need_c_sources() {
    need_c_source picohttpparser deps/picohttpparser "$H2O_SUITE" h2o "$H2O_TARBALL" "$H2O_SHA256" picohttpparser.{c,h}
    need_c_source emmalloc system/lib "$EMMALLOC_SUITE" emscripten "$EMMALLOC_TARBALL" "$EMMALLOC_SHA256" emmalloc.c
}

# need_c_source NAME FOLDER SUITE PACKAGE TARBALL SHA256 FILE...: those files, which are in FOLDER of the tarball.
need_c_source() {
    local name=$1 folder=$2 suite=$3 package=$4 tarball=$5 sha256=$6 to=build/src/$1 from
    shift 6
    if [[ -n ${SLUICE_C_SOURCES:-} ]]; then
        for from in "$SLUICE_C_SOURCES"/{"$name","$folder"}; do
            [[ -e $from/$1 ]] || continue
            copy_c_sources "$from" "$to" "$@"
            return
        done
        die "no $name/$1 in SLUICE_C_SOURCES=$SLUICE_C_SOURCES"
    fi
    [[ ! -e $to/$1 ]] || return 0
    have xz || apt_install "xz" xz-utils || die "xz is missing: install it and put it on PATH"
    say "fetching the source of $name (once, out of Debian's $package, 10 to 20 MB)"
    fetch_debian_source "$suite" "$package" "$tarball" "$sha256" ||
        die "$name is missing: unpack it (Debian's $tarball has it in $folder) and set SLUICE_C_SOURCES to the folder that holds $name/"
    rm -rf build/src.new && mkdir -p build/src.new
    tar xf "build/apt/$tarball" -C build/src.new --strip-components=1 --wildcards "${@/#/*/$folder/}"
    copy_c_sources "build/src.new/$folder" "$to" "$@"
    rm -rf build/src.new build/apt/"$package"_*
}

# copy_c_sources FROM TO FILE...: those that differ, without what they include of Emscripten (c/host/heap.c stands for it).
copy_c_sources() {
    local file
    mkdir -p "$2"
    for file in "${@:3}"; do
        sed '/^#include <emscripten/d' "$1/$file" >"$2/$file.new"
        if cmp -s "$2/$file.new" "$2/$file"; then rm "$2/$file.new"; else mv "$2/$file.new" "$2/$file"; fi
    done
}

# private_apt KIND SUITE: sets APT_PRIVATE, options of an apt that knows the sources (deb-src) or packages (deb) of that suite. Its
# configuration is derived from the machine's: no host name is written here, signatures are checked, and the system's
# settings stay untouched.
private_apt() {
    local here=$PWD/build/apt
    have apt-get || return 1
    mkdir -p "$here"/{parts,lists/partial,cache/archives/partial}
    debian_uris "$@" >"$here/sources.list"
    [[ -s $here/sources.list ]] || { apt_update && debian_uris "$@" >"$here/sources.list"; }
    [[ -s $here/sources.list ]] || return 1
    APT_PRIVATE=(-o "Dir::Etc::SourceList=$here/sources.list" -o "Dir::Etc::SourceParts=$here/parts" -o "Dir::State::Lists=$here/lists"
        -o Dir::State::Status=/dev/null -o "Dir::Cache=$here/cache" -o APT::Sandbox::User= -q)
    quietly apt-private.log apt-get "${APT_PRIVATE[@]}" update
}

# fetch_debian_source SUITE PACKAGE FILE SHA256: into build/apt.
fetch_debian_source() {
    local suite=$1 package=$2 file=$3 sha256=$4
    private_apt deb-src "$suite" || return 1
    (cd build/apt && apt-get "${APT_PRIVATE[@]}" source --download-only --tar-only "$package") >build/log/apt-source.log 2>&1 || return 1
    (cd build/apt && printf '%s  %s\n' "$sha256" "$file" | sha256sum --check --quiet) || die "$file is not the one that was pinned"
}

# unpack_debian_package FOLDER PACKAGE VERSION SHA256 SUITE...: out of the first suite that has that version.
unpack_debian_package() {
    local to=$1 package=$2 version=$3 sha256=$4 suite file
    for suite in "${@:5}"; do
        private_apt deb "$suite" || return 1
        rm -f "build/apt/$package"_*.deb
        (cd build/apt && apt-get "${APT_PRIVATE[@]}" download "$package=$version") >build/log/apt-download.log 2>&1 || continue
        file=$(compgen -G "build/apt/${package}_*.deb")
        printf '%s  %s\n' "$sha256" "$file" | sha256sum --check --quiet || die "$package $version is not the one that was pinned"
        dpkg-deb -x "$file" "$to" && rm -f "$file"
        return
    done
    return 1
}

debian_uris() {
    # shellcheck disable=SC2016 # the $(...) are apt's own
    apt-get "${APT_LISTS[@]}" indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' |
        awk -F'|' -v kind="$1" -v suite="$2" '$1 == "Debian" && $2 == "Debian" && $3 == "main" {
            line = kind " [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " $4 " " suite " main"
            if (!seen[line]++) print line }'
}

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

# ---- Compiling -----------------------------------------------------------------------------------------------------------

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

# compile DIR SOURCE...: objects into DIR, those out of date only, on all cores. Sets OBJECTS.
compile() {
    local dir=$1 source object flags pids=() failed=0
    local command=("${COMPILER[@]}" "${CFLAGS[@]}")
    shift
    mkdir -p "$dir"
    [[ -e $dir/command && $(<"$dir/command") == "${command[*]}" ]] || rm -f "$dir"/*.o
    printf '%s' "${command[*]}" >"$dir/command"
    OBJECTS=()
    for source; do
        [[ -e $source ]] || die "$source is missing"
        object=$dir/${source//\//_}
        object=${object%.c}.o
        OBJECTS+=("$object")
        object_fresh "$object" && continue
        case $source in
        build/*) flags=(-w) ;; # third-party
        test/*) flags=("${WARNINGS[@]}" "${LENIENT[@]}" -Itest/sim -Itest/c/support) ;;
        *) flags=("${WARNINGS[@]}" "${LENIENT[@]}") ;;
        esac
        wait_for_room pids || failed=1
        "${command[@]}" "${flags[@]}" -c -MMD -MF "$object.d" -o "$object" "$source" &
        pids+=($!)
    done
    JOBS=1 wait_for_room pids || failed=1
    ((!failed)) || die "compiling failed"
}

# An object is fresh while it is newer than everything its dependency file names.
object_fresh() {
    [[ -e $1 && -e $1.d ]] || return 1
    local words word
    read -r -d '' -a words <"$1.d" || true
    for word in "${words[@]:1}"; do
        [[ $word == \\ || (-e $word && ! $word -nt $1) ]] || return 1
    done
}

# produce TARGET RECIPE INPUT...: runs RECIPE OUTPUT INPUT... when an input (or this script) is newer than TARGET or the list
# of inputs changed. TARGET is replaced whole, so that whoever reads it never sees half of it.
produce() {
    local target=$1 recipe=$2 input fresh=1
    local stamp=build/stamp/${target//\//_}
    shift 2
    [[ -e $target && -e $stamp && $(<"$stamp") == "$recipe $*" ]] || fresh=0
    for input in build.sh "$@"; do
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

# ---- WebAssembly --------------------------------------------------------------------------------------------------------

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

# dist/NAME.js and its map, of an entry in js/ with all that it imports: what is installed. One file is read in a third of the
# time of the many; the maps lead to js/, which is in the package too.
build_bundles() {
    local sources
    glob sources 'js/*.js' 'js/*.cjs' 'js/cli/*.js' 'js/hosts/*.js'
    [[ -e dist/index.js ]] || rm -f build/bundles.done
    produce build/bundles.done bundle_all dist/sluice.wasm dist/sluice-fetch.wasm "${sources[@]}"
}

bundle_all() {
    bundle js/inline-node.js dist/index.js --platform=node --loader:.wasm=base64
    bundle js/cli.js dist/cli.js --platform=node
    bundle js/browser.js dist/browser.js --platform=browser
    bundle js/inline.js dist/inline.js --platform=browser --loader:.wasm=base64
    bundle js/workerd.js dist/workerd.js --platform=neutral '--external:*.wasm' '--external:cloudflare:*'
    cp js/require.cjs dist/require.cjs
    touch "$1"
}

# bundle ENTRY TO OPTION...: by way of build/, which is as deep as dist/, for what the map says.
bundle() {
    local made=build/${2#dist/}
    node node_modules/esbuild/bin/esbuild "$1" --bundle --format=esm --target=es2022 --charset=utf8 \
        --sourcemap --sources-content=false --log-level=warning "${@:3}" "--outfile=$made"
    mv -f "$made.map" dist/ && mv -f "$made" dist/
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

# dist/types: declarations for TypeScript users. An error in them is for `test` to fail on, not for a build.
build_types() {
    local sources
    glob sources 'js/*.js' 'js/*.cts' 'js/*/*.js'
    ((${#sources[@]})) || return 0
    [[ -d dist/types ]] || rm -f build/types.done
    produce build/types.done emit_types js/tsconfig.json "${sources[@]}"
}

emit_types() {
    rm -rf build/types && mkdir -p build/log
    node node_modules/typescript/bin/tsc -p js/tsconfig.json --outDir build/types >build/log/types.log ||
        say "js/ has type errors: see './build.sh types'"
    # For TypeScript before 5.7, whose Uint8Array takes no parameter, and for programs without the library of `await using`.
    find build/types -name '*.d.ts' -exec sed -i 's/Uint8Array<ArrayBufferLike>/Uint8Array/g' {} +
    sed -i '1i /// <reference lib="esnext.disposable" />' build/types/index.d.ts
    cp js/require.d.cts build/types/
    mkdir -p dist && rm -rf dist/types && mv build/types dist/types && touch "$1"
}

# ---- Native ---------------------------------------------------------------------------------------------------------------

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

# ---- Tests -----------------------------------------------------------------------------------------------------------------

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

# need_package FOLDER PACKAGE@VERSION WHAT: into build/runtimes/FOLDER/node_modules.
need_package() {
    local to=build/runtimes/$1
    [[ -e $to/.done ]] && return
    say "installing $3 to test with (once)"
    mkdir -p "$to"
    # A folder of its own instead of --prefix, which would look for npm's global settings in there.
    echo '{ "private": true }' >"$to/package.json"
    quietly runtimes.log env -C "$to" npm install --ignore-scripts --no-save --no-audit --no-fund "$2" && touch "$to/.done"
}

# need_runtime VERSION: Node.js of that version in build/runtimes/VERSION/bin. The package holds nothing but the program.
need_runtime() {
    local package
    [[ -x build/runtimes/$1/bin/node ]] && return
    package=node-$(node -p 'process.platform + "-" + process.arch')
    need_package "$1" "$package@$1" "Node.js $1" && ln -sfn "node_modules/$package/bin" "build/runtimes/$1/bin"
}

# Sets SLUICE_WORKERD: the program itself, not the script that starts it.
need_workerd() {
    local programs
    need_package "workerd-$WORKERD" "workerd@$WORKERD" "workerd $WORKERD" || return 1
    glob programs "$PWD/build/runtimes/workerd-$WORKERD/node_modules/@cloudflare/workerd-*/bin/workerd"
    [[ -x ${programs[0]:-} ]] && export SLUICE_WORKERD=${programs[0]}
}

firefox_here() { have firefox-esr; }

# Sets SLUICE_FIREFOX and SLUICE_PUPPETEER, what drives it.
need_firefox() {
    need_package "puppeteer-core-$PUPPETEER" "puppeteer-core@$PUPPETEER" "puppeteer-core $PUPPETEER" || return 1
    if [[ -z ${SLUICE_FIREFOX:-} ]]; then
        installed firefox_here "Firefox ESR for the tests (once, 90 MB)" firefox-esr || return 1
        SLUICE_FIREFOX=$(command -v firefox-esr)
    fi
    export SLUICE_FIREFOX SLUICE_PUPPETEER=$PWD/build/runtimes/puppeteer-core-$PUPPETEER/node_modules/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js
}

# need_other_runtime NAME@VERSION: the program build/runtimes/NAME-VERSION/NAME, and SLUICE_BUN or SLUICE_DENO, its path, for the
# tests. It is in a package of its own for each platform.
need_other_runtime() {
    local name=${1%@*} to=build/runtimes/${1/@/-} program
    if [[ ! -x $to/$name ]]; then
        need_package "${1/@/-}" "$1" "$name ${1#*@}" || return 1
        glob program "$to/node_modules/@*/*/bin/$name" "$to/node_modules/@*/*/$name"
        [[ -n ${program[*]} ]] && ln -sfn "${program[0]#"$to"/}" "$to/$name" || return 1
    fi
    export "SLUICE_${name^^}=$PWD/$to/$name"
}

# run_under_other NAME@VERSION: Jest does not run there. The scenes do, here, and the conformance scenarios, which Jest starts there.
run_under_other() (
    log=build/log/${1/@/-}.log
    started=$SECONDS
    command=("build/runtimes/${1/@/-}/${1%@*}" run)
    [[ $1 != deno@* ]] || command+=(--allow-all)
    mkdir -p build/log
    if timeout "$C_TEST_SECONDS" "${command[@]}" js/cli.js --scenes >"$log" 2>&1; then
        say "pass scenes, ${1/@/ } ($((SECONDS - started)) s)"
    else
        say "FAIL scenes, ${1/@/ }: $log"
        tail -n 20 "$log" >&2
        exit 1
    fi
)

# run_in NAME NEED TEST...: what NEED sets up, then those tests in Jest; one line.
run_in() (
    log=build/log/$1.log
    started=$SECONDS
    "$2" || { say "FAIL $1: it could not be installed" && exit 1; }
    mkdir -p build/log
    if run_jest --forceExit "${@:3}" >"$log" 2>&1; then
        say "pass $1, $(sed -n 's/^Tests: *//p' "$log") ($((SECONDS - started)) s)"
    else
        say "FAIL $1: $log"
        grep -E '^  ●|^Tests:' "$log" >&2 || tail -n 20 "$log" >&2
        exit 1
    fi
)

# run_under VERSION [JEST ARGUMENT...]: Jest and the scenes under that Node.js; one line.
run_under() (
    log=build/log/node-$1.log
    started=$SECONDS
    need_runtime "$1" || { say "FAIL Node.js $1: it could not be installed" && exit 1; }
    export PATH="$PWD/build/runtimes/$1/bin:$PATH"
    mkdir -p build/log
    # Not waiting for handles that a failed test left open; `test` is where leaks are found.
    if run_jest --forceExit "${@:2}" >"$log" 2>&1 && timeout "$C_TEST_SECONDS" node js/cli.js --scenes >>"$log" 2>&1; then
        say "pass Jest and scenes, Node.js $(node --version), $(sed -n 's/^Tests: *//p' "$log") ($((SECONDS - started)) s)"
    else
        say "FAIL Jest or scenes, Node.js $(node --version): $log"
        grep -E '^  ●|^Tests:|FAILED' "$log" >&2 || tail -n 20 "$log" >&2
        exit 1
    fi
)

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

# ---- Bench ----------------------------------------------------------------------------------------------------------------

libcurl_here() { have curl-config && [[ -e $(curl-config --prefix)/include/curl/curl.h || -n $(compgen -G '/usr/include/*/curl/curl.h') ]]; }

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

# ---- Verbs ------------------------------------------------------------------------------------------------------------------

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

verb_types() {
    need_npm
    [[ -n $(find js -name '*.js' -print -quit) ]] || return 0
    node node_modules/typescript/bin/tsc -p js/tsconfig.json --noEmit
}

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

verb_jest() {
    need_npm
    need_test_tools
    unlock # so that a test may call this script
    run_jest "$@"
}

verb_runtimes() {
    local version failed=0
    need_npm
    need_test_tools
    build_module
    build_guest_library
    build_guests
    build_types
    build_sim_module
    SANITIZE='' verb_native
    build_differential
    verb_emscripten
    unlock
    for version in "${OTHER_RUNTIMES[@]}"; do
        if need_other_runtime "$version"; then
            run_under_other "$version" || failed=1
        else
            say "FAIL ${version/@/ }: it could not be installed"
            failed=1
        fi
    done
    for version in "${RUNTIMES[@]}"; do run_under "$version" "$@" || failed=1; done
    run_in workerd need_workerd test/workerd.test.js test/conformance-runtimes.test.js || failed=1
    run_in Firefox need_firefox test/firefox.test.js test/conformance-runtimes.test.js || failed=1
    return "$failed"
}

verb_mutants() {
    verb_deps
    unlock
    node test/mutants/run.js "$@"
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

verb_clean() {
    rm -rf dist
    if [[ ${1:-} == all ]]; then
        rm -rf node_modules
        find build -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
    else
        find build -mindepth 1 -maxdepth 1 ! -name .lock ! -name src ! -name tools ! -name runtimes -exec rm -rf {} +
    fi
}

verb=${1:-help}
[[ $verb == -h || $verb == --help ]] && verb=help
declare -F "verb_$verb" >/dev/null || {
    verb_help >&2
    die "no verb '$verb'"
}
[[ $verb == help ]] || lock
"verb_$verb" "${@:2}"
