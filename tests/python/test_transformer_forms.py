"""Forms of transformers that a rewriter trips over: the same numbers when transformed, near ones when quantized."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import _pytree as pytree

import support

B, S, H, D = 2, 12, 2, 32
E = H * D


class Case:
    """A network called with `arguments` by position and `named` by name; None may be among them."""

    def __init__(self, model, *arguments, **named):
        self.model, self.arguments, self.named = model.eval(), arguments, named

    def inputs(self):
        return [value for value in pytree.tree_leaves((self.arguments, self.named)) if isinstance(value, torch.Tensor)]

    def reference(self):
        with torch.no_grad():
            found = pytree.tree_leaves(self.model(*self.arguments, **self.named))
        return [value.numpy() for value in found if isinstance(value, torch.Tensor)]

    def save(self, folder):
        program = torch.export.export(self.model, self.arguments, self.named)
        torch.export.save(program, folder / "m.pt2")
        names = [name for name in program.graph_signature.user_inputs if isinstance(name, str)]
        data = {name: value.numpy() for name, value in zip(names, self.inputs(), strict=True)}
        np.savez(folder / "c.npz", **data)
        for name, value in data.items():
            np.save(folder / f"{name}.npy", value)
        return data


def check(graftwork, folder, case, least=28):
    """Every output: equal after transform, and of the INT8 file at least `least` dB. Returns the outputs' names."""
    data, reference = case.save(folder), case.reference()
    given = [word for name in data for word in ("--input", f"{name}={name}.npy")]
    graftwork("run", "m.pt2", *given, "--stage", "transformed", "--quiet", "-o", "y.npz", cwd=folder)
    transformed = support.load_npz(folder / "y.npz")
    graftwork("quantize", "m.pt2", "--calibrate", "c.npz", "--quiet", "-o", "m.onnx", cwd=folder)
    found = support.run_onnx(folder / "m.onnx", data)
    assert sorted(found) == sorted(transformed)
    for name, expected in zip(found, reference, strict=True):
        np.testing.assert_allclose(transformed[name], expected, rtol=2e-5, atol=5e-6)
        if expected.dtype == np.float32:
            sqnr = support.sqnr_db(expected, found[name])
            print(f"{name}: {sqnr:.1f} dB")
            assert sqnr > least, name
        else:
            np.testing.assert_array_equal(found[name], expected)
    return list(found)


# ---- nn.MultiheadAttention -----------------------------------------------------------------------------------------


class Multihead(nn.Module):
    """Behind attention a layer, so that what it gives is read in INT8. `call` are the options of its call."""

    def __init__(self, cross, call, options):
        super().__init__()
        self.attention, self.out = nn.MultiheadAttention(E, H, **options), nn.Linear(E, E)
        for name, value in self.attention.named_parameters():
            if "bias" in name:
                nn.init.normal_(value, std=0.5)
        self.cross, self.call = cross, call

    def forward(self, query, key=None, value=None, **masks):
        key, value = (key, value) if self.cross else (query, query)
        found, weights = self.attention(query, key, value, **self.call, **masks)
        return (self.out(found), weights) if weights is not None else self.out(found)


def multihead(cross=False, call=None, widths=(E, E), batch=B, keys=S, masks=None, **options):
    call = {"need_weights": False, **(call or {})}
    is_first = options.setdefault("batch_first", True)

    def tensor(length, width):
        if batch is None:
            return torch.randn(length, width)
        return torch.randn(*((batch, length) if is_first else (length, batch)), width)

    parts = [tensor(S, E)]
    if cross:
        parts += [tensor(keys, width) for width in widths]
    return Case(Multihead(cross, call, options), *parts, **(masks or {}))


def padding(keys=S):
    return torch.arange(keys) >= torch.tensor([[keys], [keys - 4]])


CAUSAL = torch.ones(S, S, dtype=torch.bool).triu(1)
SELF = {
    "as it is": {},
    "batch second": {"batch_first": False},
    "no bias": {"bias": False},
    "bias_kv": {"add_bias_kv": True},
    "zero_attn": {"add_zero_attn": True},
    "bias_kv and zero_attn": {"add_bias_kv": True, "add_zero_attn": True},
    "unbatched": {"batch": None},
    "unbatched, batch second": {"batch": None, "batch_first": False},
}
CROSS = {
    "cross": {"cross": True, "keys": 20},
    "cross, batch second": {"cross": True, "keys": 20, "batch_first": False},
    "kdim": {"cross": True, "keys": 20, "kdim": 48, "widths": (48, E)},
    "vdim": {"cross": True, "keys": 20, "vdim": 80, "widths": (E, 80)},
    "kdim and vdim": {"cross": True, "keys": 20, "kdim": 48, "vdim": 80, "widths": (48, 80)},
    "kdim, vdim, bias_kv, zero_attn": {
        **{"cross": True, "keys": 20, "kdim": 48, "vdim": 80, "widths": (48, 80)},
        **{"add_bias_kv": True, "add_zero_attn": True},
    },
}
WEIGHTS = {
    "no weights": {},
    "mean of weights": {"need_weights": True},
    "weights of each head": {"need_weights": True, "average_attn_weights": False},
}
MASKS = {
    "no mask": lambda: {},
    "key_padding_mask": lambda: {"key_padding_mask": padding()},
    "key_padding_mask of numbers": lambda: {"key_padding_mask": padding().float() * -1e4},
    "attn_mask": lambda: {"attn_mask": CAUSAL},
    "attn_mask of numbers": lambda: {"attn_mask": torch.randn(S, S)},
    "attn_mask of each head": lambda: {"attn_mask": torch.rand(B * H, S, S) > 0.7},
    "both masks": lambda: {"attn_mask": CAUSAL, "key_padding_mask": padding()},
}


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("form", SELF | CROSS)
def test_every_form_of_multihead_attention(graftwork, small, form, weights):
    case = multihead(call=WEIGHTS[weights], **(SELF | CROSS)[form])
    assert len(check(graftwork, small.folder, case)) == (1 if weights == "no weights" else 2)


@pytest.mark.parametrize(("mask", "weights"), [*itertools.product(list(MASKS)[1:], ["no weights", "mean of weights"])])
def test_every_mask_of_multihead_attention(graftwork, small, mask, weights):
    check(graftwork, small.folder, multihead(call=WEIGHTS[weights], masks=MASKS[mask]()))


@pytest.mark.parametrize("form", ["bias_kv and zero_attn", "batch second"])
def test_masks_of_multihead_attention_with_keys_of_its_own(graftwork, small, form):
    check(graftwork, small.folder, multihead(masks=MASKS["both masks"](), **SELF[form]))


# ---- Detectors -----------------------------------------------------------------------------------------------------


def inverse_sigmoid(x, eps=1e-5):
    x = x.clamp(0, 1)
    return torch.log(x.clamp(eps) / (1 - x).clamp(eps))


class Refined(nn.Module):
    """RT-DETR's boxes: the sum of two branches is what a layer's kernel takes in, and itself an input of the next."""

    def __init__(self):
        super().__init__()
        self.delta = nn.ModuleList(nn.Linear(E, 4) for _ in range(3))
        self.embed = nn.ModuleList(nn.Linear(4, E) for _ in range(3))

    def forward(self, x, ref):
        boxes = []
        for delta, embed in zip(self.delta, self.embed, strict=True):
            x = x + embed(ref)
            summed = delta(x) + inverse_sigmoid(ref)
            ref = torch.sigmoid(summed)
            boxes += [ref, summed]
        return boxes


def test_boxes_that_are_refined(graftwork, small):
    case = Case(Refined(), torch.randn(B, S, E), torch.rand(B, S, 4) * 0.8 + 0.1)
    check(graftwork, small.folder, case)


class InPlaceQuotient(nn.Module):
    """DAB-DETR's position embedding: its frequencies are computed in place."""

    def __init__(self, size=32):
        super().__init__()
        self.size, self.out = size, nn.Linear(2 * size, E)

    def forward(self, points):
        steps = torch.arange(self.size, dtype=torch.int64)
        steps.floor_divide_(2)
        frequencies = 20 ** (2 * steps / self.size)
        angles = points[..., None] / frequencies
        both = torch.stack((angles[..., 0::2].sin(), angles[..., 1::2].cos()), dim=-1)
        return self.out(both.flatten(-3))


def test_a_quotient_in_place(graftwork, small):
    check(graftwork, small.folder, Case(InPlaceQuotient(), torch.rand(B, S, 2)))


# ---- Layers --------------------------------------------------------------------------------------------------------


class Queried(nn.Module):
    """Layers whose weights are computed, from an input or from parameters in a way that no file holds."""

    def __init__(self):
        super().__init__()
        self.first, self.maker, self.last = nn.Linear(E, E), nn.Linear(E, E), nn.Linear(S, S)

    def forward(self, x, words):
        kernel = self.maker(words)
        return self.last(F.linear(self.first(x), kernel))


def test_a_layer_whose_weight_is_no_parameter(graftwork, small):
    check(graftwork, small.folder, Case(Queried(), torch.randn(B, S, E), torch.randn(S, E)))


class Merged(nn.Module):
    """Swin's merging of patches: the norm's readers see it through a view of another width."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(E, E), nn.LayerNorm(E)
        self.wide, self.narrow = nn.Linear(2 * E, E), nn.Linear(E // 2, E)

    def forward(self, x):
        y = self.norm(self.first(x))
        return self.wide(y.view(B, S // 2, 2 * E)), self.narrow(y.view(B, 2 * S, E // 2))


def test_a_norm_that_is_read_in_another_width(graftwork, small):
    nn.init.normal_((net := Merged()).norm.bias)
    nn.init.uniform_(net.norm.weight, 0.3, 2)
    check(graftwork, small.folder, Case(net, torch.randn(B, S, E)))


class ComplexRotary(nn.Module):
    """DeepSeek-V2's attention: queries and keys are turned as complex numbers, and half of a head is not."""

    def __init__(self, width=16):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(E, E) for _ in range(3))
        self.out = nn.Linear(E, E)
        self.register_buffer("frequency", 100.0 ** (-torch.arange(0, width, 2) / width))
        self.width = width

    def turned(self, x, turns):
        still, moved = x.split([D - self.width, self.width], dim=-1)
        pairs = torch.view_as_complex(moved.float().reshape(*moved.shape[:-1], -1, 2))
        return torch.cat((still, torch.view_as_real(pairs * turns).flatten(-2).type_as(x)), dim=-1)

    def forward(self, x, position_ids):
        angles = position_ids[..., None].float() * self.frequency
        turns = torch.polar(torch.ones_like(angles), angles).unsqueeze(1)
        q, k, v = (layer(x).unflatten(-1, (H, D)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(self.turned(q, turns), self.turned(k, turns), v, is_causal=True)
        return self.out(y.transpose(1, 2).flatten(2))


def test_rotary_of_complex_numbers(graftwork, small):
    positions = torch.arange(S).expand(B, S).contiguous()
    check(graftwork, small.folder, Case(ComplexRotary(), torch.randn(B, S, E), positions))


# ---- Inputs and outputs --------------------------------------------------------------------------------------------


class Embedded(nn.Module):
    """Tied to its output, as language models are."""

    def __init__(self, words=96):
        super().__init__()
        self.words, self.layer = nn.Embedding(words, E), nn.Linear(E, E)
        self.head = nn.Linear(E, words, bias=False)
        self.head.weight = self.words.weight

    def forward(self, tokens=None, embeddings=None, types=None):
        x = self.words(tokens) if embeddings is None else embeddings
        if types is not None:
            x = x + types[..., None]
        return self.head(self.layer(x)), tokens


@pytest.mark.parametrize("kind", [torch.int64, torch.int32])
def test_tokens(graftwork, small, kind):
    tokens = torch.randint(96, (B, S)).to(kind)
    check(graftwork, small.folder, Case(Embedded(), tokens))


@pytest.mark.parametrize("given", ["tokens", "embeddings", "both by name"])
def test_inputs_by_name_and_none(graftwork, small, given):
    tokens, embeddings = torch.randint(96, (B, S)), torch.randn(B, S, E)
    cases = {
        "tokens": lambda net: Case(net, tokens, None, types=None),
        "embeddings": lambda net: Case(net, None, embeddings=embeddings),
        "both by name": lambda net: Case(net, types=torch.rand(B, S), embeddings=embeddings, tokens=None),
    }
    check(graftwork, small.folder, cases[given](Embedded()))


# ---- transformers' own ---------------------------------------------------------------------------------------------

TEXT = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 96}


def tokens(length=S):
    return torch.randint(3, 96, (1, length))


@pytest.fixture
def hf():
    import public  # noqa: F401  (says that nothing is downloaded)

    return pytest.importorskip("transformers")


@pytest.mark.parametrize("named", [False, True])
def test_an_output_with_names(graftwork, small, hf, named):
    """A ModelOutput goes by its fields, in their order, without those that are None."""
    model = hf.BertModel(hf.BertConfig(**TEXT, initializer_range=0.1))
    mask = torch.ones(1, S, dtype=torch.long)
    case = Case(model, **{"input_ids": tokens(), "attention_mask": mask, "token_type_ids": None})
    if named:
        case.named = {"output_hidden_states": True, **case.named}
    found = check(graftwork, small.folder, case)
    assert found[:2] == ["last_hidden_state", "pooler_output"]
    assert len(found) == (4 if named else 2)


def test_deepseeks_attention(graftwork, small, hf):
    options = {**TEXT, "num_key_value_heads": 2, "kv_lora_rank": 16, "q_lora_rank": None, "qk_nope_head_dim": 16}
    options |= {"qk_rope_head_dim": 16, "v_head_dim": 32, "first_k_dense_replace": 1, "use_cache": False}
    config = hf.DeepseekV2Config(**options, initializer_range=0.1)
    check(graftwork, small.folder, Case(hf.DeepseekV2Model(config), tokens()), least=20)


def test_dab_detr(graftwork, small, hf):
    pair = {f"{part}_{what}": count for part in ("encoder", "decoder") for what, count in (("layers", 1),)}
    pair |= {f"{part}_attention_heads": 2 for part in ("encoder", "decoder")}
    backbone = {"embedding_size": 16, "hidden_sizes": [16, 16, 16, 32], "depths": [1, 1, 1, 1], "layer_type": "basic"}
    config = hf.DabDetrConfig(
        backbone_config=hf.ResNetConfig(**backbone, out_features=["stage4"]),
        **{**pair, "hidden_size": 64, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "num_queries": 6},
    )
    case = Case(hf.DabDetrForObjectDetection(config), pixel_values=torch.randn(1, 3, 64, 64))
    check(graftwork, small.folder, case, least=20)


def test_a_mixture_of_experts_is_refused_by_the_operators_name(graftwork, small, hf):
    options = {**TEXT, "num_key_value_heads": 2, "num_local_experts": 4, "use_cache": False}
    case = Case(hf.MixtralModel(hf.MixtralConfig(**options)), tokens())
    case.save(small.folder)
    arguments = ("quantize", "m.pt2", "--calibrate", "c.npz", "-o", "m.onnx")
    done = graftwork.fails(*arguments, cwd=small.folder)
    assert "transformers.grouped_mm_fallback.default" in done.stderr
    assert not (small.folder / "m.onnx").exists()
