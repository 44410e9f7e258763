"""How others calibrate the same network on the same samples. run.py asks it in turns with our programs.

    python peers.py make NAME FOLDER             writes a network in full size to FOLDER, its calibration data, and
                                                 eight times as many of those
    python peers.py forward NAME FOLDER THREADS  runs the calibration batches once, for what the process takes
    python peers.py serve NAME FOLDER THREADS    answers "forward", "torch.ao" and, of resnet50, "onnxruntime"

"forward" is PyTorch's eager forward of the calibration batches. "torch.ao" does the same with a HistogramObserver on
what each convolution and linear layer reads, and asks them for the scales at the end. "onnxruntime" is the percentile
calibration of its quantizer, of a quarter of the samples: it keeps all values. Answers are "WALL CPU", in seconds.
"""

import argparse
import contextlib
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch

import floor

ROOT = Path(__file__).resolve().parents[1]


def full_size(name):
    sys.path.insert(0, str(ROOT / "tests" / "zoo"))
    import full_size_network

    return full_size_network, full_size_network.NETWORKS[name]


def network_and_batches(name, folder):
    """The model, and the batches of calibration as keyword arguments or as a list."""
    if name == "resnet50":
        images = torch.from_numpy(np.load(folder / "samples.npy"))
        return floor.load_model(folder), [(batch,) for batch in images.split(floor.BATCH)]
    _, network = full_size(name)
    *batches, _ = network.batches()
    return network.build(), batches


@torch.inference_mode()
def forward(model, batches):
    for batch in batches:
        if isinstance(batch, dict):
            model(**batch)
        else:
            model(*batch)


def see(observer, _, inputs):
    observer(inputs[0])


def torch_ao(model, batches):
    from torch.ao.quantization import HistogramObserver

    observers, hooks = [], []
    for module in model.modules():
        if not isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            continue
        observer = HistogramObserver(dtype=torch.qint8, qscheme=torch.per_tensor_symmetric)
        hooks.append(module.register_forward_pre_hook(partial(see, observer)))
        observers.append(observer)
    try:
        forward(model, batches)
    finally:
        for hook in hooks:
            hook.remove()
    return [observer.calculate_qparams() for observer in observers if observer.histogram.any()]


class Reader:
    """Samples one by one, as ONNX Runtime asks for them."""

    def __init__(self, name, samples):
        self.name, self.samples = name, iter(samples)

    def get_next(self):
        sample = next(self.samples, None)
        return None if sample is None else {self.name: sample[None]}


def onnxruntime_percentile(path, samples):
    from onnxruntime.quantization.calibrate import CalibrationMethod, create_calibrator

    with tempfile.TemporaryDirectory() as folder:
        calibrator = create_calibrator(
            path,
            ["Conv", "Gemm", "MatMul"],
            str(Path(folder) / "augmented.onnx"),
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"symmetric": True},
        )
        calibrator.set_execution_providers(["CPUExecutionProvider"])
        with contextlib.redirect_stdout(sys.stderr):  # it tells its steps there where answers go
            calibrator.collect_data(Reader("input", samples))
            return calibrator.compute_data()


def serve(name, folder):
    model, batches = network_and_batches(name, folder)
    measurements = {
        "forward": lambda: floor.timed(forward, model, batches),
        "torch.ao": lambda: floor.timed(torch_ao, model, batches),
    }
    if name == "resnet50":
        path = folder / "float.onnx"
        with torch.no_grad():
            arguments = {"input_names": ["input"], "dynamo": False, "dynamic_axes": {"input": {0: "n"}}}
            torch.onnx.export(model, batches[0], str(path), **arguments)
        quarter = np.load(folder / "samples.npy")[: floor.SAMPLES // 4]
        measurements["onnxruntime"] = lambda: floor.timed(onnxruntime_percentile, path, quarter)
        measurements["quarter"] = lambda: floor.timed(forward, model, batches[: len(batches) // 4])
    print("ready", flush=True)
    for line in sys.stdin:
        print(measurements[line.strip()](), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["make", "serve", "forward"])
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("threads", type=int, nargs="?", default=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    if options.mode == "make":
        networks, network = full_size(options.name)
        networks.make(network, options.folder)
        few = np.load(options.folder / "calibration.npz")
        np.savez(options.folder / "many.npz", **{name: np.concatenate([few[name]] * 8) for name in few.files})
    elif options.mode == "serve":
        serve(options.name, options.folder)
    else:
        print(floor.timed(forward, *network_and_batches(options.name, options.folder)))


if __name__ == "__main__":
    main()
