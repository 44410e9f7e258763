"""NVIDIA's compiler accepts every file, builds it, and runs every convolution and product on INT8."""

import pytest

import zoo

pytestmark = pytest.mark.rtx


@pytest.mark.parametrize("name", zoo.ZOO)
def test_accepted_and_in_int8(rtx, exported, quantized, name):
    report = rtx.compile_apart(str(quantized(name).path), 89, {}, None, 300)
    messages = [m["text"] for m in report["parser"] + report["builder"] if m["level"] != "warning"]
    assert report["accepted"], "\n".join(messages)
    summary = report["summary"]
    print(f"{name}: {summary['kernels']} kernels, low precision {summary['low_precision']} of {summary['weighted']}")
    assert summary["not_low_precision"] == []
    # In these networks every layer is eligible, the depthwise ones included.
    assert summary["weighted"] == zoo.products(exported(name).model)
    assert summary["low_precision"] == {"Int8": summary["weighted"]}
