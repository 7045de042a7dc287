# shellcheck shell=bash
# run.sh: the body of `./build.sh git`, sourced by it: git's git-remote-http, out of Debian's source, linked against
# dist/native/libsluice.a, and a clone, a push and a fetch with it (clone.js).

GIT_SUITE=bookworm
GIT_TARBALL=git_2.39.5.orig.tar.xz
GIT_SHA256=c58da92c378df4a986ca33266897a7397e86c22ee266a284d8c2432c39066b59
# What it could be built with besides, and the test does not need.
GIT_WITHOUT=(NO_EXPAT=1 NO_OPENSSL=1 NO_GETTEXT=1 NO_TCLTK=1 NO_PERL=1 NO_PYTHON=1)

run_git() {
    local to=build/src/git
    have git && [[ -x $(git --exec-path)/git-http-backend ]] || die "git with its http-backend is missing: install it and put it on PATH"
    if [[ ! -e $to/.done ]]; then
        say "fetching the source of git (once, 7 MB)"
        fetch_debian_source "$GIT_SUITE" git "$GIT_TARBALL" "$GIT_SHA256" || die "git's source is not to be had (Debian's $GIT_TARBALL)"
        rm -rf "$to" && mkdir -p "$to"
        tar xf "build/apt/$GIT_TARBALL" -C "$to" --strip-components=1 && touch "$to/.done"
        rm -f build/apt/git_*
    fi
    say "building git-remote-http"
    quietly git.log make -s -C "$to" -j "$JOBS" CFLAGS='-O1 -w' "${GIT_WITHOUT[@]}" CURL_CFLAGS="-I$PWD/c/include" \
        CURL_LDFLAGS="$PWD/dist/native/libsluice.a -lpthread" git-remote-http || die "git does not build against the library: build/log/git.log"
    say "git: $(node test/git/clone.js "$to/git-remote-http")"
}
