"""ARCHITECTURE.md follows one network through all stages: what it shows is what the program prints.

A change that is wanted is written into the page by `pytest tests/python/test_architecture.py --update`.
"""

import json

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import support
from export import save_pt2

PAGE = "ARCHITECTURE.md"


class Network(nn.Module):
    """Two convolutions with batch norm, a residual add, global pooling and a classifier."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        z = self.bn2(self.conv2(y))
        z += y
        return self.fc(self.flatten(self.pool(self.relu(z))))


@pytest.fixture(scope="module")
def folder(graftwork, tmp_path_factory):
    """net.pt2, samples.npy, one of them in x.npy, the whole plan.json, and net.onnx with its report.json."""
    folder = tmp_path_factory.mktemp("architecture")
    torch.manual_seed(0)
    save_pt2(Network(), folder / "net.pt2", torch.zeros(1, 3, 32, 32))
    samples = torch.rand(8, 3, 32, 32).numpy()
    np.save(folder / "samples.npy", samples)
    np.save(folder / "x.npy", samples[:1])
    graftwork("plan", "net.pt2", "--quantize", "-o", "plan.json", cwd=folder)
    graftwork(
        "quantize", "net.pt2", "--calibrate", "samples.npy", "--report", "report.json", "-o", "net.onnx", cwd=folder
    )
    return folder


def graph_at(graftwork, folder, *phases):
    """The graph when only the rounds of these phases were carried out."""
    plan = json.loads((folder / "plan.json").read_text())
    kept = [each for each in plan["transformation"]["rounds"] if each["phase"] in phases]
    plan = {"format": plan["format"], "transformation": {**plan["transformation"], "rounds": kept}}
    (folder / "part.json").write_text(json.dumps(plan))
    return graftwork("transform", "net.pt2", "--plan", "part.json", cwd=folder).stdout


def test_after_import(graftwork, folder, excerpt):
    printed = graftwork("inspect", "net.pt2", cwd=folder).stdout
    graph = printed[printed.index("graph(") :].splitlines(keepends=True)
    excerpt(PAGE, "**After import**", "".join(line for line in graph if " = constant @bn" not in line))


def test_prepared(graftwork, folder, excerpt):
    excerpt(PAGE, "**Prepared**", graph_at(graftwork, folder))


def test_converted(graftwork, folder, excerpt):
    before, after = graph_at(graftwork, folder), graph_at(graftwork, folder, "conversions")
    lines = after.splitlines(keepends=True)
    excerpt(PAGE, "**Converted**", "".join(lines[-4:-1]))
    assert lines[:-4] == before.splitlines(keepends=True)[:-4], "the page says that the last three lines differ"


def test_fused(graftwork, folder, excerpt):
    printed = graftwork("transform", "net.pt2", cwd=folder).stdout
    excerpt(PAGE, "**Fused**", printed)
    assert printed == graph_at(graftwork, folder, "conversions", "fusions")


def test_placed(folder, excerpt):
    report = json.loads((folder / "report.json").read_text())
    lines = []
    for stub in report["stubs"]:
        readers = ", ".join(f"{reader['module']}[{reader['input']}]" for reader in stub["readers"])
        lines.append(f"Q/DQ %{stub['name']} on %{stub['tensor']} for {readers}: {stub['reason']}")
    lines += [f"float {entry['module']}[{entry['input']}]: {entry['reason']}" for entry in report["missing"]]
    for weight in report["weights"]:
        form = "Q/DQ" if weight["quantized"] else "float"
        lines.append(f"{form} {weight['layer']}.weight in {weight['module']}: {weight['reason']}")
    excerpt(PAGE, "**Placed**", "".join(line + "\n" for line in lines))
    plan = json.loads((folder / "plan.json").read_text())["stubs"]
    for part in ("stubs", "weights"):
        assert [entry["reason"] for entry in plan[part]] == [entry["reason"] for entry in report[part]]


def test_quantized(graftwork, folder):
    """%quant_stub_1 stands in front of its readers and runs: its values are codes times its scale."""
    graftwork(
        *("run", "net.pt2", "--input", "x.npy", "--stage", "quantized", "--calibrate", "samples.npy"),
        *("--values", "quant_stub_1", "-o", "values.npz"),
        cwd=folder,
    )
    assert "`%quant_stub_1 = QuantStub @quant_stub_1(…) {scale=…}`" in (support.ROOT / PAGE).read_text()
    (stub,) = [s for s in json.loads((folder / "report.json").read_text())["stubs"] if s["name"] == "quant_stub_1"]
    codes = support.load_npz(folder / "values.npz")["quant_stub_1"] / stub["scale"]
    assert np.abs(codes - codes.round()).max() < 1e-3
    assert len(np.unique(codes.round())) > 20


def test_exported(folder, excerpt):
    def line(node):
        # Scale and zero point of Q and DQ go without saying.
        inputs = node.input[:1] if node.op_type in ("QuantizeLinear", "DequantizeLinear") else node.input
        return f"{node.op_type:18} {node.name:18} {', '.join(inputs)} → {', '.join(node.output)}\n"

    lines = [line(node) for node in onnx.load(folder / "net.onnx").graph.node]
    (first,) = [i for i, text in enumerate(lines) if " quant_stub_1_q " in text]
    (last,) = [i for i, text in enumerate(lines) if text.startswith("Relu ") and i > first]
    excerpt(PAGE, "**Exported**", "".join(lines[first : last + 1]))
    assert not [text for text in lines if text.startswith("BatchNorm")], "the page says that batch norm is gone"
