#!/usr/bin/env bash
# The fast part of the tests: format, vet, lint and unit tests of all modules. No JVM.
# With an argument, the unit tests are left to the caller (scripts/test.sh counts them itself).
set -euo pipefail
cd "$(dirname "$0")/.."

tools=${SEARCHPACK_TOOLS:-$PWD/.cache/tools}
mkdir -p "$tools"

echo "check: format"
unformatted=$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l)
[ -z "$unformatted" ] || { echo "check: not formatted, run make tidy:" >&2; echo "$unformatted" >&2; exit 1; }

echo "check: vet"
for module in . dev tools; do (cd "$module" && go vet ./...); done

echo "check: lint"
if [ ! -x "$tools/golangci-lint" ] || [ tools/go.sum -nt "$tools/golangci-lint" ]; then
  go build -C tools -o "$tools/golangci-lint" github.com/golangci/golangci-lint/v2/cmd/golangci-lint
  touch "$tools/golangci-lint"
fi
for module in . dev; do (cd "$module" && "$tools/golangci-lint" run --config "$OLDPWD/.golangci.yml" ./...); done

[ $# -eq 0 ] || exit 0
echo "check: unit tests"
go build -C tools -o "$tools/gotests" ./cmd/gotests
exec "$tools/gotests" .=./... dev=./... tools=./cmd/...
