#!/usr/bin/env bash
# Prints the totals of test runners' logs, a line each and one for all. Usage: scripts/totals.sh LOG...
# Knows nextest, cargo test, pytest, Vitest and Playwright; fails where a log has no count.
set -euo pipefail

# Sums the numbers before a word: "12 passed" in what the runners' closing lines say.
sum() { { grep -oE "[0-9]+ $1" || true; } | awk '{ total += $1 } END { print total + 0 }'; }

passed=0 failed=0 skipped=0
for log in "$@"; do
    closing=$(sed -E 's/\x1b\[[0-9;]*m//g' "$log" |
        grep -E '^ *Summary .* tests? run:|^test result:|^ *Tests +[0-9]|^[ =]*[0-9]+ (passed|failed|skipped|flaky)' || true)
    counts=($(sum passed <<<"$closing") $(sum failed <<<"$closing") $(sum '(skipped|ignored)' <<<"$closing"))
    if [ $((counts[0] + counts[1])) -eq 0 ]; then
        echo "error: no test was counted in $(basename "$log" .log)" >&2
        exit 1
    fi
    printf '%-16s %5d passed %5d failed %5d skipped\n' "$(basename "$log" .log)" "${counts[@]}"
    passed=$((passed + counts[0])) failed=$((failed + counts[1])) skipped=$((skipped + counts[2]))
done
echo "total: $passed passed, $failed failed, $skipped skipped"
