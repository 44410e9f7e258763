"""What torch.export.save writes, read back and run: the results are PyTorch's own."""

import json

import numpy as np
import pytest
import torch
from torch import nn


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = nn.Linear(6, 6)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(torch.relu(self.first(x)))


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        y = self.conv(x)
        y.mul_(2).add_(1)
        return torch.nn.functional.leaky_relu_(y, 0.1)


class Constants(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.arange(12.0).reshape(3, 4))
        self.register_buffer("hidden", torch.ones(4), persistent=False)

    def forward(self, x):
        mask = torch.where(torch.arange(4) > 1, 1.0, -2.0)
        return x @ self.table.t().contiguous()[:4] + (mask * self.hidden).sum() + torch.tensor([1.0, 2.0, 3.0])


class Several(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)

    def forward(self, x, scale):
        y = self.fc(x) * scale
        left, right = y.chunk(2, dim=1)
        values, indices = y.topk(2, dim=1)
        return {"left": left, "picked": x[:, indices[0]], "values": values, "right": right.to(torch.float64)}


class NoGrad(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        with torch.no_grad():
            offset = x.mean(dim=-1, keepdim=True)
        return self.fc(x - offset)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())

    def forward(self, x):
        return self.head(self.head(x))


class Sizes(nn.Module):
    def forward(self, x):
        n, c, h, w = x.shape
        return x.reshape(n * c, h * w).view(n, c, h, w).flatten(2).transpose(1, 2) + n


class ChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last)

    def forward(self, x):
        return self.conv(x.to(memory_format=torch.channels_last)).mean((2, 3))


CASES = {
    "tied weights": (Tied(), (torch.randn(2, 6),), None),
    "in-place": (InPlace(), (torch.randn(1, 3, 8, 8),), None),
    "constants": (Constants(), (torch.randn(2, 4),), None),
    "several inputs and results": (Several(), (torch.randn(2, 8), torch.tensor(1.5)), None),
    "no_grad block": (NoGrad(), (torch.randn(2, 4),), None),
    "module called twice": (Twice(), (torch.randn(1, 3, 4, 4),), None),
    "run-time sizes": (Sizes(), (torch.randn(2, 3, 4, 5),), ({0: torch.export.Dim("n", min=1)},)),
    "channels last": (ChannelsLast(), (torch.randn(2, 3, 6, 6),), None),
}


def save(tmp_path, model, args, dynamic_shapes=None, decompose=False):
    program = torch.export.export(model.eval(), args, dynamic_shapes=dynamic_shapes)
    if decompose:
        program = program.run_decompositions()
    path = tmp_path / "model.pt2"
    torch.export.save(program, str(path))
    return path


def run(graftwork, tmp_path, path, names, args, stage="float"):
    inputs = []
    for name, arg in zip(names, args, strict=True):
        np.save(tmp_path / f"{name}.npy", arg.numpy())
        inputs += ["--input", f"{name}={tmp_path / name}.npy"]
    graftwork("run", path, *inputs, "--stage", stage, "-o", tmp_path / "y.npz")
    with np.load(tmp_path / "y.npz") as results:
        return {name: torch.from_numpy(results[name]) for name in results.files}


def expected(model, args):
    with torch.no_grad():
        result = model(*args)
    return result if isinstance(result, dict) else {"output": result}


@pytest.mark.parametrize("decompose", [False, True], ids=["training", "core"])
@pytest.mark.parametrize("case", CASES)
def test_import_runs_as_pytorch_does(graftwork, tmp_path, case, decompose):
    model, args, dynamic_shapes = CASES[case]
    path = save(tmp_path, model, args, dynamic_shapes, decompose)
    names = ["x", "scale"][: len(args)]
    want = expected(model, args)
    for stage in ("float", "transformed"):
        got = run(graftwork, tmp_path, path, names, args, stage)
        assert set(got) == set(want)
        for name, value in want.items():
            assert got[name].dtype == value.dtype, name
            torch.testing.assert_close(got[name], value, rtol=1e-5, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")


def test_run_time_sizes_follow_the_batch(graftwork, tmp_path):
    model, args, dynamic_shapes = CASES["run-time sizes"]
    path = save(tmp_path, model, args, dynamic_shapes)
    other = (torch.randn(5, 3, 4, 5),)
    torch.testing.assert_close(run(graftwork, tmp_path, path, ["x"], other)["output"], model(*other))


def test_tied_weights_are_one_tensor(graftwork, tmp_path):
    model, args, _ = CASES["tied weights"]
    text = graftwork("transform", save(tmp_path, model, args)).stdout
    assert text.count("@first.weight: f32[6, 6]") == 1, "the second layer reads the first one's tensor"
    assert "second.weight" not in text


def test_module_called_twice_is_one_module(graftwork, tmp_path):
    model, args, _ = CASES["module called twice"]
    text = graftwork("transform", save(tmp_path, model, args)).stdout
    assert text.count("FusedConvBNAct @FusedConvBNAct_") == 2
    assert "head.0_1" not in text


@pytest.mark.parametrize("decompose", [False, True], ids=["training", "core"])
def test_core_aten_fuses_like_training_ir(graftwork, tmp_path, decompose):
    model = nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 8, 1), nn.Hardtanh(0, 6)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(8, 4)),
    )
    text = graftwork("transform", save(tmp_path, model, (torch.randn(2, 3, 8, 8),), decompose=decompose)).stdout
    for kind, count in {"FusedConvBNAct": 2, "FusedAdaptiveAvgPool2d": 1, "FusedConvBN": 1, "nn.MaxPool2d": 1}.items():
        assert text.count(f"= {kind} @") == count, text
    assert "aten." not in text


class Unknown(nn.Module):
    def forward(self, x):
        return torch.special.i1(x) + torch.special.i0(x) * torch.lgamma(x)


def test_operators_that_no_network_may_call_are_listed_together(graftwork, tmp_path):
    path = save(tmp_path, Unknown(), (torch.randn(2, 4),))
    assert "aten.special_i1.default" in graftwork("inspect", path).stdout
    np.save(tmp_path / "x.npy", np.zeros((2, 4), np.float32))
    for arguments in (
        ("run", path, "--input", tmp_path / "x.npy", "-o", tmp_path / "out.npz"),
        ("quantize", path, "--calibrate", tmp_path / "x.npy", "-o", tmp_path / "out.onnx"),
    ):
        done = graftwork.run(*arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("error[export.unsupported]: 3 operators cannot be run or exported")
        for operator in ("aten.special_i1.default", "aten.special_i0.default", "aten.lgamma.default"):
            assert f"{operator}: it is none of the operators that a network may call" in done.stderr, done.stderr
        assert not list(tmp_path.glob("out.*"))


class Normalised(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), norm

    def forward(self, x):
        return self.norm(self.conv(x))


def export_and_transform(graftwork, folder, model, decompose):
    program = torch.export.export(model, (torch.randn(4, 3, 8, 8),))
    torch.export.save(program.run_decompositions() if decompose else program, folder / "m.pt2")
    return graftwork("transform", "m.pt2", cwd=folder).stderr


TRACKED = {
    "batch norm": (nn.BatchNorm2d(8), False),
    "batch norm, core": (nn.BatchNorm2d(8), True),
    "instance norm": (nn.InstanceNorm2d(8, track_running_stats=True), False),
}


@pytest.mark.parametrize(("norm", "decompose"), TRACKED.values(), ids=TRACKED)
def test_what_is_exported_in_training_mode_is_said(graftwork, tmp_path, norm, decompose):
    warning = export_and_transform(graftwork, tmp_path, Normalised(norm).train(), decompose)
    assert "warning: the network was exported in training mode" in warning
    assert "(norm): call model.eval() before exporting it" in warning
    np.save(tmp_path / "x.npy", torch.randn(8, 3, 8, 8).numpy())
    arguments = ("quantize", "m.pt2", "--calibrate", "x.npy", "--report", "r.json", "-o", "m.onnx")
    assert warning.strip() in graftwork(*arguments, cwd=tmp_path).stderr
    assert json.loads((tmp_path / "r.json").read_text())["warnings"] == [warning.strip().removeprefix("warning: ")]
    for command in (("plan", "m.pt2", "-o", "p.json"), ("explain", "m.pt2", "conv")):
        assert graftwork(*command, cwd=tmp_path).stderr == warning


def test_statistics_that_training_writes_have_their_way_out(graftwork, tmp_path):
    model = Normalised(nn.InstanceNorm2d(8, track_running_stats=True)).train()
    program = torch.export.export(model, (torch.randn(4, 3, 8, 8),)).run_decompositions()
    torch.export.save(program, tmp_path / "m.pt2")
    assert "try calling model.eval() before exporting it" in graftwork.fails("transform", "m.pt2", cwd=tmp_path).stderr


@pytest.mark.parametrize("decompose", [False, True], ids=["training", "core"])
@pytest.mark.parametrize("norm", [nn.BatchNorm2d(8), nn.BatchNorm2d(8, track_running_stats=False)], ids=str)
def test_norms_of_an_evaluated_network_are_no_training(graftwork, tmp_path, norm, decompose):
    assert export_and_transform(graftwork, tmp_path, Normalised(norm).eval(), decompose) == ""


def test_dropout_that_drops_has_its_way_out(graftwork, tmp_path):
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.5)).train()
    assert "drop values (1, 2): call model.eval()" in export_and_transform(graftwork, tmp_path, model, False)
    np.save(tmp_path / "x.npy", torch.randn(4, 3, 8, 8).numpy())
    done = graftwork.fails("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "m.onnx", cwd=tmp_path)
    assert "try calling model.eval() before exporting the network" in done.stderr
