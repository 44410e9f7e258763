#!/usr/bin/env bash
# Packs what is built into out/packages, unpacks it elsewhere and tries it there; prints size and time.
#   scripts/package.sh                command and library, for machines that have torch
#   scripts/package.sh --with-torch   the command with all that it needs
set -euo pipefail
cd "$(dirname "$0")/.."

options=()
name="graftwork-*-linux-$(uname -m).tar.gz"
if [[ ${1:-} == --with-torch ]]; then
  options=(-D CPACK_GRAFTWORK_WITH_TORCH=ON)
  name="graftwork-*-linux-$(uname -m)-with-torch.tar.gz"
fi
mkdir -p out
begin=$SECONDS
cpack --config build/CPackConfig.cmake -B out/packages "${options[@]}" >out/packages.log || { cat out/packages.log; exit 1; }
packed=$SECONDS
# shellcheck disable=SC2086  # a pattern
archive=$(ls -t out/packages/$name | head -1)
GRAFTWORK_PACKAGE=$archive .venv/bin/python -m pytest -q tests/python/test_package.py
echo "$archive: $(du -m "$archive" | cut -f1) MB, packed in $((packed - begin)) s, tried in $((SECONDS - packed)) s"
