"""Broken .npy arrays."""

import struct

from hostile.case import data
from hostile.seeds import floats, npy, npy_with_header

GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 8, 8), }"


def headers():
    body = floats(2 * 3 * 64)
    for title, header in {
        "empty": "",
        "no dict": "[1, 2]",
        "a dict without an end": GOOD[:-1],
        "half a dict": GOOD[:30],
        "a call": "__import__('os').system('true')",
        "a lambda": "{'descr': (lambda: '<f4')(), 'fortran_order': False, 'shape': (2, 3, 8, 8)}",
        "without its shape": "{'descr': '<f4', 'fortran_order': False, }",
        "without its order": "{'descr': '<f4', 'shape': (2, 3, 8, 8), }",
        "without its type": "{'fortran_order': False, 'shape': (2, 3, 8, 8), }",
        "with a key too many": GOOD[:-1] + "'evil': 1}",
        "with a key twice": GOOD[:-1] + "'shape': (1,)}",
        "with text behind it": GOOD + " evil",
        "with a zero byte": GOOD.replace("False", "Fal\0se"),
        "that is no text": b"\xff" * 60,
        "with an order that is a number": GOOD.replace("False", "0"),
        "with a shape that is a list": GOOD.replace("(2, 3, 8, 8)", "[2, 3, 8, 8]"),
        "with a shape that is a number": GOOD.replace("(2, 3, 8, 8)", "384"),
        "with a shape that is no tuple": GOOD.replace("(2, 3, 8, 8)", "(384)"),
        "with a shape of text": GOOD.replace("(2, 3, 8, 8)", "('2', '3')"),
        "with a shape of fractions": GOOD.replace("(2, 3, 8, 8)", "(2.0, 3.0, 64.0)"),
        "with a shape of truths": GOOD.replace("(2, 3, 8, 8)", "(True, 384)"),
        "with a negative size": GOOD.replace("(2, 3, 8, 8)", "(-2, -3, 8, 8)"),
        "with a size beyond 64 bits": GOOD.replace("(2, 3, 8, 8)", "(18446744073709551616,)"),
        "with a size of Python 2": GOOD.replace("(2, 3, 8, 8)", "(2L, 3L, 8L, 8L)"),
        "with a shape without an end": GOOD.replace("8, 8)", "8, 8"),
        "with a product that wraps around": GOOD.replace("(2, 3, 8, 8)", "(4294967296, 4294967296, 384)"),
        "with bytes that wrap around": GOOD.replace("(2, 3, 8, 8)", "(4611686018427387904, 4)"),
        "with the largest size": GOOD.replace("(2, 3, 8, 8)", "(9223372036854775807,)"),
        "with 65 dimensions": GOOD.replace("(2, 3, 8, 8)", str((1,) * 64 + (384,))),
        "with 4,000 dimensions": GOOD.replace("(2, 3, 8, 8)", str((1,) * 4000)),
        "with a string without an end": GOOD.replace("'<f4'", "'<f4"),
    }.items():
        yield data(f"a header {title}", "data.npy", npy_with_header(header, body))
    nested = "{'descr': " + "[" * 5000
    yield data("a header of lists in each other", "data.dtype", npy_with_header(nested, body))


def lengths():
    body = floats(2 * 3 * 64)
    whole = npy_with_header(GOOD, body)
    for size in (1, 5, 6, 7, 8, 9, 10, 11, 12, 40, 127):
        yield data(f"cut behind {size} bytes", "data.npy", whole[:size])
    for size in (128, 129, len(whole) - 1):
        yield data(f"cut behind {size} bytes", "data.npy", whole[:size], "bytes follow it")
    yield data("a byte too many", "data.npy", whole + b"x", "bytes follow it")
    yield data("twice", "data.npy", whole + whole, "bytes follow it")
    for length in (0, 5, 200, 65535):
        yield data(f"a header that claims {length} bytes", "data.npy", npy_with_header(GOOD, body, length=length))
    yield data("a header that claims 4 GiB", "data.npy", npy_with_header(GOOD, body, version=(2, 0), length=2**32 - 1))
    yield data("a header of 60,000 spaces", "data.npy", npy_with_header(GOOD + " " * 60_000, body), "claims a header")
    for version in ((0, 0), (4, 0), (255, 255)):
        yield data(f"version {version[0]}.{version[1]}", "data.npy", npy_with_header(GOOD, body, version=version))
    yield data("the magic alone", "data.npy", b"\x93NUMPY")
    yield data("another magic", "data.npy", b"\x93NUMPX" + whole[6:])
    yield data("a terabyte in a hundred bytes", "data.npy", npy("(1000000, 3, 512, 512)", body=b"x" * 100))
    yield data("no samples of a huge size", "data.empty", npy("(0, 1099511627776)", body=b""))
    yield data("no samples of a size that wraps around", "data.npy", npy("(0, 9223372036854775807)", body=b""))


def types():
    for descr in (
        *(
            "|O",
            "|O8",
            "O",
            ">f4",
            ">i8",
            "<c8",
            "<c16",
            "<U10",
            "|S5",
            "|V16",
            "<M8[ns]",
            "<m8[s]",
            "<f16",
            "<f3",
            "<i3",
        ),
        *("|b2", "<x4", "f4", "=f4", "float32", "", "\\x00", "<f4,<f4"),
    ):
        yield data(f"the type {descr!r}", "data.dtype", npy([2, 3, 8, 8], descr=descr))
    record = "{'descr': [('a', '<f4'), ('b', '|O')], 'fortran_order': False, 'shape': (2,), }"
    yield data("records", "data.dtype", npy_with_header(record, b"\0" * 24))
    pickled = b"\x80\x03cos\nsystem\n(Vtrue\ntR."
    yield data("objects, pickled", "data.dtype", npy([1], descr="|O", body=pickled))


def samples():
    yield data("a single number", "data.rank", npy([], body=floats(1)))
    yield data("no samples", "data.empty", npy([0, 3, 8, 8]))
    yield data("samples of no size", "data.shape", npy([2, 3, 0, 8]))
    yield data("samples of another shape", "data.shape", npy([2, 3, 8, 9]))
    yield data("samples of another rank", "data.shape", npy([2, 192]))
    yield data("Fortran's order of too few bytes", "data.npy", npy([2, 3, 8, 8], fortran=True, body=b"\0" * 100))
    yield data("Fortran's order of another shape", "data.shape", npy([8, 8, 3, 2], fortran=True))
    for title, number in (("NaN", float("nan")), ("an infinity", float("inf")), ("a negative infinity", float("-inf"))):
        body = floats(383) + struct.pack("<f", number)
        yield data(f"samples that hold {title}", "data.value", npy([2, 3, 8, 8], body=body))


def cases():
    for family in (headers, lengths, types, samples):
        yield from family()
