#!/usr/bin/env bash
# Runs every bench, or the named one with its options, against its peer. Usage: scripts/bench.sh [NAME [OPTION...]]
#   CRATON_BENCH_DATA   the folder of data that some benches read [default: ../shared/data]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh build bench
scripts/fetch-test-models.sh
scripts/checkpoint/make.sh
cargo build --release
if [ $# -gt 0 ]; then
    cargo xtask bench "$@"
else
    cargo xtask bench all
fi
