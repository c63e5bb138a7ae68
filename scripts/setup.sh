#!/usr/bin/env bash
# Installs the system packages that the named purposes need: with apt where we are root on Debian, else says what is missing.
# Usage: scripts/setup.sh build|console|test|bench ...
set -euo pipefail

# command-or-file : Debian package
build=(unzip:unzip cmake:cmake g++:g++ clang:clang /usr/lib/llvm-14/lib/libclang.so:libclang-dev pkg-config:pkg-config git:git python3:python3)
console=(node:nodejs npm:npm)
test=(chromium:chromium /usr/lib/postgresql/15/bin/postgres:postgresql python3:python3-venv curl:curl jq:jq)
bench=(wrk:wrk)

present() {
    case $1 in
        */libclang.so) compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || compgen -G '/usr/lib/*/libclang*.so*' >/dev/null ;;
        */postgres) compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

missing=()
for purpose in "$@"; do
    declare -n wanted=$purpose
    for entry in "${wanted[@]}"; do
        present "${entry%%:*}" || missing+=("${entry##*:}")
    done
done
# A Python without venv and pip imports neither.
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)

command -v cargo >/dev/null || {
    echo "error: Rust is not installed" >&2
    echo "hint: see https://rustup.rs" >&2
    exit 1
}
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
    echo "error: these packages are missing: ${missing[*]}" >&2
    echo "hint: on Debian: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
