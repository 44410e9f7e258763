#!/usr/bin/env bash
# Checks formatting and naming: clang-format, clang-tidy (all of src, or the files named), ruff. Changes nothing.
#   scripts/lint.sh [FILE.cpp...]        needs build/compile_commands.json (make build)
#   scripts/lint.sh --fix                formats instead of checking
set -uo pipefail
cd "$(dirname "$0")/.."

mapfile -t cpp_files < <(git ls-files --cached --others --exclude-standard '*.h' '*.cpp' | while read -r f; do
  [[ -e $f ]] && echo "$f"
done)

if [[ ${1:-} == --fix ]]; then
  set -e
  .venv/bin/clang-format -i "${cpp_files[@]}"
  .venv/bin/ruff format -q .
  .venv/bin/ruff check -q --fix .
  exit 0
fi

status=0
.venv/bin/clang-format --dry-run -Werror "${cpp_files[@]}" || status=1
.venv/bin/ruff format --check -q . || status=1
.venv/bin/ruff check -q . || status=1

if [[ $# -gt 0 ]]; then
  tidy_files=("$@")
else
  mapfile -t tidy_files < <(printf '%s\n' "${cpp_files[@]}" | grep '^src/.*\.cpp$')
fi
# gcc's precompiled header and its warning flags are nothing to clang: both are taken back here.
printf '%s\0' "${tidy_files[@]}" | xargs -0 -P "$(nproc)" -n 1 .venv/bin/clang-tidy -p build --quiet \
  --extra-arg=-Wno-error --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-gch 2>/dev/null || status=1

[[ $status == 0 ]] && echo "lint: clean (${#cpp_files[@]} C++ files formatted, ${#tidy_files[@]} checked)"
exit "$status"
