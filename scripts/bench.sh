#!/usr/bin/env bash
# Runs every bench, or the named one with its options, against its peer. Usage: scripts/bench.sh [NAME [OPTION...]]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh build bench
scripts/fetch-test-models.sh
CRATON_BENCH_PYTHON=$(scripts/python.sh bench/requirements.txt)
export CRATON_BENCH_PYTHON
cargo build --release
cargo build --release -p inference-encoder --example embed_bench
cargo build --release -p search --examples
if [ $# -gt 0 ]; then
    cargo xtask bench "$@"
else
    for name in requests embeddings generation; do
        cargo xtask bench "$name"
    done
fi
