"""The steps of full_size.py that need torch, each in a process of its own.

    python full_size_network.py make|forward|judge NAME FOLDER

`make` writes the network and its data, and prints the size of a batch; `forward` prints the seconds that 8 batches take
in PyTorch; `judge` prints what the written file reaches.
"""

import sys
import time
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tests/zoo", "tests/models", "tests/python", "tests/tools")]

import numpy as np
import torch
import transformers as hf

import rtx_compile
import support
from check import compile_by_nvidia, tensors
from public import timm_model
from row import Seen, Shape, Tokens
from small_transformers import MiniLM

BATCHES = 8


@dataclass(frozen=True)
class FullSize:
    make: object
    inputs: dict  # by name
    batch: int
    size: str  # of a batch, for the table

    def build(self):
        torch.manual_seed(0)
        return self.make().eval()

    def batches(self):
        generator = torch.Generator().manual_seed(1)
        return [
            {name: given.random(self.batch, generator) for name, given in self.inputs.items()}
            for _ in range(BATCHES + 1)
        ]


def pictures(name, size=224):
    return {name: Shape((3, size, size))}


def transformer(kind, config, **options):
    return lambda: getattr(hf, kind)(getattr(hf, config)(**options))


MINILM = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}
WHISPER = {"d_model": 384, "encoder_ffn_dim": 1536, "decoder_ffn_dim": 1536, "use_cache": False}
WHISPER |= {
    f"{part}_{what}": n for part in ("encoder", "decoder") for what, n in (("layers", 4), ("attention_heads", 6))
}
DINOV2 = {"hidden_size": 384, "num_attention_heads": 6, "image_size": 224, "layerscale_value": 1.0}
NETWORKS = {
    "vit_b16": FullSize(partial(timm_model, "vit_base_patch16_224"), pictures("x"), 4, "4×224²"),
    "swin_t": FullSize(partial(timm_model, "swin_tiny_patch4_window7_224"), pictures("x"), 4, "4×224²"),
    "deit_s": FullSize(partial(timm_model, "deit_small_patch16_224"), pictures("x"), 4, "4×224²"),
    "dinov2_s": FullSize(
        transformer("Dinov2Model", "Dinov2Config", **DINOV2, patch_size=14), pictures("pixel_values"), 4, "4×224²"
    ),
    "bert_base": FullSize(
        transformer("BertModel", "BertConfig"),
        *({"input_ids": Tokens(128, 30522), "attention_mask": Seen(128)}, 8, "8×128"),
    ),
    "minilm": FullSize(
        partial(MiniLM, MINILM), {"input_ids": Tokens(128, 30522), "attention_mask": Seen(128)}, 8, "8×128"
    ),
    "gpt2": FullSize(
        transformer("GPT2LMHeadModel", "GPT2Config", use_cache=False), {"input_ids": Tokens(128, 50257)}, 4, "4×128"
    ),
    "whisper_tiny": FullSize(
        transformer("WhisperModel", "WhisperConfig", **WHISPER),
        *({"input_features": Shape((80, 3000)), "decoder_input_ids": Tokens(32, 51865)}, 1, "1×3000+32"),
    ),
    "detr": FullSize(
        transformer(
            "DetrForObjectDetection",
            "DetrConfig",
            use_timm_backbone=False,
            backbone_config=hf.ResNetConfig(out_features=["stage4"]),
        ),
        *(pictures("pixel_values", 512), 1, "1×512²"),
    ),
}


def make(network, folder):
    model = network.build()
    *calibration, test = network.batches()
    with torch.no_grad():
        reference = tensors(model(**test))
    program = torch.export.export(model, (), test)
    torch.export.save(program, folder / "m.pt2")
    names = program.graph_signature.user_inputs
    np.savez(folder / "calibration.npz", **{n: np.concatenate([b[n].numpy() for b in calibration]) for n in names})
    np.savez(folder / "test.npz", **{name: test[name].numpy() for name in names})
    np.savez(folder / "reference.npz", *reference)
    return network.size


@torch.inference_mode()
def forward(network, folder):
    model = network.build()
    *batches, warm = network.batches()
    model(**warm)
    begin = time.perf_counter()
    for batch in batches:
        model(**batch)
    return time.perf_counter() - begin


def judge(network, folder):
    found = support.run_onnx(folder / "m.onnx", support.load_npz(folder / "test.npz"))
    reference = support.load_npz(folder / "reference.npz")
    sqnr = support.sqnr_db(next(iter(reference.values())), next(iter(found.values())))
    try:
        columns = compile_by_nvidia(rtx_compile, folder / "m.onnx").columns
    except rtx_compile.Unavailable:
        columns = f"{'no compiler':33}"
    return f"{sqnr:5.1f} {columns}"


def main():
    warnings.filterwarnings("ignore")
    step, name, folder = sys.argv[1:]
    print({"make": make, "forward": forward, "judge": judge}[step](NETWORKS[name], Path(folder)))


if __name__ == "__main__":
    main()
