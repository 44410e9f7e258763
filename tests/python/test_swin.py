"""Attention in shifted windows, as torchvision, timm and transformers spell it: its parts by name, equal to the
network, and one INT8 kernel each for NVIDIA's compiler."""

import collections
import json

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import support
from public import timm_model, transformers_model

BATCH, CHANNELS, HEADS, WINDOW, SHIFT, PATCH = 2, 32, 2, 4, 2, 4


class TorchvisionAttention(nn.Module):
    """What torchvision.ops' ShiftedWindowAttention computes, operator by operator; torchvision has no build for every
    torch. The mask of shifted windows is made in the graph."""

    def __init__(self, shift, undo=None):
        super().__init__()
        self.shift, self.undo = shift, undo
        self.qkv, self.proj = nn.Linear(CHANNELS, 3 * CHANNELS), nn.Linear(CHANNELS, CHANNELS)
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * WINDOW - 1) ** 2, HEADS))
        places = torch.stack(torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing="ij")).flatten(1)
        apart = (places[:, :, None] - places[:, None, :]).permute(1, 2, 0) + WINDOW - 1
        self.register_buffer("relative_position_index", (apart[..., 0] * (2 * WINDOW - 1) + apart[..., 1]).flatten())

    def bias(self):
        bias = self.relative_position_bias_table[self.relative_position_index].view(WINDOW**2, WINDOW**2, -1)
        return bias.permute(2, 0, 1).contiguous().unsqueeze(0)

    def mask(self, x, height, width, shift):
        mask = x.new_zeros((height, width))
        count = 0
        for rows in ((0, -WINDOW), (-WINDOW, -shift[0]), (-shift[0], None)):
            for columns in ((0, -WINDOW), (-WINDOW, -shift[1]), (-shift[1], None)):
                mask[rows[0] : rows[1], columns[0] : columns[1]] = count
                count += 1
        mask = mask.view(height // WINDOW, WINDOW, width // WINDOW, WINDOW).permute(0, 2, 1, 3)
        mask = mask.reshape(-1, WINDOW**2)
        mask = mask.unsqueeze(1) - mask.unsqueeze(2)
        return mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0)

    def forward(self, x):
        batch, height, width, channels = x.shape
        right, bottom = -width % WINDOW, -height % WINDOW
        x = F.pad(x, (0, 0, 0, right, 0, bottom))
        _, rows, columns, _ = x.shape
        shift = [0 if rows <= WINDOW else self.shift, 0 if columns <= WINDOW else self.shift]
        if sum(shift) > 0:
            x = torch.roll(x, shifts=(-shift[0], -shift[1]), dims=(1, 2))
        count = (rows // WINDOW) * (columns // WINDOW)
        x = x.view(batch, rows // WINDOW, WINDOW, columns // WINDOW, WINDOW, channels)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(batch * count, WINDOW**2, channels)

        qkv = self.qkv(x).reshape(x.size(0), x.size(1), 3, HEADS, channels // HEADS).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0] * (channels // HEADS) ** -0.5, qkv[1], qkv[2]
        weights = q.matmul(k.transpose(-2, -1)) + self.bias()
        if sum(shift) > 0:
            weights = weights.view(x.size(0) // count, count, HEADS, x.size(1), x.size(1))
            weights = weights + self.mask(x, rows, columns, shift).unsqueeze(1).unsqueeze(0)
            weights = weights.view(-1, HEADS, x.size(1), x.size(1))
        weights = F.dropout(F.softmax(weights, dim=-1), p=0.0, training=self.training)
        x = weights.matmul(v).transpose(1, 2).reshape(x.size(0), x.size(1), channels)
        x = F.dropout(self.proj(x), p=0.0, training=self.training)

        x = x.view(batch, rows // WINDOW, columns // WINDOW, WINDOW, WINDOW, channels)
        x = x.permute(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, channels)
        if sum(shift) > 0:
            back = shift if self.undo is None else self.undo
            x = torch.roll(x, shifts=(back[0], back[1]), dims=(1, 2))
        return x[:, :height, :width, :].contiguous()


class TorchvisionSwin(nn.Module):
    """Two blocks without their feed-forward layers."""

    def __init__(self, undo=None):
        super().__init__()
        self.patches = nn.Conv2d(3, CHANNELS, PATCH, PATCH)
        self.norms = nn.ModuleList([nn.LayerNorm(CHANNELS), nn.LayerNorm(CHANNELS)])
        self.blocks = nn.ModuleList([TorchvisionAttention(0), TorchvisionAttention(SHIFT, undo)])

    def forward(self, x):
        x = self.patches(x).permute(0, 2, 3, 1)
        for norm, block in zip(self.norms, self.blocks, strict=True):
            x = x + block(norm(x))
        return x


def timm_swin(size, name="swin_tiny_patch4_window7_224", heads=HEADS):
    return timm_model(
        name, img_size=size, depths=(2,), embed_dim=CHANNELS, num_heads=(heads,), window_size=WINDOW, num_classes=5
    )


def transformers_swin(size, kind="Swin", heads=HEADS):
    options = {"depths": [2], "num_heads": [heads], "embed_dim": CHANNELS, "window_size": WINDOW, "num_labels": 5}
    return transformers_model(kind, image_size=size, patch_size=PATCH, **options)


SPELLINGS = {
    "torchvision": lambda size: TorchvisionSwin(),
    "timm": timm_swin,
    "transformers": transformers_swin,
    "timm, one head": lambda size: timm_swin(size, heads=1),
    "transformers, one head": lambda size: transformers_swin(size, heads=1),
    "timm, version 2": lambda size: timm_swin(size, "swinv2_tiny_window8_256"),
    "transformers, version 2": lambda size: transformers_swin(size, "Swinv2"),
}

# Height and width of the map in patches.
MAPS = {
    "padded": (10, 14),
    "fitting": (8, 12),
    "one window": (4, 4),
    "one row of windows": (4, 8),
    "less than a window": (3, 2),
}


def cases():
    for spelling in SPELLINGS:
        for name in MAPS:
            # transformers' bias of positions does not fit smaller windows.
            if spelling in ("torchvision", "timm") or (spelling == "transformers" and name != "less than a window"):
                yield pytest.param(spelling, name, False, id=f"{spelling}-{name}")
        yield pytest.param(spelling, "padded", True, id=f"{spelling}-padded-core ATen")
        if spelling not in ("torchvision", "timm", "transformers"):
            yield pytest.param(spelling, "padded", False, id=f"{spelling}-padded")


def build(spelling, name):
    size = tuple(PATCH * extent for extent in MAPS[name])
    model = SPELLINGS[spelling](size).eval()
    # Tables of zeros, norms that scale by 0 and small layers would hide what goes wrong.
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model, torch.randn(BATCH, 3, *size)


def result(model, x):
    with torch.no_grad():
        y = model(x)
    return getattr(y, "logits", y).numpy()


def calls(folder):
    text = (folder / "m.gir").read_text()
    return collections.Counter(line.split(" = ")[1].split(" ")[0] for line in text.splitlines() if " = " in line)


def states(name, spelling):
    """What the states of the two blocks say: samples, rows, columns, padding, shift, and no elements."""
    extents = MAPS[name]
    padding = tuple(-extent % WINDOW for extent in extents)
    shift = [SHIFT if extent > WINDOW else 0 for extent in extents]
    if spelling == "transformers" and min(extents) <= WINDOW:
        shift = [0, 0]
    if spelling.startswith("timm") and name == "less than a window":
        padding = (0, 0)  # it takes smaller windows
    return (BATCH, *extents, *padding, 0, 0, 0), (BATCH, *extents, *padding, *shift, 0)


@pytest.mark.parametrize(("spelling", "name", "core"), list(cases()))
def test_it_is_raised_and_equal(graftwork, small, spelling, name, core):
    model, x = build(spelling, name)
    program = torch.export.export(model, (x,))
    torch.export.save(program.run_decompositions() if core else program, small.folder / "m.pt2")
    np.save(small.folder / "x.npy", x.numpy())
    graftwork("transform", "m.pt2", "-o", "m.gir", cwd=small.folder)
    found = calls(small.folder)
    for kind in ("SwinWindowPartition", "FusedSwinAttention", "SwinWindowReverse"):
        assert found[kind] == 2, found
    if "version 2" not in spelling:
        assert found["FusedMHAInProjection"] == 2, found
    left = {"aten.pad.default", "aten.constant_pad_nd.default", "aten.cat.default", "aten.slice.Tensor"}
    assert not left & set(found), found
    values = ("SwinWindowPartition_0.state", "SwinWindowPartition_1.state")
    wanted = [word for value in values for word in ("--values", value)]
    graftwork(
        *("run", "m.pt2", "--input", "x.npy", "--stage", "transformed", *wanted, "--quiet", "-o", "y.npz"),
        cwd=small.folder,
    )
    arrays = support.load_npz(small.folder / "y.npz")
    assert tuple(arrays.pop(value).shape for value in values) == states(name, spelling)
    np.testing.assert_allclose(support.only(arrays), result(model, x), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("spelling", ["torchvision", "timm", "transformers"])
def test_a_number_of_samples_that_is_known_at_run_time(graftwork, small, spelling):
    model, x = build(spelling, "padded")
    dynamic = {"pixel_values" if spelling == "transformers" else "x": {0: torch.export.Dim("batch", min=2, max=8)}}
    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=dynamic), small.folder / "m.pt2")
    x = torch.cat([x, x.flip(-1)])[:3]
    np.save(small.folder / "x.npy", x.numpy())
    graftwork("transform", "m.pt2", "-o", "m.gir", cwd=small.folder)
    assert calls(small.folder)["FusedSwinAttention"] == 2
    graftwork(
        *("run", "m.pt2", "--input", "x.npy", "--stage", "transformed", "--quiet", "-o", "y.npz"), cwd=small.folder
    )
    arrays = support.load_npz(small.folder / "y.npz")
    np.testing.assert_allclose(support.only(arrays), result(model, x), rtol=2e-5, atol=2e-5)
    graftwork("quantize", "m.pt2", "--calibrate", "x.npy", "--quiet", "-o", "m.onnx", cwd=small.folder)
    value = support.only(support.run_onnx(small.folder / "m.onnx", x.numpy()))
    assert support.sqnr_db(result(model, x), value) > 25


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_it_is_quantized_and_near_and_the_state_costs_nothing(graftwork, small, spelling):
    model, x = build(spelling, "padded")
    value = small.quantize(model, (x,), "--report", "r.json")[0]
    assert support.sqnr_db(result(model, x), value) > 25
    stubs = json.loads((small.folder / "r.json").read_text())["stubs"]
    inner = [stub["name"] for stub in stubs if stub["name"].startswith("FusedSwinAttention")]
    assert sorted(inner) == sorted(
        f"FusedSwinAttention_{i}.{part}_quant" for i in (0, 1) for part in ("scaled", "softmax")
    )
    written = collections.Counter(node.op_type for node in onnx.load(small.folder / "m.onnx").graph.node)
    # Two parts for each axis that is turned and turned back, two to cut each of two maps off.
    assert (written["Pad"], written["Concat"], written["Slice"]) == (2, 4, 8 + 4)


@pytest.mark.rtx
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_each_is_one_int8_kernel(small, rtx, spelling):
    model, x = build(spelling, "padded")
    small.quantize(model, (x,))
    report = rtx.compile_apart(str(small.folder / "m.onnx"), 89, {}, None, 300)
    assert report["accepted"], report["parser"] + report["builder"]
    summary = report["summary"]
    assert summary["quantized_but_float"] == []
    assert [one["low_precision"] for one in summary["attention"]] == [True, True]


def test_what_is_put_together_otherwise_stays_attention(graftwork, small):
    model, x = TorchvisionSwin(undo=(1, 2)).eval(), torch.randn(BATCH, 3, 40, 56)
    torch.export.save(torch.export.export(model, (x,)), small.folder / "m.pt2")
    np.save(small.folder / "x.npy", x.numpy())
    graftwork("transform", "m.pt2", "-o", "m.gir", "--report", "r.json", cwd=small.folder)
    found = calls(small.folder)
    assert (found["FusedSwinAttention"], found["FusedScaledDotProductAttention"]) == (1, 1)
    assert "is not the map that its windows were cut of" in (small.folder / "r.json").read_text()
    graftwork(
        *("run", "m.pt2", "--input", "x.npy", "--stage", "transformed", "--quiet", "-o", "y.npz"), cwd=small.folder
    )
    value = support.only(support.load_npz(small.folder / "y.npz"))
    np.testing.assert_allclose(value, result(model, x), rtol=2e-5, atol=2e-5)
