"""The same input gives the same bytes, whatever the batch, the threads, or the form of the data."""

import numpy as np
import pytest

import zoo

SAMPLES = 64


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """64 samples for digits and resnet18, more than any batch below."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("digits", "resnet18"):
        np.save(folder / f"{name}.npy", zoo.samples(name, SAMPLES, seed=5).numpy())
    return folder


def quantize_by(graftwork, source, data, output, *options, threads=None):
    env = {"OMP_NUM_THREADS": str(threads)} if threads else None
    graftwork("quantize", source.path, "--calibrate", data, *options, "--quiet", "-o", output, env=env)
    return output.read_bytes()


@pytest.mark.parametrize(("name", "method"), [("digits", "minmax"), ("digits", "mse"), ("resnet18", "minmax")])
def test_batch_and_threads_leave_no_trace(graftwork, exported, data, tmp_path, name, method):
    def run(*options, threads=None):
        options = ("--calibration-method", method, *options)
        return quantize_by(
            graftwork, exported(name), data / f"{name}.npy", tmp_path / "a.onnx", *options, threads=threads
        )

    first = run()
    assert run() == first, "a second run differs"
    for batch in (1, 8, 32):
        for threads in (1, 2):
            assert run("--batch", batch, threads=threads) == first, f"batch {batch}, {threads} threads"


@pytest.mark.parametrize("method", ["minmax", "mse"])
def test_form_of_the_data_leaves_no_trace(graftwork, exported, data, tmp_path, method):
    source, samples = exported("digits"), np.load(data / "digits.npy")

    def quantize(*arguments):
        return quantize_by(*arguments, "--calibration-method", method)

    first = quantize(graftwork, source, data / "digits.npy", tmp_path / "npy.onnx")
    np.savez(tmp_path / "data.npz", x=samples)
    assert quantize(graftwork, source, tmp_path / "data.npz", tmp_path / "npz.onnx") == first
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "a.npy", samples[:20])
    np.save(tmp_path / "folder" / "b.npy", samples[20:])
    assert quantize(graftwork, source, tmp_path / "folder", tmp_path / "folder.onnx") == first
    np.save(tmp_path / "reversed.npy", samples[::-1])
    assert quantize(graftwork, source, tmp_path / "reversed.npy", tmp_path / "reversed.onnx") == first


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
