"""The same input gives the same bytes, whatever the threads, the order of the samples, or the form of the data."""

import json

import numpy as np
import pytest
import torch

import zoo
from export import save_pt2

SAMPLES = 64


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """64 samples for digits and resnet18, and the same ones in two other orders."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("digits", "resnet18"):
        samples = zoo.samples(name, SAMPLES, seed=5).numpy()
        np.save(folder / f"{name}.npy", samples)
        np.save(folder / f"{name}_reversed.npy", samples[::-1])
        np.save(folder / f"{name}_shuffled.npy", np.random.default_rng(1).permutation(samples))
    return folder


def quantize_by(graftwork, source, data, output, *options, threads=None):
    env = {"OMP_NUM_THREADS": str(threads)} if threads else None
    graftwork("quantize", source.path, "--calibrate", data, *options, "--quiet", "-o", output, env=env)
    return output.read_bytes()


@pytest.mark.parametrize(
    ("name", "method", "float_type"),
    [
        ("digits", "minmax", "fp16"),
        ("digits", "mse", "fp16"),
        ("digits", "mse", "fp32"),
        ("digits", "percentile", "fp16"),
        ("digits", "entropy", "fp16"),
        ("digits", "histogram", "fp16"),
        ("resnet18", "minmax", "fp16"),
    ],
)
def test_threads_and_order_leave_no_trace(graftwork, exported, data, tmp_path, name, method, float_type):
    def run(samples, threads=None):
        options = ("--calibration-method", method, "--float", float_type)
        return quantize_by(
            graftwork, exported(name), data / f"{samples}.npy", tmp_path / "a.onnx", *options, threads=threads
        )

    first = run(name)
    assert run(name) == first, "a second run differs"
    for threads in (1, 2, 5):
        assert run(name, threads) == first, f"{threads} threads"
    for order in ("reversed", "shuffled"):
        for threads in (1, 3):
            assert run(f"{name}_{order}", threads) == first, f"{order}, {threads} threads"


@pytest.mark.parametrize("method", ["minmax", "mse", "moving_average_minmax"])
def test_threads_leave_no_trace_where_the_batch_is_fixed(graftwork, tmp_path, method):
    """A network that ties four samples to one another; 10 samples are no multiple of that."""

    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = torch.nn.Conv2d(1, 4, 3), torch.nn.Linear(4 * 36, 8)

        def forward(self, x):
            y = self.first(x).relu()
            return self.second((y - y.mean(0, keepdim=True)).flatten(1))

    torch.manual_seed(0)
    save_pt2(Tied(), tmp_path / "net.pt2", torch.zeros(4, 1, 8, 8))
    np.save(tmp_path / "x.npy", zoo.samples("digits", 10, seed=5).numpy())
    command = ("quantize", tmp_path / "net.pt2", "--calibrate", tmp_path / "x.npy", "--calibration-method", method)
    files = []
    for threads in (1, 2, 5):
        graftwork(*command, "-o", tmp_path / "a.onnx", env={"OMP_NUM_THREADS": str(threads)})
        files.append((tmp_path / "a.onnx").read_bytes())
    assert files[0] == files[1] == files[2]


def test_moving_averages_see_the_order_alone(graftwork, exported, data, tmp_path):
    def run(samples, threads):
        options = ("--calibration-method", "moving_average_minmax")
        return quantize_by(
            graftwork, exported("digits"), data / f"{samples}.npy", tmp_path / "a.onnx", *options, threads=threads
        )

    assert run("digits", 1) == run("digits", 2) == run("digits", 5)
    assert run("digits", 1) != run("digits_shuffled", 1)


@pytest.mark.parametrize("method", ["minmax", "mse", "moving_average_minmax"])
def test_form_of_the_data_leaves_no_trace(graftwork, exported, data, tmp_path, method):
    source, samples = exported("digits"), np.load(data / "digits.npy")

    def quantize(*arguments):
        return quantize_by(*arguments, "--calibration-method", method)

    first = quantize(graftwork, source, data / "digits.npy", tmp_path / "npy.onnx")
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "data.npz", x=samples)
        assert quantize(graftwork, source, tmp_path / "data.npz", tmp_path / "npz.onnx") == first, save.__name__
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "a.npy", samples[:20])
    np.save(tmp_path / "folder" / "b.npy", samples[20:])
    assert quantize(graftwork, source, tmp_path / "folder", tmp_path / "folder.onnx") == first


def test_limit_takes_the_first_samples(graftwork, exported, data, tmp_path):
    source, samples = exported("digits"), np.load(data / "digits.npy")
    np.save(tmp_path / "five.npy", samples[:5])
    five = quantize_by(graftwork, source, tmp_path / "five.npy", tmp_path / "five.onnx")
    limited = quantize_by(graftwork, source, data / "digits.npy", tmp_path / "limited.onnx", "--limit", 5)
    assert limited == five
    assert limited != quantize_by(graftwork, source, data / "digits.npy", tmp_path / "all.onnx")


def test_name_of_the_output_leaves_no_trace(graftwork, exported, data, tmp_path):
    source = exported("digits")
    (tmp_path / "elsewhere").mkdir()
    first = quantize_by(graftwork, source, data / "digits.npy", tmp_path / "one.onnx")
    assert quantize_by(graftwork, source, data / "digits.npy", tmp_path / "elsewhere" / "two.onnx") == first


@pytest.mark.parametrize("limit", ["ATEN_CPU_CAPABILITY=default", "ONEDNN_MAX_CPU_ISA=SSE41", "MKL_CBWR=COMPATIBLE"])
def test_other_instructions_change_the_last_bits_alone(graftwork, exported, tmp_path, limit):
    """As another processor would have them, where a library can be told to use less than this one has."""
    network = exported("encoder")
    scales = []
    for env in ({}, dict([limit.split("=")])):
        graftwork(
            *("quantize", network.path, "--calibrate", network.calibration, "--float", "fp32", "--quiet"),
            *("--calibration-method", "minmax", "-o", tmp_path / "o.onnx", "--report", tmp_path / "r.json"),
            env=env,
        )
        stubs = json.loads((tmp_path / "r.json").read_text())["stubs"]
        scales.append({stub["name"]: stub["scale"] for stub in stubs})
    assert scales[0].keys() == scales[1].keys()
    for name, scale in scales[0].items():
        assert scales[1][name] == pytest.approx(scale, rel=1e-6)
