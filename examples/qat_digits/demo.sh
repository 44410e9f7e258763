#!/usr/bin/env bash
# Training with quantization on networks that begin with several seeds: a table for each, and the means.
#
#   examples/qat_digits/demo.sh [--out FOLDER] [SEED...]      (out/qat_digits, seed 7)
set -euo pipefail
cd "$(dirname "$0")/../.."

program=${QAT_DIGITS:-build/bin/qat_digits}
out=out/qat_digits
if [[ ${1:-} == --out ]]; then
  out=$2
  shift 2
fi
for seed in "${@:-7}"; do
  .venv/bin/python examples/qat_digits/prepare.py --seed "$seed" --out "$out/seed_$seed"
  rm -f "$out/seed_$seed"/qat_*.npz  # a demo begins anew
  "$program" "$out/seed_$seed" | tee "$out/seed_$seed/table.txt"
done
for seed in "${@:-7}"; do cat "$out/seed_$seed/table.txt"; done | awk -v seeds="${#@}" '
  $1 ~ /^int/ { rows[$1 " " $2]++; lost[$1 " " $2] += $3 - $4; left[$1 " " $2] += $3 - $5 }
  END { if (seeds > 1) for (row in rows)
    printf "%s: calibration loses %.2f points, training leaves %.2f of them (mean of %d)\n", row, lost[row] / seeds, left[row] / seeds, seeds }' | sort
