"""The steps of peers.py that need torch or ONNX Runtime, each in a process of its own.

    python peers_step.py make NAME FOLDER                    the network, its data, and what PyTorch makes of them
    python peers_step.py export NAME FOLDER                  float.onnx, by torch's exporter; needs onnxscript
    python peers_step.py onnxruntime NAME FOLDER QUANTIZER   QUANTIZER.onnx
    python peers_step.py judge NAME FOLDER QUANTIZER         prints the SQNR of the worst output, dB

What `judge` reads is QUANTIZER.onnx, which ONNX Runtime runs with its optimisations off, or outputs in QUANTIZER.npz.
"""

import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("", "zoo", "models", "python", "tools")]

import torch

import full_size_network
from peers_networks import NETWORKS

OPSET = 20


def make(name, folder):
    full_size_network.make(NETWORKS[name], folder)


@torch.no_grad()
def export(name, folder):
    network = NETWORKS[name]
    test = network.batches()[-1]
    torch.onnx.export(
        *(network.build(), (), folder / "float.onnx"),
        kwargs=test,
        input_names=list(test),
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def onnxruntime(name, folder, quantizer):
    import support
    from trained.quantizers import ONNX_RUNTIME, Samples, by_onnx_runtime

    samples = Samples(support.load_npz(folder / "calibration.npz"), NETWORKS[name].batch)
    by_onnx_runtime(folder / "float.onnx", folder / f"{quantizer}.onnx", samples, ONNX_RUNTIME[quantizer])


def judge(_, folder, quantizer):
    import support

    wanted = list(support.load_npz(folder / "reference.npz").values())
    outputs = folder / f"{quantizer}.npz"
    if outputs.exists():
        found = support.load_npz(outputs)
    else:
        found = support.run_onnx(folder / f"{quantizer}.onnx", support.load_npz(folder / "test.npz"))
    return min(support.sqnr_db(one, other) for one, other in zip(wanted, found.values(), strict=True))


def main():
    warnings.filterwarnings("ignore")
    step, name, folder, *quantizer = sys.argv[1:]
    steps = {"make": make, "export": export, "onnxruntime": onnxruntime, "judge": judge}
    print(steps[step](name, Path(folder), *quantizer))


if __name__ == "__main__":
    main()
