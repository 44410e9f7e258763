"""Pickles where torch up to 2.8 keeps the weights: read as records, never executed."""

import pickle
import struct

from hostile import seeds
from hostile.case import model
from hostile.zips import Part, zip_bytes

STOP, REDUCE, PERSISTENT = b".", b"R", b"Q"
PROTOCOL = b"\x80\x02"


def _named(module, name):
    return f"c{module}\n{name}\n".encode()


def _text(value):
    value = value.encode() if isinstance(value, str) else value
    return b"X" + struct.pack("<I", len(value)) + value


def _number(value):
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    body = value.to_bytes(9, "little", signed=True)
    return b"\x8a" + bytes([len(body)]) + body


def _tuple(*items):
    return b"(" + b"".join(items) + b"t"


def _numbers(values):
    return _tuple(*map(_number, values))


def _called(module, name, *arguments):
    return _named(module, name) + _tuple(*arguments) + REDUCE


def _storage(key, count, kind="FloatStorage", word="storage"):
    return _tuple(_text(word), _named("torch", kind), _text(key), _text("cpu"), _number(count)) + PERSISTENT


def _tensor(storage, sizes, strides, offset=0):
    hooks = _called("collections", "OrderedDict")
    sizes, strides = _numbers(sizes), _numbers(strides)
    return _called("torch._utils", "_rebuild_tensor_v2", storage, _number(offset), sizes, strides, b"\x89", hooks)


def _dict(**items):
    return PROTOCOL + b"}(" + b"".join(_text(name) + value for name, value in items.items()) + b"u" + STOP


SHAPE = [seeds.CHANNELS, 3, 3, 3]
COUNT = seeds.CHANNELS * 27
WEIGHT = _tensor(_storage("0", COUNT), SHAPE, [27, 9, 3, 1])
BIAS = _tensor(_storage("1", seeds.CHANNELS), [seeds.CHANNELS], [1])


def _weights(weight=WEIGHT, bias=BIAS):
    return _dict(**{"conv.weight": weight, "conv.bias": bias})


HONEST = _weights()


def saved(body, records=None, order=b"little"):
    """A file of torch.save around a pickle."""
    records = {"0": seeds.floats(COUNT), "1": seeds.floats(seeds.CHANNELS)} if records is None else records
    return zip_bytes(
        [
            Part("w/data.pkl", body),
            Part("w/byteorder", order),
            *(Part(f"w/data/{key}", stored) for key, stored in records.items()),
            Part("w/version", b"3\n"),
        ]
    )


def archive(weights):
    """A .pt2 file as torch 2.8 writes it, around a file of torch.save."""
    parts = [part for part in seeds.parts() if "data/weights/" not in part.name]
    return zip_bytes([*parts, Part("m/data/weights/model.pt", weights)])


def names():
    """What may be named is listed; everything else is refused before anybody could call it."""
    for module, name in (
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "getattr"),
        ("__builtin__", "eval"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch", "FloatStorage.__init__"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch._utils", "_rebuild_wrapper_subclass"),
        ("torch._tensor", "_rebuild_from_type_v2"),
        ("torch.storage", "_load_from_bytes"),
        ("collections", "OrderedDict.fromkeys"),
        ("", ""),
        ("torch", ""),
        ("TORCH", "Size"),
        ("torch", "Size\0"),
        ("importlib", "import_module"),
        ("runpy", "run_path"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("a" * 10_000, "b" * 10_000),
    ):
        yield f"{module[:20]}.{name[:30]}", "pickle.global", PROTOCOL + _called(module, name, _text("x")) + STOP
    as_text = b"\x80\x04" + b"\x8c\x02os\x8c\x06system\x93" + _text("true") + b"\x85" + REDUCE + STOP
    yield "os.system, named by a text", "pickle.global", as_text
    inside = _weights(weight=_called("os", "system", _text("true")))
    yield "os.system among the weights", "pickle.global", inside


def instructions():
    """What tensors do not need is not understood."""
    for title, body in {
        "an instance": b"(ios\nsystem\n.",
        "an object": b"(cos\nsystem\no.",
        "a new object": _named("torch", "Size") + b")\x81.",
        "a new object with keywords": _named("torch", "Size") + b")}\x92.",
        "an extension": b"\x82\x01.",
        "a persistent id of a line": b"Pstorage\n.",
        "a number as text": b"I7\n.",
        "a float as text": b"F7.5\n.",
        "a string in quotes": b"S'x'\n.",
        "a string of Unicode escapes": b"Vx\n.",
        "bytes": b"C\x01x.",
        "a bytearray": b"\x96" + struct.pack("<Q", 2**62) + b".",
        "a set": b"\x8f.",
        "a buffer": b"\x97.",
        "an instruction that is none": b"\xff.",
    }.items():
        yield title, "pickle.global" if title == "an object" else "pickle.opcode", PROTOCOL + body


def structure():
    yield from (
        ("nothing", "pickle.truncated", b""),
        ("no pickle", "pickle.format", b"weights"),
        ("protocol 0", "pickle.format", pickle.dumps({"conv.weight": 1}, protocol=0)),
        ("protocol 5", "pickle.format", pickle.dumps({"conv.weight": 1}, protocol=5)),
        ("protocol 255", "pickle.format", b"\x80\xff."),
        ("no end", "pickle.truncated", HONEST[:-1]),
        ("half of it", "pickle.truncated", HONEST[: len(HONEST) // 2]),
        ("a call of nothing", "pickle.format", PROTOCOL + b"R."),
        ("a tuple that nobody opened", "pickle.format", PROTOCOL + b"t."),
        ("a memo that nobody wrote", "pickle.format", PROTOCOL + b"h\x07."),
        ("a memo of 2^32", "pickle.format", PROTOCOL + b"j\xff\xff\xff\xff."),
        ("values left over", "pickle.format", PROTOCOL + b"NN."),
        ("a text of 4 GiB", "pickle.truncated", PROTOCOL + b"X\xff\xff\xff\xff."),
        ("a text of 2^63", "pickle.opcode", b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f."),
        ("a frame of 2^63", "pickle.truncated", b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f."),
        ("a number of 255 bytes", "pickle.format", PROTOCOL + b"\x8a\xff" + b"\x7f" * 255 + b"."),
        ("a number of 2^31 bytes", "pickle.opcode", PROTOCOL + b"\x8b\xff\xff\xff\x7f."),
        ("a dict of odd length", "pickle.format", PROTOCOL + b"}(" + _text("a") + b"u."),
        ("items of no dict", "pickle.format", PROTOCOL + b"](" + _text("a") + WEIGHT + b"u."),
        ("a call of a text", "pickle.format", PROTOCOL + _text("eval") + b")R."),
        ("a call of a tensor", "pickle.format", PROTOCOL + WEIGHT + b")R."),
        ("lists in each other", "pickle.contents", PROTOCOL + b"]" * 100_000 + b"a" * 99_999 + b"."),
        ("tuples in each other", "pickle.contents", PROTOCOL + b"N" + b"\x85" * 100_000 + b"."),
        ("a million brackets", "pickle.format", PROTOCOL + b"(" * 1_000_000 + b"."),
        ("a list that holds itself", "pickle.contents", PROTOCOL + b"]q\x00h\x00a."),
        ("a dict that holds itself", "pickle.contents", PROTOCOL + b"}q\x00" + _text("a") + b"h\x00s."),
        ("tuples that double and double", "pickle.contents", _doubled(40)),
        ("None", "pickle.contents", PROTOCOL + b"N."),
        ("a tensor alone", "pickle.contents", PROTOCOL + WEIGHT + b"."),
        ("numbers for weights", "pickle.contents", pickle.dumps({"conv.weight": 1}, protocol=2)),
        ("a dict with a number for a key", "pickle.contents", PROTOCOL + b"}(K\x01" + WEIGHT + b"u."),
        ("a dict in a dict", "pickle.contents", _weights(weight=b"}")),
    )


def _doubled(times):
    """A tuple of two tuples of two tuples: small here, 2^40 for whoever copies."""
    return PROTOCOL + b"N" + b"q\x00h\x00\x86" * times + b"."


def tensors():
    """Tensors that lie about their storage."""
    for title, weight in {
        "a storage of more than is stored": _tensor(
            _storage("0", COUNT + 1), [seeds.CHANNELS + 1, 3, 3, 3], [27, 9, 3, 1]
        ),
        "a tensor beyond its storage": _tensor(_storage("0", COUNT), [seeds.CHANNELS + 1, 3, 3, 3], [27, 9, 3, 1]),
        "sizes that wrap around": _tensor(_storage("0", COUNT), [2**62, 4, 1, 1], [4, 1, 1, 1]),
        "a stride of 2^62": _tensor(_storage("0", COUNT), SHAPE, [2**62, 9, 3, 1]),
        "a negative stride": _tensor(_storage("0", COUNT), SHAPE, [27, 9, 3, -1]),
        "a negative size": _tensor(_storage("0", COUNT), [-4, 3, 3, 3], [27, 9, 3, 1]),
        "a negative offset": _tensor(_storage("0", COUNT), SHAPE, [27, 9, 3, 1], offset=-1),
        "an offset behind it": _tensor(_storage("0", COUNT), SHAPE, [27, 9, 3, 1], offset=2**40),
        "the largest offset": _tensor(_storage("0", COUNT), SHAPE, [27, 9, 3, 1], offset=2**63 - 1),
        "fewer strides than sizes": _tensor(_storage("0", COUNT), SHAPE, [9, 3, 1]),
        "a hundred dimensions": _tensor(_storage("0", COUNT), [1] * 100, [1] * 100),
        "a storage of 2^62": _tensor(_storage("0", 2**62), SHAPE, [27, 9, 3, 1]),
        "a storage of a negative size": _tensor(_storage("0", -1), SHAPE, [27, 9, 3, 1]),
        "an id that is no storage": _tensor(_storage("0", COUNT, word="module"), SHAPE, [27, 9, 3, 1]),
        "a storage that is a text": _tensor(_text("0"), SHAPE, [27, 9, 3, 1]),
        "a shape that is a text": _called(
            "torch._utils", "_rebuild_tensor_v2", _storage("0", COUNT), _number(0), _text("4")
        ),
    }.items():
        yield title, "pickle.format", _weights(weight=weight)
    for key in ("nobody", "../0", "/etc/passwd", "", "0\0", "a" * 100_000):
        code = "pickle.format" if len(key) > 1000 else "archive.missing"
        yield f"a storage in {key[:20]!r}", code, _weights(weight=_tensor(_storage(key, COUNT), SHAPE, [27, 9, 3, 1]))


def of_rank(rank):
    """A weight of so many dimensions."""
    ones = [1] * (rank - len(SHAPE))
    return archive(saved(_weights(weight=_tensor(_storage("0", COUNT), [*SHAPE, *ones], [27, 9, 3, 1, *ones]))))


def of_key(length):
    """A weight in a storage with so long a key."""
    return archive(saved(_weights(weight=_tensor(_storage("a" * length, COUNT), SHAPE, [27, 9, 3, 1]))))


def cases():
    for family in (names, instructions, structure, tensors):
        for title, code, body in family():
            yield model(f"pickled weights: {title}", code, archive(saved(body)))
    for title, code, weights in (
        ("a bare pickle", "archive.format", HONEST),
        ("without the pickle", "pickle.contents", zip_bytes([Part("w/version", b"3\n")])),
        ("big-endian", "pickle.contents", saved(HONEST, order=b"big")),
        ("without a storage", "archive.missing", saved(HONEST, {"0": seeds.floats(COUNT)})),
        ("an archive in an archive in an archive", "pickle.contents", zip_bytes([Part("w/model.pt", saved(HONEST))])),
        ("an empty archive", "pickle.contents", zip_bytes([])),
        ("without the bias", "pt2.graph", saved(_dict(**{"conv.weight": WEIGHT}))),
        ("of half a storage", "pt2.tensor", saved(HONEST, {"0": seeds.floats(54), "1": seeds.floats(seeds.CHANNELS)})),
        ("of another shape", "pt2.graph", saved(_weights(weight=_tensor(_storage("0", COUNT), [COUNT], [1])))),
    ):
        yield model(f"pickled weights {title}", code, archive(weights))
    # Where the layout has no place for a pickle, it is not even looked at.
    evil = PROTOCOL + _called("os", "system", _text("true")) + STOP
    for title, body in {"os.system": evil, "an honest dict": HONEST}.items():
        yield model(f"torch.save's file of {title}", "pt2.layout", saved(body))
        config = seeds.weights()
        config["config"]["conv.weight"]["use_pickle"] = True
        yield model(f"a pickled tensor of {title}", "pt2.tensor", seeds.archive(config=config, weight_0=body))
        config["config"]["conv.weight"]["tensor_meta"] = None
        yield model(f"a pickled object of {title}", "pt2.graph", seeds.archive(config=config, weight_0=body))
        yield model(f"a bare pickle of {title}", "pt2.layout", body)
