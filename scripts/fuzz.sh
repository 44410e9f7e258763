#!/usr/bin/env bash
# Builds the fuzz targets with clang (libFuzzer, AddressSanitizer, UBSan) and runs each for its share of the time.
#
#   FUZZ_SECONDS=600 scripts/fuzz.sh [TARGET ...]     seconds in all; targets are files of tests/fuzz, default: those
#                                                     that need no torch; `torch` stands for those that do
#   FUZZ_SECONDS=0 …                                  builds them only
#
# Seeds come from tests/hostile and, where there is a .venv, from exported networks. What libFuzzer learns stays in
# build/fuzz/corpus, for the next run. Inputs that break something, take longer than 5 seconds (with torch 20) or more
# than 1 GiB (4 GiB) are kept in build/fuzz/findings and make this fail.
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=$(command -v clang++-19 || command -v clang++ || true)
if [[ -z $compiler ]]; then
  echo "fuzz: clang is missing; scripts/setup.sh fuzz installs it" >&2
  exit 2
fi

with_torch=(operators pt2)
is_with_torch() { [[ " ${with_torch[*]} " == *" $1 "* ]]; }

targets=()
for name in "$@"; do
  if [[ $name == torch ]]; then targets+=("${with_torch[@]}"); else targets+=("$name"); fi
done
if [[ ${#targets[@]} -eq 0 ]]; then
  for source in tests/fuzz/*.cpp; do
    name=$(basename "$source" .cpp)
    grep -q LLVMFuzzerTestOneInput.*uint8_t "$source" && [[ $name != driver ]] && ! is_with_torch "$name" &&
      targets+=("$name")
  done
fi

# build PRESET TARGET...: into build/PRESET. What links torch takes a quarter of an hour of two cores the first time.
build() {
  local preset=$1
  shift
  [[ -e build/$preset/build.ninja ]] || cmake --preset "$preset" -DCMAKE_CXX_COMPILER="$compiler"
  cmake --build "build/$preset" --target graftwork_fuzz_seeds "${@/#/fuzz_}"
}
plain=()
torch=()
for name in "${targets[@]}"; do
  if is_with_torch "$name"; then torch+=("$name"); else plain+=("$name"); fi
done
[[ ${#plain[@]} -eq 0 ]] || build fuzz "${plain[@]}"
if [[ ${#torch[@]} -gt 0 ]]; then
  build fuzz-torch "${torch[@]}"
  [[ ! -x .venv/bin/python ]] || PYTHONPATH=tests .venv/bin/python -m attack.honest_archives build/fuzz/corpus/pt2
fi

share=$((${FUZZ_SECONDS:-600} / ${#targets[@]}))
[[ ${FUZZ_SECONDS:-600} != 0 ]] || exit 0
((share > 0)) || share=1
status=0
for name in "${targets[@]}"; do
  findings=build/fuzz/findings/$name
  mkdir -p "$findings" "build/fuzz/corpus/$name"
  log=build/fuzz/$name.log
  # -malloc_limit_mb: one allocation that a small file must not cause, also where it would have been refused later.
  if is_with_torch "$name"; then
    preset=fuzz-torch limits=(-timeout=20 -rss_limit_mb=4096 -max_len=12000 -entropic=0)
  else
    preset=fuzz limits=(-timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=256 -max_len=20000)
  fi
  if "build/$preset/bin/fuzz_$name" -max_total_time="$share" "${limits[@]}" -print_final_stats=1 \
    -artifact_prefix="$findings/" "build/fuzz/corpus/$name" "build/$preset/tests/fuzz/seeds/$name" >"$log" 2>&1; then
    printf 'fuzz: %-12s %s runs in %s s, nothing found\n' "$name" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$share"
  else
    status=1
    printf 'fuzz: %-12s FOUND something; log %s, inputs in %s\n' "$name" "$log" "$findings"
    grep -m 5 -E 'ERROR|SUMMARY|runtime error|what\(\)' "$log" || tail -5 "$log"
  fi
done
exit "$status"
