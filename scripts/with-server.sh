#!/usr/bin/env bash
# Runs a command beside a fresh server on a free port with an empty data folder, with AWS_* set for it, then stops the server.
# Usage: scripts/with-server.sh COMMAND [ARGUMENT...]
#   CRATON_BIN   the program [default: the development build]
#   CRATON_UP    more arguments for `craton up`
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
craton=${CRATON_BIN:-}
if [ -z "$craton" ]; then
    craton=$(cd "$root" && cargo metadata --format-version 1 --no-deps --offline | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/debug/craton
fi

# Whatever server the caller works with is left alone.
unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_BEARER_TOKEN_BEDROCK
data=$(mktemp -d)
log=${CRATON_SERVER_LOG:-$data/server.log}
# Scenarios are their own OpenID Connect providers, on this machine.
export CRATON_ALLOW_PRIVATE_ISSUERS=${CRATON_ALLOW_PRIVATE_ISSUERS:-true}
# shellcheck disable=SC2086
"$craton" up --data-dir "$data/data" --listen 127.0.0.1:0 ${CRATON_UP:-} >"$log" 2>&1 &
server=$!
stop() {
    kill -TERM "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    rm -rf "$data"
}
trap stop EXIT

for _ in $(seq 300); do
    [ -f "$data/data/endpoint.json" ] && "$craton" status --data-dir "$data/data" >/dev/null 2>&1 && break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
if ! "$craton" status --data-dir "$data/data" >/dev/null; then
    cat "$log" >&2
    exit 1
fi

export CRATON_DATA_DIR=$data/data CRATON_BIN=$craton
for model in ${CRATON_MODELS-smollm2-135m-instruct all-minilm-l6-v2}; do
    "$craton" models pull "$model" >/dev/null
done
account() {
    "$craton" accounts create "$1" --output json |
        python3 -c 'import json,sys; k=json.load(sys.stdin); print(k["accessKeyId"], k["secretAccessKey"])'
}
read -r CONF_DEV_ACCESS_KEY_ID CONF_DEV_SECRET_ACCESS_KEY < <(account 111122223333)
read -r CONF_HOST_ACCESS_KEY_ID CONF_HOST_SECRET_ACCESS_KEY < <(account 777788889999)
export CONF_DEV_ACCESS_KEY_ID CONF_DEV_SECRET_ACCESS_KEY CONF_HOST_ACCESS_KEY_ID CONF_HOST_SECRET_ACCESS_KEY
eval "$("$craton" env)"
CONF_OPENAI_API_KEY=$("$craton" keys create tests --surface openai 2>/dev/null)
export CONF_OPENAI_API_KEY AWS_EC2_METADATA_DISABLED=true
export CRATON_E2E_URL=$AWS_ENDPOINT_URL CRATON_E2E_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID CRATON_E2E_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY
"$@"
