"""Codes that training chooses (AdaRound), on the demo's trained digits network, judged on digits that it never saw."""

import json

import numpy as np
import onnx
import pytest
import torch

import support
from trained import digits

W4A8 = {"precision": "int4"}
ADAROUND = {"rounding": "adaround", "rounding_iterations": 300}


class Digits:
    """The network on disk with its data, and what the command makes of it."""

    def __init__(self, graftwork, folder, net):
        self.graftwork, self.folder = graftwork, folder
        data = digits.data()
        images = torch.from_numpy(data.test[:2])
        dynamic = ({0: torch.export.Dim("batch")},)
        torch.export.save(torch.export.export(net, (images,), dynamic_shapes=dynamic), folder / "net.pt2")
        np.save(folder / "seen.npy", data.calibration)
        np.save(folder / "other.npy", data.test)
        with torch.no_grad():
            self.exact = net(torch.from_numpy(data.test)).numpy()

    def recipe(self, weight):
        (self.folder / "recipe.json").write_text(json.dumps({"weight": weight}))
        return ("--calibrate", "seen.npy", "--config", "recipe.json", "--float", "fp32")

    def quantized(self, weight):
        """On the other digits, in fake quantization."""
        run = ("run", "net.pt2", "--input", "other.npy", "--stage", "quantized", *self.recipe(weight))
        self.graftwork(*run, "--quiet", "-o", "y.npz", cwd=self.folder)
        return support.only(support.load_npz(self.folder / "y.npz"))

    def sqnr(self, weight):
        return support.sqnr_db(self.exact, self.quantized(weight))

    def quantize(self, weight, *options):
        done = self.graftwork("quantize", "net.pt2", *self.recipe(weight), *options, "-o", "net.onnx", cwd=self.folder)
        return done.stderr

    def fails(self, weight, *options):
        command = ("quantize", "net.pt2", *self.recipe(weight), *options, "-o", "net.onnx")
        return self.graftwork.fails(*command, cwd=self.folder).stderr


@pytest.fixture(scope="module")
def network():
    return digits.cnn(0)


@pytest.fixture
def case(graftwork, tmp_path, network):
    return Digits(graftwork, tmp_path, network)


@pytest.mark.parametrize(("method", "least"), [("minmax", 3), ("mse", 1.5)])
def test_int4_weights_lose_much_less(case, method, least):
    nearest, trained = (case.sqnr({**W4A8, "calibration_method": method, **how}) for how in ({}, ADAROUND))
    print(f"W4A8, {method}: nearest {nearest:.1f} dB, adaround {trained:.1f} dB")
    assert trained > nearest + least


def test_int8_weights_lose_no_more(case):
    nearest, trained = case.sqnr({}), case.sqnr(ADAROUND)
    print(f"W8A8: nearest {nearest:.1f} dB, adaround {trained:.1f} dB")
    assert trained > nearest - 0.2


def test_file_has_the_codes_that_were_chosen(case):
    codes = {}
    for name, weight in (("nearest", {}), ("adaround", ADAROUND)):
        case.quantize(weight, "--quiet", "--report", "report.json")
        tensors = support.QdqGraph(case.folder / "net.onnx").initializers
        codes[name] = {n: onnx.numpy_helper.to_array(t).astype(int) for n, t in tensors.items() if n.endswith("_codes")}
    report = json.loads((case.folder / "report.json").read_text())
    assert report["calibration"]["rounded_weights"] == len(codes["adaround"])
    differences = [np.abs(codes["adaround"][name] - codes["nearest"][name]) for name in codes["nearest"]]
    assert max(difference.max() for difference in differences) == 1
    assert all(0.02 < difference.mean() < 0.5 for difference in differences)
    found = support.only(support.run_onnx(case.folder / "net.onnx", np.load(case.folder / "other.npy")))
    assert support.relative_error(found, case.quantized(ADAROUND)) < 1e-2


def test_same_bytes_for_any_threads_and_order(case, monkeypatch):
    files = set()
    seen = np.load(case.folder / "seen.npy")[:40]
    for threads, order in ((1, 1), (2, 1), (3, -1)):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        np.save(case.folder / "seen.npy", seen[::order])
        case.quantize({**ADAROUND, "rounding_iterations": 30}, "--quiet", "--no-losses")
        files.add((case.folder / "net.onnx").read_bytes())
    assert len(files) == 1


def test_progress_is_told(case):
    said = case.quantize({"rounding": "adaround", "rounding_iterations": 1})
    assert "rounding weights on" in said
    assert "rounded in" in said


def test_a_scale_table_holds_no_codes(case):
    case.quantize({}, "--quiet", "--scales-out", "scales.json")
    (case.folder / "recipe.json").write_text(json.dumps({"weight": ADAROUND}))
    command = ("quantize", "net.pt2", "--config", "recipe.json", "--float", "fp32", "--scales", "scales.json")
    said = case.graftwork.fails(*command, "-o", "net.onnx", cwd=case.folder).stderr
    assert "codes that are chosen by the data" in said
    case.quantize({**ADAROUND, "rounding_iterations": 1}, "--scales", "scales.json", "--report", "report.json")
    assert json.loads((case.folder / "report.json").read_text())["calibration"]["rounded_weights"] > 0


REFUSED = {
    "no iterations": ({**ADAROUND, "rounding_iterations": 0}, '"rounding_iterations" is not between 1 and 1000000'),
    "a share of them": ({**ADAROUND, "rounding_iterations": 1.5}, '"rounding_iterations" is not an integer'),
    "iterations of nothing": ({"rounding_iterations": 100}, '"rounding_iterations" is for adaround'),
    "zero points": ({**ADAROUND, "symmetric": False}, '"symmetric" is false; adaround rounds to symmetric codes'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_together_is_refused(case, name):
    weight, why = REFUSED[name]
    assert why in case.fails(weight)
