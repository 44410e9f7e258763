#!/usr/bin/env bash
# Builds the fuzz targets with clang (libFuzzer, AddressSanitizer, UBSan) and runs each for its share of the time.
#
#   FUZZ_SECONDS=600 scripts/fuzz.sh [TARGET ...]     seconds in all; targets are files of tests/fuzz, default: all
#
# Seeds come from tests/hostile. What libFuzzer learns stays in build/fuzz/corpus, for the next run. Inputs that break
# something, take longer than 5 seconds or more than 1 GiB are kept in build/fuzz/findings and make this fail.
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=$(command -v clang++-19 || command -v clang++ || true)
if [[ -z $compiler ]]; then
  echo "fuzz: clang is missing; scripts/setup.sh fuzz installs it" >&2
  exit 2
fi
[[ -e build/fuzz/build.ninja ]] || cmake --preset fuzz -DCMAKE_CXX_COMPILER="$compiler"

targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  for source in tests/fuzz/*.cpp; do
    name=$(basename "$source" .cpp)
    [[ $name == driver ]] || targets+=("$name")
  done
fi
cmake --build build/fuzz --target graftwork_fuzz_seeds "${targets[@]/#/fuzz_}"

share=$((${FUZZ_SECONDS:-600} / ${#targets[@]}))
((share > 0)) || share=1
status=0
for name in "${targets[@]}"; do
  findings=build/fuzz/findings/$name
  mkdir -p "$findings" "build/fuzz/corpus/$name"
  log=build/fuzz/$name.log
  # -malloc_limit_mb: one allocation that a small file must not cause, also where it would have been refused later.
  if build/fuzz/bin/fuzz_"$name" -max_total_time="$share" -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=256 \
    -max_len=20000 -print_final_stats=1 -artifact_prefix="$findings/" \
    "build/fuzz/corpus/$name" "build/fuzz/tests/fuzz/seeds/$name" >"$log" 2>&1; then
    printf 'fuzz: %-12s %s runs in %s s, nothing found\n' "$name" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$share"
  else
    status=1
    printf 'fuzz: %-12s FOUND something; log %s, inputs in %s\n' "$name" "$log" "$findings"
    grep -m 5 -E 'ERROR|SUMMARY|runtime error|what\(\)' "$log" || tail -5 "$log"
  fi
done
exit "$status"
