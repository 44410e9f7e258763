"""Networks that come with quantizers of torch: what becomes of them in PyTorch."""

import graftwork
import pytest
import torch
from graftwork.onnx import export_onnx
from graftwork.quantize import quantize

from networks import NETWORKS


@pytest.fixture(scope="module")
def trained():
    args, _ = NETWORKS["trained_quantized"].arguments(2, torch.Generator().manual_seed(0))
    return NETWORKS["trained_quantized"].build(), args


@pytest.mark.parametrize("prepare", [graftwork.prepare_graph, lambda *given: graftwork.transform(*given, [])])
def test_layers_in_no_kernel_run_with_their_quantizers(trained, prepare):
    model, args = trained
    made = prepare(model, args).model
    with torch.no_grad():
        assert torch.equal(made(*args), model(*args))
    assert made.stem.conv2d.weight_fake_quant.enabled
    assert {id(p) for p in made.parameters()} == {id(p) for p in model.parameters()}


@pytest.mark.filterwarnings("ignore:ranges of")
def test_given_scales_stay(trained, tmp_path):
    model, args = trained
    made = graftwork.transform(model, args).model
    q = quantize(made, args, float_type="fp32")
    given = made.FusedConvBNAct_0.weight_fake_quant.scale
    assert torch.equal(dict(q.quantizers())["stem.conv2d.weight_fake_quant"].scale, given)
    export_onnx(q, tmp_path / "q.onnx")
