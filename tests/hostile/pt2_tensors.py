"""Weights whose description does not fit their bytes."""

from hostile import seeds
from hostile.case import model
from hostile.seeds import meta


def _weight(**changes):
    config = seeds.weights()
    config["config"]["conv.weight"].update(changes)
    return seeds.archive(config=config)


SHAPE = [seeds.CHANNELS, 3, 3, 3]


def cases():
    for title, described in {
        "one element more than stored": meta([seeds.CHANNELS + 1, 3, 3, 3]),
        "a product that wraps to the right one": meta([2**62, 4, 27, 1], strides=[27, 9, 3, 1]),
        "a product that wraps to zero": meta([2**32, 2**32, 1, 1], strides=[2**32, 1, 1, 1]),
        "the largest size there is": meta([2**63 - 1], strides=[1]),
        "an extent that wraps around": meta([2, 2], strides=[2**62, 2**62]),
        "a last element that wraps around": meta([2], strides=[2**63 - 1], offset=5),
        "negative sizes": meta([-4, -27], strides=[27, 1]),
        "a negative stride": meta(SHAPE, strides=[27, 9, 3, -1]),
        "a stride beyond the record": meta(SHAPE, strides=[28, 9, 3, 1]),
        "a stride of 2^62": meta(SHAPE, strides=[2**62, 9, 3, 1]),
        "fewer strides than sizes": meta(SHAPE, strides=[9, 3, 1]),
        "more strides than sizes": meta(SHAPE, strides=[27, 9, 3, 1, 1]),
        "no strides": meta(SHAPE, strides=[]),
        "an offset of one": meta(SHAPE, offset=1),
        "an offset behind the record": meta(SHAPE, offset=2**40),
        "the largest offset": meta(SHAPE, offset=2**63 - 1),
        "a negative offset": meta(SHAPE, offset=-1),
        "a wider type than stored": meta(SHAPE, dtype=8),
        "a symbolic size": meta([seeds.BATCH, 3, 3, 3]),
        "a symbolic stride": meta(SHAPE, strides=[seeds.BATCH, 9, 3, 1]),
        "a symbolic offset": meta(SHAPE, offset=seeds.BATCH),
        "an unknown type": meta(SHAPE, dtype=0),
        "complex numbers": meta(SHAPE, dtype=10),
        "numbers that ONNX has and torch lacks": meta(SHAPE, dtype=33),
        "a sparse layout": {**meta(SHAPE), "layout": 1},
        "an unknown layout": {**meta(SHAPE), "layout": 0},
    }.items():
        yield model(f"a weight of {title}", "pt2.tensor", _weight(tensor_meta=described))
    yield model("a weight of no description", "pt2.graph", _weight(tensor_meta=None))
    yield model("a weight that is a pickle", "pt2.tensor", _weight(use_pickle=True))
    yield model("a weight of half its bytes", "pt2.tensor", seeds.archive(weight_0=seeds.floats(54)))
    yield model("a weight of no bytes", "pt2.tensor", seeds.archive(weight_0=b""))
    yield model("a weight of three bytes", "pt2.tensor", seeds.archive(weight_0=b"abc"))
    described = seeds.weights()["config"]["conv.weight"]
    config = {"config": {f"w{i}": described for i in range(5000)}}
    config["config"]["conv.bias"] = {"path_name": "weight_9", "tensor_meta": meta([4])}
    yield model("5,000 names of one weight and one of none", "pt2.record", seeds.archive(config=config))
