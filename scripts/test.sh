#!/usr/bin/env bash
# Everything that must hold: lints, unit and integration tests, generated code, the console, real clients, the browser, the demo.
# Ends with the totals of all its test runners.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
beside=
finish() {
    if [ -n "$beside" ]; then
        # With all that it started: it leads a group of its own.
        kill -- "-$beside" 2>/dev/null || true
        cat "$logs/browser-mock.log"
    fi
    [ -z "${CRATON_TEST_PGVECTOR_URL:-}" ] || scripts/pgvector.sh stop
    rm -rf "$logs"
}
trap finish EXIT

step() { printf '\n== %s\n' "$*"; }
# Runs a test runner and keeps what it prints for the totals: counted NAME COMMAND [ARGUMENT...]
counted() { "${@:2}" 2>&1 | tee "$logs/$1.log"; }

step "system packages"
scripts/setup.sh build console test

step "test models"
scripts/fetch-test-models.sh

step "console: types, unit tests, build"
counted console scripts/console.sh check
scripts/console.sh build

step "format and lints"
cargo fmt --check
cargo clippy --workspace --all-targets --quiet -- -D warnings

step "generated code is fresh"
cargo xtask codegen --check

step "unit and integration tests"
# PostgreSQL with pgvector, of which there is a package for this kind of machine alone; elsewhere its tests are passed over.
if [ "$(uname -sm)" = "Linux x86_64" ]; then
    CRATON_TEST_PGVECTOR_URL=$(scripts/pgvector.sh)
    export CRATON_TEST_PGVECTOR_URL
fi
if cargo nextest --version >/dev/null 2>&1; then
    counted rust cargo nextest run --workspace --no-fail-fast
else
    counted rust cargo test --workspace --no-fail-fast
fi
# With the targets that the tests were built with: `cargo build` alone chooses other features, and builds every crate again.
cargo build --quiet --workspace --bins --tests --examples

step "real clients, and beside them the console in a browser, against its own mock server, which can fail on demand"
python=$(scripts/python.sh conformance/requirements.txt)
# Both wait for others most of the time. Each has servers of its own.
setsid scripts/console.sh e2e >"$logs/browser-mock.log" 2>&1 &
beside=$!
counted clients scripts/with-server.sh "$python" -m pytest -q conformance
browser=0
wait "$beside" || browser=$?
beside=
cat "$logs/browser-mock.log"
[ "$browser" = 0 ]

step "the same calls to moto's server and to Craton"
scripts/differential.sh --check

step "the console in a browser: against the real server"
counted browser-server scripts/with-server.sh scripts/console.sh e2e

step "the demo"
scripts/demo-test.sh "$python"

step "totals"
scripts/totals.sh "$logs"/*.log
