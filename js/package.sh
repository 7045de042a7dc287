# shellcheck shell=bash disable=SC2034,SC2154 # the scripts of build.sh share their variables
# js/package.sh: what is published: bundles and types. Part of build.sh.

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

verb_types() {
    need_npm
    [[ -n $(find js -name '*.js' -print -quit) ]] || return 0
    node node_modules/typescript/bin/tsc -p js/tsconfig.json --noEmit
}
