#!/usr/bin/env bash
# Drills: every scenario on every version, and the long simulation. Hours, not minutes; make test
# has each scenario once. Prints a table for docs/drills.md: commit, machine, seconds.
#
#   make drill [VERSION=2.19.0] [CASE=REGEXP] [SEEDS=N]
#
# VERSION: of OpenSearch, default both. CASE: tests of dev/e2e whose names match, or "simulation".
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/need.sh test
make --no-print-directory build
export SEARCHPACK_REQUIRE_POSTGRES=1 SEARCHPACK_REQUIRE_CLIENTS=1 SEARCHPACK_JVM=1 SEARCHPACK_BIN=$PWD/bin
. scripts/clients.sh

results=()
failed=0
# drill NAME COMMAND...: runs it and notes how long it took
drill() {
  local name=$1 start=$SECONDS outcome=held; shift
  echo "drill: $name"
  "$@" || { outcome=FAILED; failed=1; }
  results+=("| $name | $outcome | $((SECONDS - start)) |")
}
# ten million steps of small clusters, or so many seeds
simulation() { SEARCHPACK_SIM_SEEDS=${SEEDS:-} SEARCHPACK_SIM_STEPS=10000000 SEARCHPACK_SIM_NODES=5000 go test -count=1 -timeout 10h -run 'Simulator|Same' ./internal/rollout; }
# every scenario in its long form
scenarios() { (cd dev && SEARCHPACK_DRILL=1 SEARCHPACK_E2E_OPENSEARCH=$1 go test -count=1 -timeout 6h -run "${2:-.}" ./e2e); }

case ${CASE:-} in
  simulation) ;;
  *) for version in ${VERSION:-2.19.0 3.8.0}; do
       drill "scenarios on OpenSearch $version${CASE:+ ($CASE)}" scenarios "$version" "${CASE:-}"
     done ;;
esac
case ${CASE:-simulation} in
  simulation) drill "simulation${SEEDS:+, $SEEDS seeds}" simulation ;;
esac

echo
echo "commit $(git rev-parse --short HEAD), $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) CPUs"
echo "| drill | result | seconds |"
echo "| --- | --- | --- |"
printf '%s\n' "${results[@]}"
exit $failed
