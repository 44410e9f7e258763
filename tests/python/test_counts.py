"""Fused modules by kind and Q/DQ pairs of every network, against counts.json (rewritten by pytest --update)."""

import json
from pathlib import Path

import pytest

import support
import zoo

COUNTS = Path(__file__).parent / "counts.json"


@pytest.mark.parametrize("name", zoo.ZOO)
def test_counts(exported, quantized, request, name):
    file = quantized(name, "--float", "fp32")
    counts = {"fused": file.report["fused"], "qdq_pairs": file.report["qdq_pairs"]}
    goldens = json.loads(COUNTS.read_text()) if COUNTS.exists() else {}
    if request.config.getoption("--update"):
        goldens[name] = counts
        COUNTS.write_text(json.dumps(goldens, indent=2, sort_keys=True) + "\n")
    assert name in goldens, "no golden; run pytest with --update and read what it wrote"
    assert counts == goldens[name]


@pytest.mark.parametrize("name", zoo.ZOO)
def test_report_counts_what_is_in_the_file(exported, quantized, name):
    file = quantized(name, "--float", "fp32")
    graph = support.QdqGraph(file.path)
    pairs = file.report["qdq_pairs"]
    assert pairs["activations"] == len(graph.activation_quantizers()) == len(file.report["stubs"])
    assert pairs["weights"] == len(graph.weight_dequantizers()) == zoo.weighted_layers(exported(name).model)
