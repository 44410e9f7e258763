"""Kernels that a user declares: the page's, and one with several results, through every stage."""

import json
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch

import pages
import support

# Two results, an optional part, an attribute of the record, an inner value with a stub of its own.
PATTERNS = """
fusion SplitBlock {
  %first = nn.Linear(%x) may_escape
  %act = nn.ReLU | nn.Sigmoid(%first)? may_escape
  %scaled = aten.mul.Tensor(%act)
  %second = nn.Linear(%scaled)
  => %second, %act = kernel SplitBlock(%x) {factor=%scaled.other} [first, act, second] quantize %x, %scaled
}
"""


class Split(torch.nn.Module):
    def __init__(self, act):
        super().__init__()
        self.first, self.second, self.last = (torch.nn.Linear(16, 16) for _ in range(3))
        self.act = act

    def forward(self, x):
        hidden = self.act(self.first(x))
        return self.last(self.second(hidden * 0.5)), hidden


@pytest.fixture
def page_files(tmp_path):
    """The files of docs/kernels.md."""
    for block in pages.blocks("docs/kernels.md"):
        if block.language in ("gir", "gpat", "python"):
            (tmp_path / (block.file or "make.py")).write_text(block.body)
    subprocess.run([sys.executable, "make.py"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.rtx
def test_nvidia_runs_every_product_of_the_pages_kernel_in_int8(graftwork, page_files, rtx):
    graftwork(
        "quantize", "mlp.pt2", "--patterns", "mlp.gpat", "--calibrate", "samples.npy", "-o", "m.onnx", cwd=page_files
    )
    report = rtx.compile_apart(str(page_files / "m.onnx"), 89, {}, None, 300)
    assert report["accepted"], report["parser"] + report["builder"]
    assert report["summary"]["not_low_precision"] == []
    assert report["summary"]["low_precision"] == {"Int8": 3}


def exported(model, path, example):
    batch = {"x": {0: torch.export.Dim("batch")}}
    torch.export.save(torch.export.export(model.eval(), (example,), dynamic_shapes=batch), path)


def prepared(make, patterns, folder):
    """A network with its samples; its export, they and the patterns are files in the folder."""
    torch.manual_seed(0)
    model, samples = make(), torch.randn(32, 16)
    exported(model, folder / "m.pt2", samples[:2])
    np.save(folder / "x.npy", samples.numpy())
    (folder / "p.gpat").write_text(patterns)
    return model, samples


@pytest.mark.parametrize(
    "act", [torch.nn.ReLU(), torch.nn.Sigmoid(), torch.nn.Identity()], ids=["relu", "sigmoid", "none"]
)
def test_a_kernel_with_several_results_goes_through(graftwork, tmp_path, act):
    model, samples = prepared(lambda: Split(act), PATTERNS, tmp_path)
    files = ("m.pt2", "--patterns", "p.gpat")
    text = graftwork("transform", *files, cwd=tmp_path).stdout
    assert text.count("= SplitBlock @SplitBlock_0(") == 1, text
    assert "%split_block_0_second = get_item(%split_block_0) {index=0}" in text
    assert ("act=nn." in text) == (not isinstance(act, torch.nn.Identity))
    (tmp_path / "t.gir").write_text(text)
    again = graftwork("inspect", "t.gir", "--json", cwd=tmp_path).stdout
    assert json.loads(again)["operators"]["SplitBlock"] == 1, "a printed graph carries the kernel"

    with torch.no_grad():
        reference = [value.numpy() for value in model(samples)]
    names = [
        output["name"] for output in json.loads(graftwork("inspect", "m.pt2", "--json", cwd=tmp_path).stdout)["outputs"]
    ]

    def run(stage, *more):
        graftwork("run", *files, "--input", "x.npy", "--stage", stage, *more, "--quiet", "-o", "y.npz", cwd=tmp_path)
        values = support.load_npz(tmp_path / "y.npz")
        return [values[name] for name in names]

    for value, expected in zip(run("transformed"), reference, strict=True):
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-6)
    quantized = run("quantized", "--calibrate", "x.npy", "--float", "fp32")
    graftwork(
        "quantize",
        *files,
        "--calibrate",
        "x.npy",
        "--float",
        "fp32",
        "-o",
        "m.onnx",
        "--report",
        "r.json",
        cwd=tmp_path,
    )
    onnx.checker.check_model(onnx.load(tmp_path / "m.onnx"), full_check=True)
    for optimised in (False, True):
        file = support.run_onnx(tmp_path / "m.onnx", samples.numpy(), optimised=optimised)
        for value, ours, expected in zip((file[name] for name in names), quantized, reference, strict=True):
            off = np.abs(value - ours).max(axis=1) > 2e-5
            assert off.sum() <= 1, "but for a sample whose value lies between two codes"
            assert np.abs(value - expected).max() > 1e-5, "it is quantized"
            assert support.sqnr_db(expected, value) > 25
    report = json.loads((tmp_path / "r.json").read_text())
    assert [s["value"] for s in report["stubs"] if "value" in s] == ["scaled"]
    assert {w["layer"]: w["quantized"] for w in report["weights"]} == {"first": True, "second": True, "last": True}


HIDDEN = """
fusion HiddenBlock {
  %first = nn.Linear(%x)
  %act = nn.ReLU(%first) may_escape
  %second = nn.Linear(%act)
  => %second, %act = kernel HiddenBlock(%x) [first, act, second] quantize %x, %act
}
"""


class ReadInsideAndOutside(torch.nn.Module):
    """The hidden value is read in the block, behind it, and in a concatenation with other values."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor
        self.first, self.second, self.out = (torch.nn.Linear(16, 16) for _ in range(3))
        self.wide = torch.nn.Linear(32, 16)
        self.act = torch.nn.ReLU()

    def forward(self, x):
        hidden = self.act(self.first(x))
        return self.second(hidden), self.out(hidden), self.wide(torch.cat([hidden, self.factor * x], 1))


@pytest.mark.parametrize(("factor", "shares"), [(0.2, True), (100, False)])
def test_stubs_inside_and_outside_on_one_value_are_one_pair(graftwork, tmp_path, factor, shares):
    _, samples = prepared(lambda: ReadInsideAndOutside(factor), HIDDEN, tmp_path)
    files = ("m.pt2", "--patterns", "p.gpat", "--calibrate", "x.npy", "--float", "fp32")
    graftwork("quantize", *files, "-o", "m.onnx", "--report", "r.json", cwd=tmp_path)
    scales = {stub["name"]: stub["scale"] for stub in json.loads((tmp_path / "r.json").read_text())["stubs"]}
    inside = scales.pop("HiddenBlock_0.act_quant")
    assert list(scales.values()).count(inside) == 1 + shares, "on the value, and behind a concatenation of its range"
    graph = onnx.load(tmp_path / "m.onnx").graph
    (hidden,) = [node.output[0] for node in graph.node if node.op_type == "Relu"]
    readers = [node.op_type for node in graph.node if hidden in node.input]
    assert readers.count("QuantizeLinear") == 1, readers
    graftwork("run", *files[:3], "--input", "x.npy", "--stage", "quantized", *files[3:], "-o", "y.npz", cwd=tmp_path)
    ours = support.load_npz(tmp_path / "y.npz")
    for name, value in support.run_onnx(tmp_path / "m.onnx", samples.numpy()).items():
        off = np.abs(value - ours[name]).max(axis=1) > 1e-3 * np.abs(value).max()
        assert off.sum() <= 1, "but for a sample whose value lies between two codes"


# A module that later patterns find, and a kernel that it is a part of.
CONVERTED = """
conversion MlpBlock {
  %up = nn.Linear(%x)
  %act = nn.ReLU(%up)
  %down = nn.Linear(%act)
  => %down = kernel Mlp(%x) [up, act, down]
}

fusion MlpAdd {
  %mlp = Mlp(%x)
  %sum = aten.add.Tensor(%mlp, %residual) commutes
  => %sum = kernel FusedMlpAdd(%x, %residual) [mlp] quantize %x, %residual
}
"""


class Residual(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down, self.out = torch.nn.Linear(16, 32), torch.nn.Linear(32, 16), torch.nn.Linear(16, 4)

    def forward(self, x):
        return self.out(x + self.down(torch.relu(self.up(x))))


def test_a_kernel_has_a_converted_module_as_part(graftwork, tmp_path):
    model, samples = prepared(Residual, CONVERTED, tmp_path)
    files = ("m.pt2", "--patterns", "p.gpat")
    text = graftwork("transform", *files, cwd=tmp_path).stdout
    assert text.startswith("converted Mlp(%x) {")
    assert "[mlp=Mlp @Mlp_0 [up=nn.Linear @up" in text
    (tmp_path / "t.gir").write_text(text)
    assert graftwork("transform", "t.gir", cwd=tmp_path).stdout == text
    graftwork("run", *files, "--input", "x.npy", "--stage", "transformed", "-o", "y.npz", cwd=tmp_path)
    expected = model(samples).detach().numpy()
    np.testing.assert_allclose(support.load_npz(tmp_path / "y.npz")["output"], expected, rtol=0, atol=1e-6)
    graftwork("quantize", *files, "--calibrate", "x.npy", "-o", "m.onnx", "--report", "r.json", cwd=tmp_path)
    onnx.checker.check_model(onnx.load(tmp_path / "m.onnx"), full_check=True)
    report = json.loads((tmp_path / "r.json").read_text())
    assert [stub["tensor"] for stub in report["stubs"]] == ["fused_mlp_add_0"], "Q/DQ without a product would be cost"
    (reason,) = {missing["reason"] for missing in report["missing"]}
    assert reason == "the layers in its part mlp have no quantizers; a kernel has them as parts of its own"


def test_a_plan_switches_an_inner_value_off(graftwork, page_files):
    files = ("mlp.pt2", "--patterns", "mlp.gpat")
    graftwork("plan", *files, "--quantize", "-o", "plan.json", cwd=page_files)
    plan = json.loads((page_files / "plan.json").read_text())
    (inner,) = [stub for stub in plan["stubs"]["stubs"] if stub.get("value") == "hidden"]
    graftwork("quantize", *files, "--plan", "plan.json", "--calibrate", "samples.npy", "-o", "a.onnx", cwd=page_files)
    graftwork("quantize", *files, "--calibrate", "samples.npy", "-o", "b.onnx", cwd=page_files)
    assert (page_files / "a.onnx").read_bytes() == (page_files / "b.onnx").read_bytes(), (
        "unedited, it is what is decided"
    )
    inner["apply"] = False
    (page_files / "plan.json").write_text(json.dumps(plan))
    done = graftwork(
        "quantize", *files, "--plan", "plan.json", "--calibrate", "samples.npy", "-o", "c.onnx", cwd=page_files
    )
    assert "down: its weight is quantized and its input is not" in done.stdout
    names = [node.name for node in onnx.load(page_files / "c.onnx").graph.node]
    assert not [name for name in names if "hidden" in name]
    inner["apply"], inner["value"] = True, "act"
    (page_files / "plan.json").write_text(json.dumps(plan))
    refused = graftwork.fails(
        "quantize", *files, "--plan", "plan.json", "--calibrate", "samples.npy", "-o", "d.onnx", cwd=page_files
    )
    assert "has no value act that can be quantized" in refused.stderr


def test_skipping_a_kernel_leaves_its_inner_values_float(graftwork, page_files):
    graftwork(
        "quantize",
        "mlp.pt2",
        "--patterns",
        "mlp.gpat",
        "--calibrate",
        "samples.npy",
        "--skip",
        "FusedGatedMlp_0",
        "-o",
        "m.onnx",
        "--report",
        "r.json",
        cwd=page_files,
    )
    report = json.loads((page_files / "r.json").read_text())
    assert [stub["tensor"] for stub in report["stubs"]] == ["x"]
    assert [(m["module"], m.get("value")) for m in report["missing"] if m["module"] == "FusedGatedMlp_0"] == [
        ("FusedGatedMlp_0", None),
        ("FusedGatedMlp_0", None),
        ("FusedGatedMlp_0", "hidden"),
    ]


def test_explain_follows_a_part_of_the_pages_kernel(graftwork, page_files):
    text = graftwork("explain", "mlp.pt2", "silu", "--patterns", "mlp.gpat", cwd=page_files).stdout
    assert re.search(r"GatedMlp took .* and made %fused_gated_mlp_0", text), text
    assert "is a part of %fused_gated_mlp_0 = FusedGatedMlp" in text


def test_a_backend_that_does_not_exist_is_refused(graftwork, tmp_path):
    (tmp_path / "n.gir").write_text("graph(%x: f32[2]) {\n  %y = nn.ReLU @r(%x)\n  return %y\n}\n")
    refused = graftwork.fails("transform", "n.gir", "--backend", "other", cwd=tmp_path)
    assert 'there is no backend "other"' in refused.stderr
    assert "one of: tensorrt" in refused.stderr
    plain, named = (
        graftwork("transform", "n.gir", *more, cwd=tmp_path).stdout for more in ((), ("--backend", "tensorrt"))
    )
    assert plain == named
