#!/usr/bin/env bash
# Builds tests/consumer/add_subdirectory, a project that has Graftwork as a part of its own build, and runs its program.
# Nothing of build/ is used: it is compiled with the project's flags.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=out/subproject
mkdir -p out
begin=$SECONDS
launcher=$(command -v ccache || true)
[[ -z $launcher ]] || launcher="env;CCACHE_SLOPPINESS=pch_defines,time_macros;$launcher"  # for precompiled headers
cmake -S tests/consumer/add_subdirectory -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRAFTWORK_SOURCE="$PWD" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }
cmake --build "$folder" --target parent
"$folder/programs/parent"
echo "built as a part of another project and run, in $((SECONDS - begin)) s"
