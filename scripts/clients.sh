# Sourced by test.sh and drill.sh: says where scripts/need.sh put the clients under test.
if [ -x .cache/venv/bin/aws ]; then
  export SEARCHPACK_PYTHON=$PWD/.cache/venv/bin/python3 SEARCHPACK_AWS=$PWD/.cache/venv/bin/aws
fi
export SEARCHPACK_JS=$PWD/.cache/js
