"""Small honest networks that mutations begin from: between them they reach every part of the importer.

They are exported once, by the torch at hand, and kept in build/attack. All weights are of a fixed seed.
"""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BATCH = 2


#: What the command says of those that it cannot quantize.
REFUSED = {"branches": "export.unsupported"}


@dataclass(frozen=True)
class Honest:
    name: str
    model: Path  #: .pt2, or TorchScript (.pt)
    samples: Path  #: .npz, arrays by input name
    #: What the command needs to open it.
    options: tuple[str, ...] = ()


def honest_networks(kept):
    """All of them, from the folder `kept`, where they are made if need be."""
    import torch

    source = Path(__file__).read_bytes() + torch.__version__.encode()
    folder = kept / f"networks-{hashlib.sha256(source).hexdigest()[:12]}"
    if not folder.exists():
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as unfinished:
            made = Path(unfinished) / "made"
            made.mkdir()
            _make(made)
            if not folder.exists():
                shutil.move(made, folder)
    script = ("--allow-code", "--example", "x.npz")
    models = sorted(path for path in folder.iterdir() if path.suffix in (".pt2", ".pt"))
    return [
        Honest(path.stem, path, path.with_suffix(".npz"), script if path.suffix == ".pt" else ()) for path in models
    ]


def _make(folder):
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Convolutions(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(True), nn.MaxPool2d(2),
                nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Hardswish(), nn.ConvTranspose2d(8, 4, 2, 2),
                nn.GELU(), nn.Upsample(scale_factor=2, mode="bilinear"), nn.PixelShuffle(2),
            )  # fmt: skip
            self.head = nn.Linear(1, 3)

        def forward(self, x):
            y = self.body(x)
            return self.head(F.adaptive_avg_pool2d(y + F.interpolate(y, scale_factor=1.0), 1).flatten(1))

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.places = nn.Embedding(16, 16), nn.Embedding(8, 16)
            self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
            self.first, self.second = nn.LayerNorm(16), nn.LayerNorm(16)
            self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)

        def forward(self, x):
            mask = (x != 0)[:, None, None, :]
            y = self.words(x) + self.places(torch.arange(x.shape[1]))
            y = self.first(y + self.attention(y, y, y, need_weights=False)[0])
            y = self.second(y + self.down(F.gelu(self.up(y))))
            heads = y.view(y.shape[0], y.shape[1], 4, 4).transpose(1, 2)
            return F.scaled_dot_product_attention(heads, heads, heads, attn_mask=mask).mean(1)

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.LSTM(6, 8, batch_first=True, bidirectional=True)
            self.second = nn.GRU(16, 4, batch_first=True)

        def forward(self, x):
            return self.second(self.first(x)[0])[1][-1]

    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(4))

        def forward(self, x):
            y = x.clone()
            y[:, 0] += 1
            y[:, 1:3].mul_(2)
            rows = y.view(y.shape[0], -1)
            rows[:, ::2].relu_()
            turned = y.transpose(1, 2)
            turned.add_(1).clamp_(max=3)
            table = torch.zeros(4, 4)
            table[1] = 3
            table.index_put_((torch.tensor([0, 2]),), torch.tensor(1.0))
            y.masked_fill_(y > 2.5, 0.5)
            return y + table + self.seen, turned.reshape(-1, 4)

    class Constants(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("places", torch.arange(64.0).view(1, 4, 4, 4))
            self.register_buffer("order", torch.tensor([3, 1, 0, 2]))
            self.conv = nn.Conv2d(4, 4, 3, padding=1)
            nn.utils.parametrizations.weight_norm(self.conv)

        def forward(self, x):
            p = self.places.permute(0, 2, 3, 1).reshape(1, 4, 4, 4) * 2 + 1
            p = torch.cat([p[:, self.order], torch.ones_like(p)], 1).softmax(1).index_select(1, torch.arange(4))
            grid = torch.stack(torch.meshgrid(torch.arange(4.0), torch.linspace(0, 1, 4), indexing="ij")).sum(0)
            a, b = torch.split(self.conv(x) + grid, 2, 1)
            return torch.cat([a, b * p[:, :2], x.flip(3)[:, :1].cumsum(2)], 1), torch.stack([x, x.roll(1, 2)])[0]

    class Sizes(nn.Module):
        def forward(self, x):
            n, c, h, w = x.shape
            y = x.reshape(n, c, h // 2, 2, w).sum(3)
            y = F.pad(y, (0, (4 - w % 4) % 4)).view(n, c, h // 2, -1, 2).amax(4)
            return F.interpolate(y, size=(h, w), mode="nearest") + torch.zeros(n, 1, h, w), y.new_full((n, h), 2.0)

    class Detection(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 6, 3, 2, 1)
            self.register_buffer("anchors", torch.rand(16, 4))

        def forward(self, x):
            found = self.conv(x).flatten(2).transpose(1, 2)
            scores, boxes = found[..., :2].sigmoid(), found[..., 2:] * 0.1 + self.anchors
            best, where = scores.max(-1)
            top, index = best.topk(5, dim=1)
            picked = boxes.gather(1, index.unsqueeze(-1).expand(-1, -1, 4))
            kept = torch.where((top > 0.5).unsqueeze(-1), picked, picked.new_zeros(()))
            order = where.gather(1, index).argsort(1, descending=True)
            return kept, order, torch.zeros_like(best).scatter(1, index, top), boxes[0][index[0]]

    class Fourier(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("window", torch.hann_window(16))
            self.layer = nn.Linear(9, 4)

        def forward(self, x):
            s = torch.stft(x, 16, 8, window=self.window, return_complex=True)
            return self.layer((s.abs() + s.real.square()).transpose(1, 2)).log_softmax(-1)

    class Windows(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.qkv = nn.LayerNorm(8), nn.Linear(8, 24)
            self.bias = nn.Parameter(torch.rand(2, 4, 4))

        def forward(self, x):
            n = x.shape[0]
            y = torch.roll(self.norm(x), (-1, -1), (1, 2))
            y = y.view(n, 2, 2, 2, 2, 8).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, 8)
            q, k, v = self.qkv(y).reshape(-1, 4, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
            y = (q @ k.transpose(-2, -1) * 0.5 + self.bias).softmax(-1) @ v
            y = y.transpose(1, 2).reshape(n, 2, 2, 2, 2, 8).permute(0, 1, 3, 2, 4, 5).reshape(n, 4, 4, 8)
            return x + torch.roll(y, (1, 1), (1, 2)), torch.einsum("nhwc,nhwd->ncd", x, y)

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return torch.cond(x.sum() > 0, lambda v: self.a(v).relu(), lambda v: self.b(v).tanh(), (x,))

    class Types(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
            self.b.weight = self.a.weight

        def forward(self, x):
            y = self.a(x) * self.b(x)
            with torch.no_grad():
                z = (x * 2).int().to(torch.float16).float() + (x > 0).to(torch.int64)
            return {"y": y.var(1, keepdim=True), "z": [z.floor() if z.is_floating_point() else z, None]}

    class Scripted(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 2)

        def forward(self, x):
            y = self.conv(x).relu()
            for _ in range(2):
                y = y + F.max_pool2d(y, 3, 1, 1)
            return self.last(y.mean([2, 3]))

    torch.manual_seed(0)
    first = {0: torch.export.Dim("batch", min=1)}
    free = {0: torch.export.Dim("batch", min=1), 2: 2 * torch.export.Dim("rows", min=2, max=64)}
    image = torch.rand(BATCH, 3, 8, 8)
    networks = {
        "branches": (Branches(), torch.rand(BATCH, 4), first),
        "constants": (Constants(), torch.rand(BATCH, 4, 4, 4), first),
        "convolutions": (Convolutions(), image, first),
        "detection": (Detection(), image, first),
        "encoder": (Encoder(), torch.randint(0, 16, (BATCH, 5)), first),
        "fourier": (Fourier(), torch.rand(BATCH, 64), None),
        "in_place": (InPlace(), torch.rand(3, 3, 4, 4), first),
        "recurrent": (Recurrent(), torch.rand(BATCH, 5, 6), first),
        "sizes": (Sizes(), torch.rand(BATCH, 3, 8, 6), free),
        "types": (Types(), torch.rand(BATCH, 4), first),
        "windows": (Windows(), torch.rand(3, 4, 4, 8), first),
    }
    for name, (model, x, shapes) in networks.items():
        np.savez(folder / f"{name}.npz", x=x.numpy())
        program = torch.export.export(model.eval(), (x,), dynamic_shapes=(shapes,) if shapes else None)
        torch.export.save(program, folder / f"{name}.pt2")
        if name in ("in_place", "convolutions"):  # the same in torch's core operators
            torch.export.save(program.run_decompositions(), folder / f"{name}_core.pt2")
            shutil.copy(folder / f"{name}.npz", folder / f"{name}_core.npz")
    np.savez(folder / "scripted.npz", x=image.numpy())
    torch.jit.script(Scripted().eval()).save(str(folder / "scripted.pt"))
