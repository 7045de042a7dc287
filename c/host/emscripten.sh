# shellcheck shell=bash disable=SC2034,SC2154 # the scripts of build.sh share their variables
# emscripten.sh: the body of `./build.sh emscripten`, sourced by it: dist/emscripten/, for C programs in browsers and in
# Node.js, and in build/emscripten the programs that test/emscripten.test.js runs.
#
# emcc is the one on PATH, else the one below $EMSDK, else Debian's, unpacked below build/tools and not installed. Debian's
# brings no system libraries: emcc builds them when first asked to link.

EMSCRIPTEN_SUITES=(forky sid) # in this order, as long as they have the version
EMSCRIPTEN_PACKAGES=(
    "emscripten 6.0.5+dfsg+~1.41.5-2 24e9eecd0a6e0c25896acf7dd42ae4261ae70c0669d4a42bde595afb7e4675c2"
    "node-acorn 8.17.0+ds+~cs28.27.25-1 4c02efc399bbf36a0b51024e7d1024a5260f5edc8f8553a3ed339bcc43d3b2b3"
)
# For C alone: the system libraries that are not for it need not be built.
EMSCRIPTEN_LINK_FLAGS=(-O2 -sDEFAULT_TO_CXX=0 -sAUTO_NATIVE_LIBRARIES=0 -sMODULARIZE -sEXPORT_ES6 -sEXIT_RUNTIME)

# need_emcc: sets EMCC; false when there is none to be had. As with `installed`, that is not tried again at each build.
need_emcc() {
    local own=$PWD/build/tools/emscripten without=build/tools/without_emcc
    if have emcc; then
        EMCC=emcc
    elif [[ -n ${EMSDK:-} ]]; then
        EMCC=$EMSDK/upstream/emscripten/emcc
        [[ -x $EMCC ]] || die "$EMCC is missing: point EMSDK to an emsdk in which a version is installed"
    else
        EMCC=$own/emcc
        [[ -e $own/.done && $(<"$own/.done") == "${EMSCRIPTEN_PACKAGES[*]}" ]] && return
        [[ ! -e $without || $verb == emscripten ]] || return 1
        mkdir -p build/tools && touch "$without"
        unpack_emscripten "$own" || return 1
    fi
    rm -f "$without"
}

unpack_emscripten() {
    local to=$1 package name version sha256
    have python3 || { say "python3, on which Emscripten runs, is missing" && return 1; }
    installed wasm_clang_here "WebAssembly compiler (once, about 75 MB)" "${APT_WASM[@]}" || return 1
    say "fetching Emscripten (once, 6 MB, unpacked, not installed)"
    rm -rf "$to" && mkdir -p "$to"/{llvm,binaryen/bin}
    for package in "${EMSCRIPTEN_PACKAGES[@]}"; do
        read -r name version sha256 <<<"$package"
        unpack_debian_package "$to" "$name" "$version" "$sha256" "${EMSCRIPTEN_SUITES[@]}" || return 1
    done
    mv "$to/usr/share/nodejs" "$to/usr/share/emscripten/node_modules" # its own tools find them there
    echo '{ "private": true }' >"$to/package.json" # its .js files are no ES modules, as ours are
    write_emscripten_tools "$to"
    printf '%s' "${EMSCRIPTEN_PACKAGES[*]}" >"$to/.done"
}

# What Emscripten runs, under the names by which it does.
write_emscripten_tools() {
    local to=$1 tool
    for tool in clang clang++ llvm-ar llvm-cxxfilt llvm-dwarfdump llvm-dwp llvm-nm llvm-objcopy llvm-ranlib llvm-strip; do
        ln -sf "$(command -v "$tool-$LLVM")" "$to/llvm/$tool"
    done
    # This linker puts the stack first when it is not told not to, and emcc only tells it when it is to.
    printf '#!/bin/sh\nexec wasm-ld-%s --no-stack-first "$@"\n' "$LLVM" >"$to/llvm/wasm-ld"
    for tool in node_modules/binaryen/bin/wasm-*; do ln -sf "$PWD/$tool" "$to/binaryen/bin/"; done
    # The one tool that npm's binaryen lacks. emcc runs it for what a pass of wasm-opt does.
    cat >"$to/binaryen/bin/wasm-emscripten-finalize" <<'SH'
#!/bin/sh
dyncalls=--generate-dyncalls
for arg; do
  shift
  case $arg in
  --no-dyncalls) dyncalls= ;;
  --bigint | --no-legalize-javascript-ffi) ;;
  *) set -- "$@" "$arg" ;;
  esac
done
exec "$(dirname "$0")/wasm-opt" $dyncalls "$@"
SH
    cat >"$to/config" <<PY
LLVM_ROOT = '$to/llvm'
BINARYEN_ROOT = '$to/binaryen'
NODE_JS = '$(command -v node)'
CACHE = '$to/cache'
PY
    for tool in emcc emar; do
        printf '#!/bin/sh\n# %s\n' "The versions of clang and binaryen are one newer than those that it knows." >"$to/$tool"
        printf 'EM_CONFIG=%s EMCC_CFLAGS="-Wno-version-check $EMCC_CFLAGS" exec %s "$@"\n' "$to/config" "$to/usr/share/emscripten/$tool" >>"$to/$tool"
    done
    chmod +x "$to"/{emcc,emar,llvm/wasm-ld,binaryen/bin/wasm-emscripten-finalize}
}

# build_emscripten: dist/emscripten and what the tests run; both are replaced whole.
build_emscripten() {
    local sources
    need_npm
    need_core
    COMPILER=("$EMCC" -O2 -DNDEBUG -DSL_HOST_LINKED)
    AR=("${EMCC%emcc}emar")
    LENIENT=(-Wno-error)
    compile build/emscripten "${CORE[@]}" c/host/wasm.c c/host/stdio.c c/host/stdio_print.c
    produce dist/emscripten/libsluice.a archive "${OBJECTS[@]}"
    glob sources 'js/*.js' 'js/hosts/*.js'
    produce dist/emscripten/libsluice.js bundle_fetch_library c/host/emscripten.js c/host/emscripten.sh "${sources[@]}"
    produce dist/emscripten/libsluice-node.js bundle_node_library c/host/emscripten.js c/host/emscripten.sh "${sources[@]}"
    produce dist/NOTICES write_notices build/src/picohttpparser/picohttpparser.c
    local compiler=("$EMCC" -O2 -sDEFAULT_TO_CXX=0 -sAUTO_NATIVE_LIBRARIES=0 "-I$PWD/c/include")
    [[ $EMCC == /* ]] || compiler[0]=$(command -v "$EMCC")
    write_compiler dist/emscripten/emcc "C programs in browsers and Node.js, over fetch" -sASYNCIFY "${compiler[@]}" -- \
        "$PWD/dist/emscripten/libsluice.a" --js-library "$PWD/dist/emscripten/libsluice.js" -sEXIT_RUNTIME
    write_compiler dist/emscripten/emcc-node "C programs in Node.js, over its sockets" -sASYNCIFY "${compiler[@]}" -- \
        "$PWD/dist/emscripten/libsluice.a" --js-library "$PWD/dist/emscripten/libsluice-node.js" -sEXIT_RUNTIME
    build_emscripten_guests
}

bundle_fetch_library() { bundle_library fetch "$1" "$2"; }
bundle_node_library() { bundle_library node "$1" "$2"; }

# bundle_library HOST OUTPUT LIBRARY: js/hosts/HOST.js, what makes it wait, and all that they import, as functions, where the
# library has its marks.
bundle_library() {
    local host=$1 output=$2 library=$3 to=build/emscripten/modules-$1
    rm -rf "$to"
    node node_modules/typescript/bin/tsc "js/hosts/$host.js" js/hosts/blocking.js --ignoreConfig --allowJs --rootDir js --module commonjs --moduleResolution bundler \
        --target es2022 --lib ES2022,DOM,DOM.Iterable --types node --esModuleInterop --removeComments --noEmitHelpers --outDir "$to"
    node -e '
      const { readFileSync, readdirSync, writeFileSync } = require("node:fs");
      const { posix } = require("node:path");
      const [host, library, folder, output] = process.argv.slice(1);
      const modules = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".js")).sort().map((name) => {
        const text = readFileSync(`${folder}/${name}`, "utf8")
          .replace(/\brequire\("(\.[^"]+)"\)/g, (_, path) => `require("${posix.join(posix.dirname(name), path)}")`)
          .replace(/^\s*#/gm, ";#"); // a private member; the preprocessor of Emscripten takes a # in front for its own
        if (/\{\{\{/.test(text)) throw new Error(`${name}: {{{, which Emscripten would take for its own`);
        return `"${name}"(exports, require, __importStar, __importDefault) {\n${text}}`;
      });
      const lent = `require("hosts/${host}.js").${host}Host()`;
      const marks = { MODULES: modules.join(",\n"), HOST: lent };
      writeFileSync(output, readFileSync(library, "utf8").replace(/\/\* (MODULES|HOST) \*\//g, (_, mark) => marks[mark]));' "$host" "$library" "$to" "$output"
}

# build/emscripten/NAME.HOST.HOW.mjs: two programs of test/guests over fetch and over sockets, the conformance scenarios over
# fetch; with asyncify and with jspi.
build_emscripten_guests() {
    local each source library pids=() failed=0 how
    local -A libraries=([fetch]=libsluice.js [sockets]=libsluice-node.js)
    for each in test/guests/{range_reader,transfers}.c:{fetch,sockets} test/guests/raw.c:sockets test/conformance/runner.c:fetch; do
        source=${each%:*} library=${libraries[${each#*:}]}
        for how in asyncify jspi; do
            wait_for_room pids || failed=1
            produce "build/emscripten/$(basename "$source" .c).${each#*:}.$how.mjs" link_emscripten "$source" \
                dist/emscripten/libsluice.a "dist/emscripten/$library" c/host/emscripten.sh &
            pids+=($!)
        done
    done
    JOBS=1 wait_for_room pids || failed=1
    ((!failed)) || die "linking with emcc failed"
}

link_emscripten() {
    local output=${1%.new} suspend=-sASYNCIFY
    [[ $output != *.jspi.mjs ]] || suspend=(-sJSPI -Wno-experimental)
    "$EMCC" "${EMSCRIPTEN_LINK_FLAGS[@]}" "${suspend[@]}" -Ic/include "$2" "$3" --js-library "$4" -o "$output"
    mv "$output" "$1" # emcc goes by the name
}
