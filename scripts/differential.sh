#!/usr/bin/env bash
# Sends several hundred boto3 calls to moto's server and to a fresh Craton and compares the answers.
# Usage: scripts/differential.sh [--write|--check] [--show-allowed] [CASE...]    see conformance/differential/README.md
set -euo pipefail
cd "$(dirname "$0")/.."

python=$(scripts/python.sh conformance/differential/requirements.txt)
# moto's account, so that ARNs agree; the keys are of this run alone.
export CRATON_ROOT_ACCOUNT_ID=123456789012 CRATON_ROOT_ACCESS_KEY_ID=AKIADIFFERENTIALRUN0
export CRATON_ROOT_SECRET_ACCESS_KEY
CRATON_ROOT_SECRET_ACCESS_KEY=$(head -c 30 /dev/urandom | base64 | tr '+/' 'ab')
CRATON_MODELS='' exec scripts/with-server.sh "$python" conformance/differential "$@"
