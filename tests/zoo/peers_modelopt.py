"""NVIDIA ModelOpt on a network of peers.py, by the Python of out/peers (scripts/setup_peers.sh).

    out/peers/bin/python peers_modelopt.py NAME FOLDER QUANTIZER

Its PyTorch half answers with the outputs of the held-out batch, computed in fake quantization: QUANTIZER.npz. Its ONNX
half turns float.onnx into QUANTIZER.onnx, FP32 around INT8. Both are as they come, but for the processor.
"""

import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("", "zoo", "models", "python", "tools")]

import numpy as np
import torch

METHODS = {"ModelOpt ONNX max": "max", "ModelOpt ONNX entropy": "entropy"}


def in_torch(name, folder, quantizer):
    import modelopt.torch.quantization as mtq

    from check import tensors
    from peers_networks import NETWORKS

    network = NETWORKS[name]
    *calibration, test = network.batches()

    @torch.no_grad()
    def show_all(model):
        for batch in calibration:
            model(**batch)

    model = mtq.quantize(network.build(), mtq.INT8_DEFAULT_CFG, show_all)
    with torch.no_grad():
        np.savez(folder / f"{quantizer}.npz", *tensors(model(**test)))
    enabled = [path for path, module in model.named_modules() if path.endswith("_quantizer") and module.is_enabled]
    print(f"{len(enabled)} quantizers")


def in_onnx(folder, quantizer):
    from modelopt.onnx.quantization import quantize

    with np.load(folder / "calibration.npz") as arrays:
        calibration = {name: arrays[name] for name in arrays.files}
    quantize(
        str(folder / "float.onnx"),
        quantize_mode="int8",
        calibration_data=calibration,
        calibration_method=METHODS[quantizer],
        calibration_eps=["cpu"],
        high_precision_dtype="fp32",
        output_path=str(folder / f"{quantizer}.onnx"),
        log_level="ERROR",
    )


def main():
    warnings.filterwarnings("ignore")
    name, folder, quantizer = sys.argv[1:]
    if quantizer in METHODS:
        in_onnx(Path(folder), quantizer)
    else:
        in_torch(name, Path(folder), quantizer)


if __name__ == "__main__":
    main()
