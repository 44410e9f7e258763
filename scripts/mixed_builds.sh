#!/usr/bin/env bash
# A library without NDEBUG under a program with it: tests/python/test_install.py has both programs beside one with it.
# Nothing of build/ is used.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=out/debug
begin=$SECONDS
mkdir -p out
quiet() { "$@" >"$folder.log" 2>&1 || { cat "$folder.log"; exit 1; }; }
quiet cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 -DGRAFTWORK_BUILD_TESTS=OFF \
  -DGRAFTWORK_BUILD_COMMAND=OFF -DGRAFTWORK_BUILD_PYTHON=OFF
! grep -e -DNDEBUG "$folder/compile_commands.json" | grep -v observe_operators || { echo "the library is built with NDEBUG"; exit 1; }
cmake --build "$folder" --target graftwork_library
quiet cmake --install "$folder" --prefix "$folder/prefix" --component library

quiet cmake -S tests/consumer -B "$folder/consumer" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_CXX_FLAGS_RELEASE="-O2 -DNDEBUG" -DCMAKE_PREFIX_PATH="$PWD/$folder/prefix"
quiet cmake --build "$folder/consumer"
said=$("$folder/consumer/consumer")
echo "$said"
[ "$(tail -n 1 <<<"$said")" = NDEBUG ] || { echo "the program is built without NDEBUG"; exit 1; }
echo "a Release program ran with the library built in Debug, in $((SECONDS - begin)) s"
