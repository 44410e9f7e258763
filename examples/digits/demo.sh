#!/usr/bin/env bash
# The main job on real input: train a small CNN in PyTorch, let the command alone quantize it, compare accuracy.
#
#   examples/digits/demo.sh                          one network, the whole table
#   examples/digits/demo.sh --seeds 0 1 2 3 4        one network per seed, a line each and the mean loss, checked
#   --out FOLDER                                     where everything is written (out/digits)
#
# WITH_RTX=1 also shows what NVIDIA's compiler makes of each file.
set -euo pipefail
cd "$(dirname "$0")/../.."

graftwork=${GRAFTWORK_COMMAND:-build/bin/graftwork}
python=.venv/bin/python
out=out/digits
seeds=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --out) out=$2; shift 2 ;;
    --seeds) shift; while [[ $# -gt 0 && $1 != --* ]]; do seeds+=("$1"); shift; done ;;
    *) echo "usage: demo.sh [--seeds N...] [--out FOLDER]" >&2; exit 2 ;;
  esac
done

show() { printf '\n$ %s\n' "$*"; "$@"; }

# one_network SEED FOLDER
one_network() {
  local folder=$2
  rm -f "$folder/rtx.json"
  show "$python" examples/digits/train.py --seed "$1" --out "$folder"
  show "$graftwork" quantize "$folder/digits.pt2" --calibrate "$folder/calibration.npy" \
    --report "$folder/report.json" -o "$folder/digits_int8.onnx"
  show "$graftwork" run "$folder/digits.pt2" --input "x=$folder/heldout.npy" --stage float -o "$folder/float.npz"
  show "$graftwork" run "$folder/digits.pt2" --input "x=$folder/heldout.npy" \
    --stage quantized --calibrate "$folder/calibration.npy" -o "$folder/quantized.npz"
  # With FP32 around INT8 nothing but the codes is rounded: the file must do what the fake-quantized network does.
  "$graftwork" quantize "$folder/digits.pt2" --calibrate "$folder/calibration.npy" --float fp32 --quiet \
    -o "$folder/digits_int8_fp32.onnx"
  "$graftwork" run "$folder/digits.pt2" --input "x=$folder/heldout.npy" --float fp32 --quiet \
    --stage quantized --calibrate "$folder/calibration.npy" -o "$folder/quantized_fp32.npz"
  if [[ ${WITH_RTX:-0} == 1 ]]; then
    "$python" tests/tools/rtx_compile.py "$folder/digits_int8.onnx" --json "$folder/rtx.json" --quiet || true
  fi
}

if [[ ${#seeds[@]} -eq 0 ]]; then
  one_network 0 "$out"
  "$python" examples/digits/evaluate.py "$out" --check
else
  folders=()
  for seed in "${seeds[@]}"; do
    one_network "$seed" "$out/seed_$seed"
    folders+=("$out/seed_$seed")
  done
  "$python" examples/digits/evaluate.py "${folders[@]}" --check
fi
