#!/usr/bin/env bash
# Runs every test of a finished build: the C++ programs, then pytest. Both always run; fails if either fails.
# Arguments go to pytest, for instance: scripts/test.sh -k codes
set -uo pipefail
cd "$(dirname "$0")/.."

status=0
ctest --test-dir build --output-on-failure --no-tests=error -j "$(nproc)" || status=1
# Two files at a time: what a file's tests share is made once.
.venv/bin/python -m pytest -n 2 --dist loadfile tests "$@" || status=1
exit "$status"
