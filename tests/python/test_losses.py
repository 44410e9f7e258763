"""What `quantize` says of its result: the figures are those of the file, and leaving them out changes nothing else."""

import json

import numpy as np
import pytest

import zoo
from support import only, run_onnx, sqnr_db


@pytest.fixture
def told(graftwork, exported, tmp_path):
    samples = zoo.samples("digits", 64, seed=4).numpy()
    np.save(tmp_path / "x.npy", samples)
    command = ("quantize", exported("digits").path, "--calibrate", tmp_path / "x.npy", "--float", "fp32")

    def quantize(name, *options):
        report = tmp_path / f"{name}.json"
        done = graftwork(*command, "--report", report, *options, "-o", tmp_path / f"{name}.onnx")
        return done.stdout, json.loads(report.read_text()), tmp_path / f"{name}.onnx"

    return samples, quantize


def test_losses_are_those_of_the_file(graftwork, exported, told, tmp_path):
    samples, quantize = told
    said, report, onnx = quantize("all")
    losses = report["losses"]
    assert losses["samples"] == 4, "one in sixteen"
    seen = samples[:: len(samples) // 4]
    np.save(tmp_path / "seen.npy", seen)
    graftwork("run", exported("digits").path, "--input", tmp_path / "seen.npy", "-o", tmp_path / "y.npz")
    expected = only(np.load(tmp_path / "y.npz"))
    (output,) = losses["outputs"]
    assert output["sqnr_db"] == pytest.approx(sqnr_db(expected, only(run_onnx(onnx, seen))), abs=0.2)
    assert f"{output['sqnr_db']:.1f} dB" in said
    worst = sorted(losses["kernels"], key=lambda kernel: kernel["own_sqnr_db"])
    shown = said[said.index("loses most") :]
    assert [kernel["layer"] in shown for kernel in worst[:5]] == [True] * min(5, len(worst))
    assert losses["kernels"][-1]["sqnr_db"] == pytest.approx(output["sqnr_db"], abs=0.01)


def test_what_is_not_measured_changes_nothing(told):
    _, quantize = told
    _, _, measured = quantize("measured")
    said, report, plain = quantize("plain", "--no-losses")
    assert "losses" not in report
    assert "SQNR" not in said
    assert plain.read_bytes() == measured.read_bytes()
