"""Writes the networks that load_test.cpp reads: python make_models.py FOLDER.

For each NAME: NAME.pt2 as torch.export.save writes it, NAME.in.npz with the inputs by name, and NAME.out.npz with
PyTorch's results by name ("output", "output_0", ... or the keys of a dict).
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.act = nn.ReLU(inplace=True)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.bn2 = nn.BatchNorm2d(8)
        self.act6 = nn.ReLU6()
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(96, 5)

    def forward(self, x):
        x = self.act(self.bn(self.conv(x)))
        x = self.act6(self.bn2(self.depthwise(x)) + x)
        x = F.avg_pool2d(F.max_pool2d(x, 3, 2, 1, ceil_mode=True), 2, 1)
        return self.fc(self.drop(torch.flatten(x, 1)))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(F.gelu(self.first(x)))


class InPlace(nn.Module):
    def forward(self, x):
        y = x * 2
        y.add_(1).relu_()
        z = y.clone()
        z *= x
        z.clamp_(max=3).masked_fill_(x > 1, -1)
        half = x.to(torch.float16)
        half.add_(x)  # stays float16
        last = z.view(-1)
        last.neg_()  # z is not read again
        return y, last, half


class InPlaceThroughViews(nn.Module):
    def forward(self, x):
        y = x.clone()
        y[:, 0].add_(1)
        z = x.clone()
        flat = z.view(-1)
        z.mul_(2)
        return y, flat


class InPlaceRefused(nn.Module):
    def forward(self, x):
        y = x.clone()
        y.as_strided((2, 2), (1, 3)).add_(1)
        z = x.clone()
        z.unfold(1, 2, 2).neg_()
        return y, z


class Constants(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.randn(4, 6))
        self.weight = nn.Parameter(torch.randn(4, 6))

    def forward(self, x):
        mask = torch.arange(6).view(1, 6) > torch.arange(4).view(4, 1)
        bias = torch.zeros(4, 6).masked_fill(mask, float("-inf"))
        scores = x @ self.table.permute(1, 0) + (bias + torch.arange(6))[:, :4]
        return scores.softmax(-1) @ self.weight.t().reshape(4, 6)[:, 1:]


class Dictionary(nn.Module):
    def forward(self, image, scale):
        features = image * scale
        return {"logits": features.sum(1), "features": features, "image": image}


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.act = nn.Conv2d(4, 4, 3, padding=1), nn.SiLU()

    def forward(self, x):
        return self.act(self.conv(self.act(self.conv(x))))


class NoGrad(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        with torch.no_grad():
            y = self.inner(x).relu()
            a, b = y.chunk(2, 1)
        return self.outer(torch.cat([b, a], 1)) + x


class Sizes(nn.Module):
    def forward(self, x):
        rows = x.shape[0]
        y = x.view(rows * 2, -1)
        z = torch.cat([x, x.new_full((rows, 1), 0.5)], 1) * rows
        return y, z, x.reshape(rows, 2, x.shape[1] // 2).flatten(0, 1), torch.arange(rows) * 2.5


class Operators(nn.Module):
    """One of everything whose arguments are of a kind of their own."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(3, 4, 3, padding="same")
        self.conv3 = nn.Conv3d(1, 2, (1, 2, 2))
        self.up = nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1)
        self.norm, self.group = nn.LayerNorm(6), nn.GroupNorm(2, 4)
        self.bn = nn.BatchNorm1d(4, affine=False)
        self.prelu, self.elu, self.leaky = nn.PReLU(), nn.ELU(alpha=2), nn.LeakyReLU(1)
        self.embedding = nn.Embedding(10, 6)

    def forward(self, x, ids):
        a = self.leaky(self.elu(self.prelu(self.bn(self.conv1(x)))))
        b = self.conv3(a.unsqueeze(1).unsqueeze(1)).mean((2, 3))
        c = self.up(F.pad(a.unsqueeze(-1), (1, 0, 2, 1), value=0.25))
        d = F.interpolate(self.group(a.unsqueeze(-1)), scale_factor=2.0, mode="nearest").amax((2, 3))
        e = self.norm(self.embedding(ids))
        f = F.scaled_dot_product_attention(e.unsqueeze(1), e.unsqueeze(1), e.unsqueeze(1)).squeeze(1)
        values, indices = e.topk(2, dim=-1)
        g = torch.where(ids > 4, ids * 2, ids.new_zeros(())) + e[:, ids[0] % 3].argmax(-1)
        h = torch.split(e, [1, 4], dim=1)[1].std(-1) / ids.float().mean() + ids[:, :4] ** 2
        return (
            b,
            c,
            d,
            f,
            values,
            indices,
            g,
            h,
            torch.einsum("bij,bkj->bik", e, e).tril().to(torch.float64),
            ids % 2 == 0,
        )


@torch.library.custom_op("graftwork_test::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return x * 2


@torch.library.custom_op("graftwork_test::split_at", mutates_args=())
def split_at(x: torch.Tensor, at: int) -> list[torch.Tensor]:
    return [x[:at].clone(), x[at:].clone()]


twice.register_fake(lambda x: torch.empty_like(x))
split_at.register_fake(lambda x, at: [x[:at].clone(), x[at:].clone()])


class Unknown(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        return twice(self.fc(x)) + torch.cat(split_at(x, 1))


def save(folder, name, model, inputs, dynamic=False, decompose=False):
    torch.manual_seed(sum(map(ord, name)))
    model = model().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean), nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight), nn.init.normal_(module.bias)
    shapes = {key: {0: torch.export.Dim("n", min=2)} for key in inputs} if dynamic else None
    program = torch.export.export(model, (), inputs, dynamic_shapes=shapes)
    if decompose:
        program = program.run_decompositions()
    torch.export.save(program, str(folder / f"{name}.pt2"))
    if dynamic:
        inputs = {key: torch.cat([value, value, -value]) for key, value in inputs.items()}
    with torch.no_grad():
        results = (program.module() if decompose else model)(**{key: value.clone() for key, value in inputs.items()})
    if not isinstance(results, dict):
        several = isinstance(results, tuple)
        results = {f"output_{i}": value for i, value in enumerate(results)} if several else {"output": results}
    np.savez(folder / f"{name}.in.npz", **{key: value.numpy() for key, value in inputs.items()})
    np.savez(folder / f"{name}.out.npz", **{key: value.numpy() for key, value in results.items()})


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    image = {"x": torch.randn(2, 3, 15, 13)}
    save(folder, "cnn", Cnn, image)
    save(folder, "cnn_core", Cnn, image, decompose=True)
    save(folder, "cnn_dynamic", Cnn, image, dynamic=True)
    save(folder, "tied", Tied, {"x": torch.randn(3, 6)})
    save(folder, "in_place", InPlace, {"x": torch.randn(3, 4)})
    save(folder, "in_place_through_views", InPlaceThroughViews, {"x": torch.randn(3, 4)})
    save(folder, "in_place_refused", InPlaceRefused, {"x": torch.randn(3, 4)})
    save(folder, "constants", Constants, {"x": torch.randn(4, 6)})
    save(folder, "dictionary", Dictionary, {"image": torch.randn(2, 3), "scale": torch.randn(3)})
    save(folder, "shared", Shared, {"x": torch.randn(1, 4, 5, 5)})
    save(folder, "no_grad", NoGrad, {"x": torch.randn(2, 4)})
    save(folder, "sizes", Sizes, {"x": torch.randn(2, 4)}, dynamic=True)
    operators = {"x": torch.randn(2, 3, 8), "ids": torch.randint(0, 10, (2, 5))}
    save(folder, "operators", Operators, operators)
    save(folder, "operators_core", Operators, operators, decompose=True)
    save(folder, "unknown", Unknown, {"x": torch.randn(3, 4)})


if __name__ == "__main__":
    main()
