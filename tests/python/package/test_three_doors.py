"""One network through the command, the C++ library and the Python package: the same graph, the same bytes."""

import subprocess

import numpy as np
import pytest
import small_networks as networks
import torch

NETWORKS = {
    "residual": lambda: (networks.residual(), networks.images(2), networks.images(10)),
    "recurrent": lambda: (networks.recurrent(), torch.randn(2, 7, 16), torch.randn(10, 7, 16)),
}


@pytest.fixture(scope="module", params=NETWORKS)
def doors(request, graftwork, tmp_path_factory):
    """By door: the transformed graph as text, and the file."""
    from graftwork import transform
    from graftwork.onnx import export_onnx
    from graftwork.quantize import quantize

    folder = tmp_path_factory.mktemp("doors")
    model, example, data = NETWORKS[request.param]()
    shapes = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(model, (example,), dynamic_shapes=shapes), folder / "net.pt2")
    np.save(folder / "data.npy", data.numpy())
    printed = graftwork("transform", "net.pt2", "-o", "net.gir", cwd=folder)
    assert printed.returncode == 0
    graftwork("quantize", "net.pt2", "--calibrate", "data.npy", "-o", "command.onnx", cwd=folder)
    made = {"command": ((folder / "net.gir").read_text(), (folder / "command.onnx").read_bytes())}

    program = graftwork.path.parent / "cpp_door"
    done = subprocess.run(
        [program, "net.pt2", "data.npy", "cpp.onnx"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made["C++"] = (done.stdout, (folder / "cpp.onnx").read_bytes())

    result = transform(model, (example,), dynamic_shapes=shapes)
    q = quantize(result.model, (example,), forward_loop=lambda m: [m(x) for x in data.split(4)], freeze_weights=True)
    export_onnx(q, folder / "python.onnx")
    made["Python"] = (result.model.info.network.text(types=False), (folder / "python.onnx").read_bytes())
    return made


@pytest.mark.parametrize("door", ["C++", "Python"])
def test_the_graph_is_the_same(doors, door):
    assert doors[door][0] == doors["command"][0]


@pytest.mark.parametrize("door", ["C++", "Python"])
def test_the_file_is_the_same(doors, door):
    assert len(doors["command"][1]) > 5_000
    assert doors[door][1] == doors["command"][1]
