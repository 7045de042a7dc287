# shellcheck shell=bash disable=SC2034,SC2154 # the scripts of build.sh share their variables
# test/runtimes.sh: Jest, scenes and conformance under other releases of Node.js, in Bun, Deno, workerd and Firefox. Part of
# build.sh.

RUNTIMES=(22.23.3 24.21.0 26.10.0) # the other releases of Node.js that `campaign` tests with, as npm packages
WORKERD=1.20261117.1 # likewise
PUPPETEER=24.43.1    # drives Firefox; the last for the oldest Node.js
OTHER_RUNTIMES=(bun@1.4.5 deno@2.9.6)      # those that are not Node.js, likewise

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
