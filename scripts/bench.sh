#!/usr/bin/env bash
# Prints the figures of docs/benchmarks.md, measured here and now. CASE names the cases (synonyms, idle,
# import, plugin, rollout, pluginrollout, agents, api), separated by commas; without it all are measured. BENCH_FLAGS go
# to dev/cmd/bench.
set -euo pipefail
cd "$(dirname "$0")/.."
cases=,${CASE:-synonyms,idle,import,plugin,rollout,pluginrollout,agents,api},
api=${cases//,api,/}
rest=${cases//,api,/,}
rest=${rest#,} rest=${rest%,}
make --no-print-directory build
if [ -n "$rest" ]; then
	mkdir -p .cache/tools
	go build -C dev -o ../.cache/tools/bench ./cmd/bench
	# shellcheck disable=SC2086 # flags are meant to be split
	.cache/tools/bench -case "$rest" ${BENCH_FLAGS:-} bin/searchpack-dev
fi
if [ "$api" != "$cases" ]; then
	echo
	echo "the API: percentiles of calls, and CreatePackage as a multiple of a handler that commits one row"
	exec go test -run '^$' -bench 'API|Start|CreatePackage' -benchtime 2s ./internal/server
fi
