"""TorchScript through the command: scripted, traced and frozen modules give the numbers that PyTorch gives."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import support

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]

FORMS = ("scripted", "traced", "frozen")


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x
        return self.relu(y)


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(Block(8), Block(8))
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def saved(model, form, path, *example):
    """Writes the module, which computes as in `eval`."""
    model.eval()
    with torch.no_grad():
        if form == "traced":
            script = torch.jit.trace(model, example)
        else:
            script = torch.jit.script(model)
            script = torch.jit.freeze(script) if form == "frozen" else script
    script.save(str(path))
    return path


def encoder():
    layer = nn.TransformerEncoderLayer(32, 4, 64, activation="gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


# name: (module, shape of its input, operators that the transformed graph must have)
NETWORKS = {
    "resnet": (ResNet, (2, 3, 16, 16), {"FusedConvBNAct": 3, "FusedConvBNAddAct": 2}),
    "encoder": (encoder, (2, 7, 32), {"FusedMHAInProjection": 2, "FusedScaledDotProductAttention": 2}),
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """(network, form) → (module, file, input), made once."""
    folder, made = tmp_path_factory.mktemp("scripts"), {}
    for network, (build, shape, _) in NETWORKS.items():
        torch.manual_seed(0)
        model, x = build(), torch.randn(shape)
        for form in FORMS:
            made[network, form] = model, saved(model, form, folder / f"{network}_{form}.ts", x), x
    return made


def shape_of(x):
    return "x".join(map(str, x.shape))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("network", NETWORKS)
def test_gives_the_numbers_of_pytorch(graftwork, scripts, tmp_path, network, form):
    model, path, x = scripts[network, form]
    np.save(tmp_path / "x.npy", x.numpy())
    how = ("--allow-code", "--input-shape", shape_of(x))
    graftwork("run", path, *how, "--input", tmp_path / "x.npy", "--stage", "transformed", "-o", tmp_path / "y.npz")
    with torch.no_grad():
        wanted = model(x).numpy()
    y = support.only(support.load_npz(tmp_path / "y.npz"))
    np.testing.assert_allclose(y, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("network", NETWORKS)
def test_becomes_the_kernels_of_an_exported_one(graftwork, scripts, network, form):
    _, path, x = scripts[network, form]
    graph = graftwork("transform", path, "--allow-code", "--input-shape", f"{shape_of(x)}:f32").stdout
    wanted = dict(NETWORKS[network][2])
    if form == "frozen" and network == "resnet":  # freezing has folded the norms, and so hidden that there were any
        assert "nn.BatchNorm2d" not in graph
    for kind, count in wanted.items():
        assert graph.count(f" = {kind} @") == count, graph


def test_layers_have_the_paths_of_their_modules(graftwork, scripts):
    for form in ("scripted", "traced"):
        _, path, x = scripts["resnet", form]
        graph = graftwork("transform", path, "--allow-code", "--input-shape", shape_of(x)).stdout
        for place in (
            "conv=nn.Conv2d @stem.0 ",
            "act=nn.ReLU @stem.2,",
            "nn.Conv2d @blocks.1.conv2 ",
            "@blocks.0.relu",
        ):
            assert place in graph, (form, place)


def test_a_traced_convolution_is_one(graftwork, tmp_path):
    model = nn.Sequential(nn.Conv1d(4, 6, 3, padding=1), nn.ConvTranspose1d(6, 4, 2, stride=2))
    x = torch.randn(1, 4, 9)
    path = saved(model, "traced", tmp_path / "conv.ts", x)
    assert "_convolution" in str(torch.jit.load(str(path)).inlined_graph)
    graph = graftwork("transform", path, "--allow-code", "--input-shape", shape_of(x)).stdout
    for layer in ("nn.Conv1d @0 ", "nn.ConvTranspose1d @1 "):
        assert layer in graph


@pytest.mark.parametrize("kind", ["attn_mask", "key_padding_mask", "cross", "weights"])
def test_fused_attention_keeps_its_masks(graftwork, tmp_path, kind):
    """torch.nn.MultiheadAttention in eval mode is one operator of torch's."""
    torch.manual_seed(0)

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

        def forward(self, x):
            if kind == "attn_mask":
                mask = torch.ones(5, 5, dtype=torch.bool, device=x.device).triu(1)
                return self.attention(x, x, x, attn_mask=mask, need_weights=False)[0]
            if kind == "key_padding_mask":
                mask = torch.arange(5, device=x.device).expand(2, 5) >= torch.tensor([[5], [3]], device=x.device)
                return self.attention(x, x, x, key_padding_mask=mask, need_weights=False)[0]
            if kind == "weights":
                values, weights = self.attention(x, x, x)
                return torch.cat((values, weights), 2)
            memory = x.flip(1)
            return self.attention(x, memory, memory, need_weights=False)[0]

    model, x = Attention(), torch.randn(2, 5, 16)
    path = saved(model, "traced", tmp_path / "attention.ts", x)
    assert ("_native_multi_head_attention" in str(torch.jit.load(str(path)).inlined_graph)) == (kind != "cross")
    np.save(tmp_path / "x.npy", x.numpy())
    how = ("--allow-code", "--example", tmp_path / "x.npy", "--input", tmp_path / "x.npy")
    graftwork("run", path, *how, "--stage", "transformed", "-o", tmp_path / "y.npz")
    with torch.no_grad():
        wanted = model(x).numpy()
    np.testing.assert_allclose(support.only(support.load_npz(tmp_path / "y.npz")), wanted, atol=1e-5)


def test_becomes_a_file(graftwork, scripts, tmp_path):
    _, path, x = scripts["resnet", "scripted"]
    np.save(tmp_path / "data.npy", np.random.default_rng(0).standard_normal((8, *x.shape[1:]), np.float32))
    how = ("--allow-code", "--input-shape", f"x=1x{shape_of(x[0])}")
    report = tmp_path / "report.json"
    graftwork(
        "quantize", path, *how, "--calibrate", tmp_path / "data.npy", "--report", report, "-o", tmp_path / "m.onnx"
    )
    assert len(json.loads(report.read_text())["stubs"]) > 0


class Branch(nn.Module):
    def forward(self, x):
        return x * 2 if float(x.sum()) > 0 else x - 1


def scripted(code, tmp_path):
    path = tmp_path / "module.ts"
    torch.jit.script(code).save(str(path))
    return path


class TwoResults(nn.Module):
    def forward(self, image, tokens, scale: float = 2.0):
        return image * scale, [tokens + 1, tokens]


def test_inputs_and_results_have_their_names(graftwork, tmp_path):
    path = scripted(TwoResults(), tmp_path)
    inspected = graftwork(
        "inspect", path, "--json", "--allow-code", "--input-shape", "tokens=1x4:i64", "--input-shape", "image=2x3"
    ).stdout
    facts = json.loads(inspected)
    assert [(port["name"], port["type"]["shape"]) for port in facts["inputs"]] == [
        ("image", [2, 3]),
        ("tokens", [1, 4]),
    ]
    assert [port["name"] for port in facts["outputs"]] == ["output_0", "output_1_0", "output_1_1"]
    np.savez(tmp_path / "example.npz", image=np.ones((2, 3), np.float32), tokens=np.ones((1, 4), np.int64))
    again = graftwork("inspect", path, "--json", "--allow-code", "--example", tmp_path / "example.npz").stdout
    assert again == inspected


# arguments behind the file, and what the one message says
REFUSED = {
    "code": ((), "torchscript.code", "--allow-code"),
    "no shape": (("--allow-code",), "torchscript.example", "(--input-shape NAME=1x3x224x224, or --example FILE.npz)"),
    "unknown input": (("--allow-code", "--input-shape", "y=1"), "torchscript.input", "only image, tokens, scale"),
    "too many": (("--allow-code", *(("--input-shape", "1") * 3)), "torchscript.input", "fewer tensors"),
    "no tensor": (("--allow-code", "--input-shape", "scale=1"), "torchscript.input", "scale is float"),
    "twice": (("--allow-code", "--input-shape", "image=1", "--input-shape", "image=1"), "torchscript.input", "twice"),
    "wrong shape": (("--allow-code", "--input-shape", "2x"), "usage", "is not [NAME=]SHAPE[:TYPE]"),
    "wrong type": (("--allow-code", "--input-shape", "2:f99"), "usage", "is not [NAME=]SHAPE[:TYPE]"),
    "two examples": (("--allow-code", "--input-shape", "2", "--example", "x.npz"), "usage", "one of them"),
    "no example": (("--allow-code", "--example", "missing.npz"), "file.", "missing.npz"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_refused(graftwork, tmp_path, why):
    arguments, code, words = REFUSED[why]
    failed = graftwork.fails("inspect", scripted(TwoResults(), tmp_path), *arguments)
    assert f"error[{code}" in failed.stderr
    assert words in failed.stderr


def test_a_branch_on_values_does_not_pass_the_replay(graftwork, tmp_path):
    failed = graftwork.fails("inspect", scripted(Branch(), tmp_path), "--allow-code", "--input-shape", "16")
    assert "error[capture.replay]" in failed.stderr
    assert "aten.item" in failed.stderr or "aten.Float" in failed.stderr or "_local_scalar_dense" in failed.stderr


class Scaled(nn.Module):
    def forward(self, x):
        return x / float(x.abs().max())


def test_a_number_that_is_fixed_is_warned_of(graftwork, tmp_path):
    """The largest element of the inputs of both runs is the same one, so that nothing else can find it."""
    done = graftwork("inspect", scripted(Scaled(), tmp_path), "--allow-code", "--input-shape", "16")
    assert "which is fixed as it was" in done.stderr


def test_what_forward_raises_is_one_line(graftwork, tmp_path):
    failed = graftwork.fails("inspect", saved(nn.Linear(3, 2), "scripted", tmp_path / "m.ts"), "--allow-code",
                             "--input-shape", "2x4")  # fmt: skip
    assert "error[torchscript.forward]" in failed.stderr
    assert "cannot be multiplied (2x4 and 3x2)" in failed.stderr


def test_exported_programs_and_graphs_know_their_inputs(graftwork, exported, tmp_path):
    path = exported("resnet18").path
    assert "--allow-code" in graftwork("inspect", "--help").stdout
    graftwork("inspect", path, "--allow-code")
    failed = graftwork.fails("inspect", path, "--input-shape", "1x3")
    assert "error[usage]" in failed.stderr
    assert "knows its inputs" in failed.stderr
    (tmp_path / "net.gir").write_text("graph(%x: f32[1]) {\n  return y=%x\n}\n")
    failed = graftwork.fails("inspect", tmp_path / "net.gir", "--input-shape", "1")
    assert "error[usage]" in failed.stderr
    assert "printed graph" in failed.stderr
