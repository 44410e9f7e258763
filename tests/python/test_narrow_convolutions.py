"""Quantized convolutions of few channels over a sequence, a column or a pixel (docs/decisions/narrow-convolutions.md).

As they are, NVIDIA's compiler runs them in floating point; as Graftwork writes them, in INT8.
"""

import numpy as np
import pytest
import torch
from torch import nn

import narrow_convolutions
import support

NETWORKS = {
    "a sequence": (lambda: nn.Conv1d(3, 16, 5, stride=2, padding=2, dilation=1), (1, 3, 64), True),
    "a sequence of one step": (lambda: nn.Conv1d(4, 16, 1), (1, 4, 1), True),
    "a column": (lambda: nn.Conv2d(1, 16, (3, 1), stride=(2, 1), padding=(1, 0), dilation=(2, 1)), (1, 1, 64, 1), True),
    "one pixel": (lambda: nn.Conv2d(4, 16, 1), (1, 4, 1, 1), True),
    "one pixel with tiny weights": (lambda: scaled(nn.Conv2d(4, 16, 1), 1e-4), (1, 4, 1, 1), True),
    "a row": (lambda: nn.Conv2d(3, 16, (1, 3)), (1, 3, 1, 64), False),
    "a picture": (lambda: nn.Conv2d(3, 16, 3), (1, 3, 16, 16), False),
    "more channels": (lambda: nn.Conv1d(5, 16, 3), (1, 5, 64), False),
    "several samples": (lambda: nn.Conv1d(3, 16, 3), (2, 3, 64), False),
    "a group for each channel": (lambda: nn.Conv1d(4, 16, 3, groups=4), (1, 4, 64), False),
}


def scaled(layer, factor):
    layer.weight.data.mul_(factor)
    return layer


@pytest.fixture(params=NETWORKS)
def case(request, graftwork, tmp_path):
    """The network, its input and its INT8 file."""
    torch.manual_seed(0)
    make, shape, narrow = NETWORKS[request.param]
    network, x = nn.Sequential(make(), nn.ReLU()).eval(), torch.randn(shape)
    torch.export.save(torch.export.export(network, (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    graftwork("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "m.onnx", cwd=tmp_path)
    return network, x, tmp_path / "m.onnx", narrow


def test_the_file_computes_what_the_network_does(case):
    network, x, path, narrow = case
    assert support.sqnr_db(network(x).detach().numpy(), support.only(support.run_onnx(path, x.numpy()))) > 30
    kinds = [node.op_type for node in support.QdqGraph(path).model.graph.node]
    assert kinds.count("Unsqueeze") == kinds.count("Squeeze") == narrow


@pytest.mark.rtx
def test_the_compiler_runs_the_file_in_int8(rtx, case):
    report = rtx.compile_apart(str(case[2]), 89, {}, None, 300)
    assert report["accepted"], report["parser"] + report["builder"]
    assert report["summary"]["low_precision"] == {"Int8": 1}


@pytest.mark.rtx
@pytest.mark.parametrize("form", narrow_convolutions.FORMS)
def test_the_compiler_leaves_narrow_convolutions_in_float(rtx, form):
    """The reason for the form: where this fails, the compiler has changed, and the form may go."""
    plain, further = narrow_convolutions.FORMS[form]
    narrow = form in ("a sequence", "a column", "one pixel")
    for channels in (4, 5):
        kind, _ = narrow_convolutions.runs(narrow_convolutions.convolution(channels, *plain))
        assert (kind == "Int8") == (not narrow or channels > 4)
        assert narrow_convolutions.runs(narrow_convolutions.convolution(channels, *further))[0] == "Int8"
