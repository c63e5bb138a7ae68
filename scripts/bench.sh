#!/usr/bin/env bash
# Runs every bench, or the named ones, against its peer. Usage: scripts/bench.sh [NAME...]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh build
scripts/fetch-test-models.sh
CRATON_BENCH_PYTHON=$(scripts/python.sh bench/requirements.txt)
export CRATON_BENCH_PYTHON
cargo build --release
cargo build --release -p inference-encoder --example embed_bench
[ $# -gt 0 ] || set -- requests embeddings generation
for name in "$@"; do
    cargo xtask bench "$name"
done
