# shellcheck shell=bash disable=SC2034,SC2154 # the scripts of build.sh share their variables
# c/setup.sh: what the C code is compiled with: the compilers and the third-party sources. Part of build.sh.
#
# Nothing third-party is in the repository: everything that comes from elsewhere is pinned here and checked (npm packages are
# pinned in package-lock.json).

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

# make, which decides what is out of date.
need_make() {
    have make || apt_install "make" make || die "make is missing: install it and put it on PATH"
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
