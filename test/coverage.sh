#!/usr/bin/env bash
# test/coverage.sh LLVM PROGRAM...: what the runs recorded in build/coverage/raw reached, for `./build.sh coverage`.
#
# Prints lines and branches of each file and of each folder, leaves the sources with their counts in build/coverage/lines.txt
# and what was never reached, file:line, in build/coverage/missed.txt. Fails when c/engine is below the bounds. The programs
# are built with NDEBUG: a broken assert is not a way to go. test/COVERAGE.md says why the rest is not reached.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ENGINE_LINES=97    # percent
ENGINE_BRANCHES=90

llvm=$1
shift
out=build/coverage
objects=("$1")
for program in "${@:2}"; do objects+=(-object "$program"); done
cov() { "llvm-cov-$llvm" "$1" "${objects[@]}" -instr-profile="$out/merged.profdata" "${@:2}" c/engine c/protocol c/face c/host; }

"llvm-profdata-$llvm" merge -sparse -o "$out/merged.profdata" "$out"/raw/*.profraw
cov show -show-branches=count >"$out/lines.txt" 2>"$out/warnings.txt"
awk -F'|' '/^\/.*:$/ { sub(/^.*\/c\//, "c/"); sub(/:$/, ""); file = $0 }
    NF >= 3 && $2 ~ /^ *0$/ { print file ":" $1 + 0 ": " $3 }' "$out/lines.txt" >"$out/missed.txt"

# Name, lines, lines missed, branches, branches missed.
cov report -show-branch-summary 2>/dev/null | awk '$1 ~ /\.[ch]$/ && $8 { print $1, $8, $9, $11, $12 }' | LC_ALL=C sort >"$out/files.txt"
awk -v min_lines="$ENGINE_LINES" -v min_branches="$ENGINE_BRANCHES" '
    function percent(all, missed) { return all ? 100 * (all - missed) / all : 100 }
    function line(name, l, lm, b, bm) { printf "%-28s %6d lines %6.2f %%  %6d branches %6.2f %%\n", name, l, percent(l, lm), b, percent(b, bm) }
    {
        name = $1
        if (name !~ /^(engine|protocol|face|host)\//) next
        split(name, part, "/")
        line("c/" name, $2, $3, $4, $5)
        l[part[1]] += $2; lm[part[1]] += $3; b[part[1]] += $4; bm[part[1]] += $5
    }
    END {
        print ""
        for (i = split("engine protocol face host", folder, " "); i; i--) line("c/" folder[i], l[folder[i]], lm[folder[i]], b[folder[i]], bm[folder[i]])
        bad = percent(l["engine"], lm["engine"]) < min_lines || percent(b["engine"], bm["engine"]) < min_branches || !l["engine"]
        if (bad) printf "FAIL c/engine: at least %d %% of lines and %d %% of branches are wanted\n", min_lines, min_branches
        exit bad
    }' "$out/files.txt"
