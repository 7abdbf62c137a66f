#!/usr/bin/env bash
# Prints the figures of docs/benchmarks.md, measured here and now. BENCH_FLAGS go to dev/cmd/bench.
set -euo pipefail
cd "$(dirname "$0")/.."
make --no-print-directory build
mkdir -p .cache/tools
go build -C dev -o ../.cache/tools/bench ./cmd/bench
# shellcheck disable=SC2086 # flags are meant to be split
.cache/tools/bench ${BENCH_FLAGS:-} bin/searchpack-dev
echo
echo "the API: percentiles of calls, and CreatePackage as a multiple of a handler that commits one row"
exec go test -run '^$' -bench 'API|Start|CreatePackage' -benchtime 2s ./internal/server
