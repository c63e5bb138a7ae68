#!/usr/bin/env bash
# Builds or checks the web console. Usage: scripts/console.sh build|check|e2e
set -euo pipefail
cd "$(dirname "$0")/../console"

PATH=$(../scripts/node.sh):$PATH
export PATH PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
stamp=node_modules/.craton-lock
if ! cmp -s package-lock.json "$stamp"; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json "$stamp"
fi
case ${1:-build} in
    build)
        # Nothing to do where the output is newer than every source.
        if [ -f dist/index.html ] && [ -z "$(find src public vite index.html package-lock.json vite.config.ts -newer dist/index.html -print -quit)" ]; then
            exit 0
        fi
        npm run --silent build
        ;;
    check) npm run --silent check ;;
    e2e) npm run --silent e2e ;;
    *)
        echo "error: unknown command '$1'" >&2
        exit 2
        ;;
esac
