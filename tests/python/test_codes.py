"""Graftwork and ONNX Runtime agree code by code, and the check that says so notices what it should (codes.py)."""

import onnx
import pytest
from onnx import numpy_helper

import codes
import support
import zoo

FP32 = ("--float", "fp32")


def check(graftwork, source, file, model=None):
    scales = codes.expected_scales(file.report)
    return codes.compare_codes(graftwork, source, model or onnx.load(file.path), scales)


@pytest.mark.parametrize("name", zoo.ZOO)
def test_codes_equal_onnx_runtimes(graftwork, exported, quantized, name):
    verdict = check(graftwork, exported(name), quantized(name, *FP32))
    print(f"{name}: {verdict.equal} of {verdict.compared} codes equal")
    assert verdict.passed, "\n".join(verdict.failures)
    assert verdict.compared > 0


# Mutations: each spoils a good file in one place. The check must then fail, or it proves nothing.


def replace(model, name, array):
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(array, name))


def enlarge_scale(model, name):
    replace(model, name, (support.QdqGraph(model).array(name) * 1.5).astype("float32"))


def middle(items):
    return items[len(items) // 2]


def enlarge_activation_scale(model):
    enlarge_scale(model, middle(support.QdqGraph(model).activation_quantizers()).input[1])


def enlarge_weight_scale(model):
    enlarge_scale(model, middle(support.QdqGraph(model).weight_dequantizers()).input[1])


def enlarge_last_weight_scale(model):
    enlarge_scale(model, support.QdqGraph(model).weight_dequantizers()[-1].input[1])


def drop_pair(model):
    graph = support.QdqGraph(model)
    quantizer = middle(graph.activation_quantizers())
    behind = graph.stub_of(quantizer)
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == behind:
                node.input[index] = quantizer.input[0]
    for node in [quantizer, graph.producer[behind]]:
        model.graph.node.remove(node)


def enlarge_softmax_scale(model):
    graph = support.QdqGraph(model)
    enlarge_scale(model, next(n.input[1] for n in graph.activation_quantizers() if "softmax" in graph.stub_of(n)))


def quantize_behind_mask(model):
    """Between the mask and the softmax, with the scale of the queries."""
    graph = support.QdqGraph(model)
    softmax = graph.nodes("Softmax")[0]
    scale, zero = next(n.input[1:] for n in graph.activation_quantizers() if "scaled" in graph.stub_of(n))
    pair = [
        onnx.helper.make_node("QuantizeLinear", [softmax.input[0], scale, zero], ["masked_codes"], axis=0),
        onnx.helper.make_node("DequantizeLinear", ["masked_codes", scale, zero], ["masked_quant"], axis=0),
    ]
    softmax.input[0] = "masked_quant"
    place = list(model.graph.node).index(softmax)
    for i, node in enumerate(pair):
        model.graph.node.insert(place + i, node)


def swap_queries_and_keys(model):
    """In what is taken out of the packed product."""
    taken = support.QdqGraph(model).nodes("Gather")
    taken[0].input[1], taken[1].input[1] = taken[1].input[1], taken[0].input[1]


def swap_weight_axis(model):
    graph = support.QdqGraph(model)
    for node in graph.weight_dequantizers():
        shape = graph.array(node.input[0]).shape
        if len(shape) == 4 and shape[0] == shape[1] and graph.attribute(node, "axis") == 0:
            next(a for a in node.attribute if a.name == "axis").i = 1
            return
    raise AssertionError("no square convolution to mutate")


EVERYWHERE = [enlarge_activation_scale, enlarge_weight_scale, enlarge_last_weight_scale, drop_pair]
MUTATIONS = {
    "digits": [*EVERYWHERE, swap_weight_axis],
    "resnet18": [*EVERYWHERE, swap_weight_axis],
    "encoder": [*EVERYWHERE, enlarge_softmax_scale, quantize_behind_mask, swap_queries_and_keys],
}


@pytest.mark.parametrize(
    ("name", "mutate"), [(name, mutate) for name, mutations in MUTATIONS.items() for mutate in mutations]
)
def test_the_check_fails_on_a_spoiled_file(graftwork, exported, quantized, name, mutate):
    file = quantized(name, *FP32)
    model = onnx.load(file.path)
    mutate(model)
    onnx.checker.check_model(model)
    verdict = check(graftwork, exported(name), file, model)
    assert not verdict.passed
    if mutate is drop_pair:
        assert any("codes equal" in text or "output differs" in text for text in verdict.failures), (
            "a missing pair must show in the numbers too, not only in the list of stubs: " + "; ".join(verdict.failures)
        )
