"""One trained network through every quantizer: the SQNR of its output, and what its task makes of it."""

from dataclasses import dataclass

import numpy as np
import torch

import support
from trained.quantizers import Source
from trained.scores import Scores, pooled

BATCH = 64


@dataclass(frozen=True)
class Result:
    scores: Scores
    sqnr: float = float("inf")  # dB, of the worst output; of several seeds the mean
    seconds: float = 0.0


def in_batches(run, samples, size):
    """The outputs of `run`, a list of arrays, over all samples."""
    parts = [run(samples[begin : begin + size]) for begin in range(0, len(samples), size)]
    return [np.concatenate(output) for output in zip(*parts, strict=True)]


def eager(model, samples):
    with torch.no_grad():
        found = model(torch.from_numpy(samples))
    return [value.numpy() for value in (found if isinstance(found, tuple) else (found,))]


def measure_seed(graftwork, network, seed, names, folder):
    model, data, size = network.make(seed), network.data(), network.batch or BATCH
    wanted = in_batches(lambda x: eager(model, x), data.test, size)
    results = {"float": Result(network.score(wanted, wanted, data.truth))}
    source = Source(model, data.calibration, network.batch, folder)
    for name in names:
        file = source.quantize(graftwork, name)
        found = in_batches(lambda x, path=file.path: list(support.run_onnx(path, x).values()), data.test, size)
        sqnr = min(support.sqnr_db(one, other) for one, other in zip(wanted, found, strict=True))
        results[name] = Result(network.score(found, wanted, data.truth), sqnr, file.seconds)
    return results


def measure(graftwork, network, seeds, names, folder):
    """{quantizer: Result}, and under "float" PyTorch's own. Raises packages.Missing."""
    runs = [measure_seed(graftwork, network, seed, names, folder / str(seed)) for seed in seeds]
    return {
        name: Result(
            pooled([run[name].scores for run in runs]),
            float(np.mean([run[name].sqnr for run in runs])),
            float(np.sum([run[name].seconds for run in runs])),
        )
        for name in ("float", *names)
    }
