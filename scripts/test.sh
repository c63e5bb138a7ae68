#!/usr/bin/env bash
# Everything that must hold: lints, unit and integration tests, generated code, the console, real clients, the browser.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "system packages"
scripts/setup.sh build console test

step "test models"
scripts/fetch-test-models.sh

step "console: types, unit tests, build"
scripts/console.sh check
scripts/console.sh build

step "format and lints"
cargo fmt --check
cargo clippy --workspace --all-targets --quiet -- -D warnings

step "generated code is fresh"
cargo xtask codegen --check

step "unit and integration tests"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --no-fail-fast
else
    cargo test --workspace --no-fail-fast
fi
cargo build --quiet

step "real clients"
python=$(scripts/python.sh conformance/requirements.txt)
scripts/with-server.sh "$python" -m pytest -q conformance

step "the console in a browser: against its own mock server, which can fail on demand"
scripts/console.sh e2e

step "the console in a browser: against the real server"
scripts/with-server.sh scripts/console.sh e2e

step "all tests passed"
