#!/usr/bin/env bash
# All tests: what make check does, then real databases, real clients and real OpenSearch clusters.
# Installs what it needs (scripts/need.sh) and ends with the line "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."

tools=${SEARCHPACK_TOOLS:-$PWD/.cache/tools}
scripts/need.sh test
. scripts/clients.sh
scripts/check.sh without-unit-tests
make --no-print-directory build

# A missing database, client or JDK is a failure here, not a skipped test.
export SEARCHPACK_REQUIRE_POSTGRES=1 SEARCHPACK_REQUIRE_CLIENTS=1 SEARCHPACK_JVM=1
export SEARCHPACK_BIN=$PWD/bin
export SEARCHPACK_SIM_STEPS=1000000 SEARCHPACK_SIM_NODES=5000 # make check takes fewer
go build -C tools -o "$tools/gotests" ./cmd/gotests
exec "$tools/gotests" -timeout 60m .=./... dev=./... tools=./cmd/...
