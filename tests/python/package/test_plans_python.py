"""Patterns, plans, explanations, reports and backends."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import graftwork
import pytest
import torch
from graftwork import backend
from graftwork.onnx import export_onnx
from graftwork.tensorrt import (
    TENSORRT_CONVERSIONS,
    TENSORRT_FUSIONS,
    TENSORRT_PATTERNS,
    TENSORRT_QUANTIZATIONS,
    TENSORRT_SMOOTHINGS,
)
from package_networks import Doubled
from torch import nn

DOUBLE = """
fusion DoubleActPattern {
  %act = nn.ReLU(%x)
  %sum = aten.add.Tensor(%act, %act)
  => %sum = kernel FusedDoubleAct(%x) [act] quantize %x
}
"""


@pytest.fixture
def small_model():
    torch.manual_seed(0)
    return Doubled().eval(), torch.randn(1, 3, 6, 6)


def test_lists_are_ordered_and_named():
    assert TENSORRT_PATTERNS == TENSORRT_CONVERSIONS + TENSORRT_FUSIONS
    assert TENSORRT_FUSIONS.names[:2] == ("StemConvBNActMaxPoolPattern", "ConvBNAddActPattern")
    assert TENSORRT_CONVERSIONS.names[0] == "RemoveAssertPattern"
    assert TENSORRT_FUSIONS["ConvBNPattern"].section == "fusion"
    assert {pattern.section for pattern in TENSORRT_QUANTIZATIONS} == {"quantization"}
    assert {pattern.section for pattern in TENSORRT_SMOOTHINGS} <= {"smoothing"}
    assert repr(TENSORRT_FUSIONS[:2]) == "[StemConvBNActMaxPoolPattern, ConvBNAddActPattern]"
    with pytest.raises(KeyError):
        TENSORRT_FUSIONS.without("NoSuchPattern")


def test_a_subset_of_a_list(small_model):
    model, x = small_model
    made = graftwork.transform(model, (x,), TENSORRT_PATTERNS.without("ConvBNActPattern", "ActAddPattern")).model
    assert hasattr(made, "FusedConvBN_0")
    torch.testing.assert_close(made(x), model(x))
    assert not hasattr(graftwork.transform(model, (x,), []).model, "FusedConvBN_0")


@pytest.mark.parametrize("as_file", [False, True])
def test_a_pattern_of_ones_own(small_model, as_file, tmp_path):
    model, x = small_model
    (tmp_path / "double.gpat").write_text(DOUBLE)
    mine = graftwork.patterns(tmp_path / "double.gpat") if as_file else [graftwork.pattern(DOUBLE)]
    patterns = mine + TENSORRT_PATTERNS.without("ConvBNActPattern")
    result = graftwork.transform(model, (x,), patterns)
    made = result.model
    assert made.FusedDoubleAct_0.act is model.relu
    assert made.FusedDoubleAct_0.inputs_to_quantize == (0,)
    torch.testing.assert_close(made(x), model(x))
    torch.testing.assert_close(made.info.network.run(made.tensors(), [x])[0], model(x))
    assert result.report.counts["DoubleActPattern"] == 1


def test_patterns_that_are_none():
    with pytest.raises(graftwork.Error) as caught:
        graftwork.pattern("fusion Broken {")
    assert caught.value.code == "gpat.syntax"
    assert caught.value.context[0].startswith("text:1:")
    with pytest.raises(graftwork.Error, match="2 patterns"):
        graftwork.pattern(DOUBLE + DOUBLE.replace("Double", "Twice"))
    with pytest.raises(graftwork.Error) as caught:
        graftwork.transform(nn.ReLU(), (torch.randn(2),), TENSORRT_QUANTIZATIONS)
    assert caught.value.code == "patterns.section"
    with pytest.raises(graftwork.Error) as caught:
        graftwork.transform(nn.ReLU(), (torch.randn(2),), TENSORRT_FUSIONS + TENSORRT_FUSIONS)
    assert caught.value.code == "patterns.name"


def test_a_plan_is_edited_and_carried_out(small_model):
    model, x = small_model
    plan = graftwork.get_transformation_plan(model, (x,), TENSORRT_PATTERNS)
    match = plan.matches["relu"]["ConvBNActPattern"]
    assert match.apply
    assert match.nodes == ("conv2d", "relu")
    assert "apply ConvBNActPattern %relu: %conv2d, %relu" in str(plan)
    loser = plan.matches["conv2d"]["ConvBNPattern"]
    assert not loser.apply
    assert loser.winner == "ConvBNActPattern"
    assert repr(loser) == "<skip ConvBNPattern %conv2d, loses to ConvBNActPattern>"
    assert hasattr(graftwork.apply_transformation_plan(plan).model, "FusedConvBNAct_0")
    match.apply = False
    made = graftwork.apply_transformation_plan(plan).model
    assert made.FusedConvBN_0.conv is model.conv
    torch.testing.assert_close(made(x), model(x))


def test_slips_in_an_edit_are_errors(small_model):
    model, x = small_model
    plan = graftwork.get_transformation_plan(model, (x,))
    match = next(match for _, matches in plan.rounds for match in matches)
    with pytest.raises(AttributeError):
        match.aply = False
    with pytest.raises(TypeError, match="'no'"):
        match.apply = "no"


def test_a_plan_is_saved_and_loaded(small_model, tmp_path):
    model, x = small_model
    plan = graftwork.get_transformation_plan(model, (x,))
    plan.matches["relu"]["ConvBNActPattern"].apply = False
    plan.save(tmp_path / "plan.json")
    loaded = plan.load(tmp_path / "plan.json")
    assert not loaded.matches["relu"]["ConvBNActPattern"].apply
    assert loaded.to_json() == plan.to_json() == plan.load(plan.to_json()).to_json()
    assert json.loads(plan.to_json())
    other = graftwork.get_transformation_plan(nn.ReLU(), (x,))
    with pytest.raises(graftwork.Error) as caught:
        graftwork.apply_transformation_plan(other.load(plan.to_json()))
    assert caught.value.code in ("plan.graph", "plan.pattern")
    with pytest.raises(graftwork.Error) as caught:
        plan.load("{nonsense")
    assert caught.value.code == "plan.json"


def test_a_plan_file_is_whole_or_not_there_and_utf_8_whatever_the_locale(small_model, tmp_path):
    """In a process of its own: for the locale, and for the limit of files that a full disk is like."""
    model, _ = small_model
    torch.save(model, tmp_path / "m.pt")
    code = """
import os, resource, signal, sys, torch, graftwork
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
os.chdir(sys.argv[1])
model = torch.load("m.pt", weights_only=False)
plan = graftwork.get_transformation_plan(model, (torch.randn(1, 3, 6, 6),))
name = b"plan \\xff \\xc3\\xa9.json"
plan.save(os.fsdecode(name))
text = open(name, "rb").read()
assert text == plan.to_json().encode()
assert plan.load(os.fsdecode(name)).to_json() == plan.to_json()
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    plan.save(os.fsdecode(name))
except graftwork.Error as error:
    assert error.code == "file.unwritable", error
else:
    raise AssertionError("it was written")
assert open(name, "rb").read() == text
assert sorted(os.listdir(b".")) == [b"m.pt", name]
"""
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    paths = os.pathsep.join(filter(None, sys.path))
    environment["PYTHONPATH"] = paths
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_paths_may_be_any_bytes(small_model, tmp_path):
    model, x = small_model
    name = os.fsdecode(bytes(tmp_path) + b"/\xff\xfe")
    export_onnx(graftwork.transform(model, (x,)).model, f"{name}.onnx", float_type="fp32")
    assert os.path.exists(f"{name}.onnx")
    Path(f"{name}.gpat").write_text(DOUBLE)
    assert len(graftwork.patterns(f"{name}.gpat")) == 1
    Path(f"{name}.json").write_text("{}")
    assert (
        graftwork.quantize.QuantConfig.from_file(f"{name}.json").to_json() == graftwork.quantize.QuantConfig().to_json()
    )
    for read in (
        graftwork.patterns,
        graftwork.quantize.QuantConfig.from_file,
        graftwork.get_transformation_plan(model, (x,)).load,
    ):
        with pytest.raises(graftwork.Error) as caught:
            read(f"{name}.missing.gpat")
        assert caught.value.code == "file.missing"


def test_the_commands_plan_file_is_the_same(small_model, small, tmp_path):
    model, x = small_model
    torch.export.save(torch.export.export(model, (x,)), tmp_path / "m.pt2")
    small.graftwork("plan", tmp_path / "m.pt2", "-o", tmp_path / "plan.json")
    assert graftwork.get_transformation_plan(model, (x,)).to_json() == (tmp_path / "plan.json").read_text()


def test_an_explanation(small_model):
    model, x = small_model
    result = graftwork.transform(model, (x,))
    (explanation,) = result.explain("conv")
    assert explanation.node == "%conv2d = aten.conv2d.default, of conv"
    assert [match.pattern for match in explanation.history] == ["RaiseConvPattern", "ConvBNActPattern"]
    assert "is a part of %fused_conv_bn_act_0" in str(explanation)
    assert explanation.to_dict()["history"][1]["result"] == "fused_conv_bn_act_0"
    (add,) = graftwork.get_transformation_plan(model, (x,)).explain("add")
    assert "is left as it is" in add.outcome
    assert any(miss.reason for miss in add.misses)
    with pytest.raises(graftwork.Error) as caught:
        result.explain("nothing")
    assert caught.value.code == "explain.node"


def test_reports_are_data(residual):
    result = residual.result
    report = result.report.to_dict()
    assert json.loads(json.dumps(report))["counts"]["ConvBNAddActPattern"] == 2
    assert {"pattern", "node", "reason", "winner"} == set(report["skipped"][0])
    assert all(skip["reason"] for skip in report["skipped"])
    assert str(result.matches[-1]).startswith("ConvBNPattern  %fc.conv1x1 → %fused_conv_bn_")
    assert re.search(r" 2  ConvBNAddActPattern$", str(result.report), re.M)
    for shown in (result, result.report, graftwork.get_transformation_plan(nn.ReLU(), (residual.x,))):
        assert shown._repr_html_().startswith("<table>")


@pytest.fixture
def _registry():
    yield
    backend.reset_backends()


@pytest.mark.usefixtures("_registry")
def test_backends(small_model):
    model, x = small_model
    assert backend.get_backend().name == "tensorrt"
    assert backend.get_backend().fusions.names == TENSORRT_FUSIONS.names
    mine = backend.Backend("mine", fusions=TENSORRT_FUSIONS.without("ConvBNActPattern"))
    backend.set_backend(mine)
    assert backend.discover_backends() == ["mine", "tensorrt"]
    assert backend.get_backend().name == "mine"
    assert hasattr(graftwork.transform(model, (x,)).model, "FusedConvBN_0")
    backend.set_backend("tensorrt")
    assert hasattr(graftwork.transform(model, (x,)).model, "FusedConvBNAct_0")
    with pytest.raises(graftwork.Error, match="one of: mine, tensorrt"):
        backend.set_backend("other")
    with pytest.raises(graftwork.Error) as caught:
        backend.set_backend(mine)
    assert caught.value.code == "backend.name"
