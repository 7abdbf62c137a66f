#!/usr/bin/env bash
# Makes sure that what a target needs is on this machine: installs it with apt where it may, else
# says the exact command to type and ends with status 1.
#
#   scripts/need.sh demo    a JDK and Maven
#   scripts/need.sh test    these, both JDKs, PostgreSQL, Python with boto3, the AWS CLI, and Node with
#                           the AWS SDK for JavaScript, and shellcheck
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
may_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }

# install WHY PACKAGE...: with apt, or the command to type
install() {
  local why=$1; shift
  if ! may_install; then
    echo "need.sh: $why. Type: sudo apt-get install -y $*" >&2
    return 1
  fi
  echo "need.sh: $why: installing $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null || true
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null || {
    echo "need.sh: apt could not install $*. Type: sudo apt-get install -y $*" >&2
    return 1
  }
}

# jdk MIN MAX: is there a JDK (with javac) whose major version is in the range?
jdk() {
  local home major
  for home in "${OPENSEARCH_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/* \
    "$(dirname "$(dirname "$(readlink -f "$(command -v javac 2>/dev/null)" 2>/dev/null)")")"; do
    [ -n "$home" ] && [ -x "$home/bin/javac" ] && [ -r "$home/release" ] || continue
    major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release")
    [ "${major:-0}" -ge "$1" ] && [ "$major" -le "$2" ] && return 0
  done
  return 1
}

# newest_jdk_package prints the newest openjdk-N-jdk-headless from 21 on that apt knows.
newest_jdk_package() {
  apt-cache pkgnames openjdk- 2>/dev/null | sed -n 's/^openjdk-\([0-9]*\)-jdk-headless$/\1/p' | sort -n |
    awk '$1 >= 21 {v = $1} END {if (v) print "openjdk-" v "-jdk-headless"}'
}

# need_new_jdk: 21 or newer for OpenSearch 3.x; not every Debian has one
need_new_jdk() {
  jdk 21 99 && return 0
  may_install && as_root apt-get update -qq >/dev/null || true
  local package; package=$(newest_jdk_package)
  [ -n "$package" ] && install "OpenSearch 3.x needs a JDK 21 or newer" "$package"
}

need_jdk17() { jdk 11 17 || install "OpenSearch 2.19 needs a JDK 17" openjdk-17-jdk-headless; }
need_maven() { command -v mvn >/dev/null || install "Maven fetches OpenSearch" maven; }

need_postgres() {
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null ||
    install "the store is tested on PostgreSQL" postgresql
}

need_shellcheck() { command -v shellcheck >/dev/null || install "the entrypoint of the container is checked" shellcheck; }

# The Python clients under test, in the versions that testdata was recorded with.
readonly BOTO3=boto3==1.43.11 AWSCLI=awscli==1.45.11

# need_python: the system's Python if it has the clients, else a virtual environment under .cache
need_python() {
  python3 -c 'import boto3, awscli' 2>/dev/null && command -v aws >/dev/null && return 0
  [ -x .cache/venv/bin/aws ] && .cache/venv/bin/python3 -c 'import boto3, awscli' 2>/dev/null && return 0
  command -v python3 >/dev/null && python3 -c 'import venv, ensurepip' 2>/dev/null ||
    install "boto3 and the AWS CLI are clients under test" python3 python3-venv
  python3 -m venv .cache/venv
  .cache/venv/bin/pip install -q "$BOTO3" "$AWSCLI"
}

# need_js: Node, and the SDK under .cache/js as its package.json says
need_js() {
  local wanted=dev/e2e/testdata/conformance/package.json
  command -v node >/dev/null && command -v npm >/dev/null || install "the AWS SDK for JavaScript is a client under test" nodejs npm
  cmp -s "$wanted" .cache/js/package.json && [ -d .cache/js/node_modules/@aws-sdk ] && return 0
  mkdir -p .cache/js
  rm -f .cache/js/package.json
  cp "$wanted" .cache/js/wanted.json
  (cd .cache/js && mv wanted.json package.json && npm install --no-package-lock --no-audit --no-fund --silent) || {
    rm -f .cache/js/package.json
    echo "need.sh: npm could not install the AWS SDK for JavaScript. Type: cd .cache/js && npm install" >&2
    return 1
  }
}

case ${1:-} in
  demo)
    case ${OPENSEARCH:-} in
      1.*|2.*) need_jdk17 ;;
      3.*) need_new_jdk || { echo "need.sh: OpenSearch $OPENSEARCH needs a JDK 21 or newer, and apt has none here. Install one under /usr/lib/jvm or set JAVA_HOME." >&2; exit 1; } ;;
      none) exit 0 ;;
      *) need_new_jdk || { echo "need.sh: no JDK 21 or newer to be had, so the demo uses OpenSearch 2.19.0"; need_jdk17; } ;;
    esac
    need_maven ;;
  test)
    need_jdk17
    need_new_jdk || { echo "need.sh: OpenSearch 3.8.0 is part of the tests and needs a JDK 21 or newer, and apt has none here. Install one under /usr/lib/jvm or set JAVA_HOME." >&2; exit 1; }
    need_maven; need_postgres; need_python; need_js; need_shellcheck ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
