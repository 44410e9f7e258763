"""A file at each bound of docs/bounds.md, and one just beyond it."""

import json
import re

from hostile import pickles, seeds
from hostile.case import Case, data, model, recipe, text
from hostile.npz import bomb
from hostile.pattern_files import pattern_file
from hostile.pictures import picture, png, progressive_jpeg
from hostile.pt2_symbols import sized
from hostile.zips import zip_bytes


def _graph(line, shape="1"):
    return f"graph(%x: f32[{shape}]) {{\n  {line}\n  return %x\n}}\n"


def _chain(nodes):
    lines = "\n".join(f"  %v{i}=r(%x)" for i in range(nodes - 1))
    return f"graph(%x: f32[1]) {{\n{lines}\n  return %x\n}}\n"


def _splits(count):
    """Each is 65,536 types of rank 8; four fit in the bytes of a graph."""
    line = "\n  ".join(f"%s{i} = aten.split.Tensor(%x) {{split_size=1}}" for i in range(count))
    return _graph(line, "65536" + ", 2" * 7)


def _nested(open_, close, depth):
    return open_ * depth + close * depth


def _program(values):
    """A program with a key that nobody reads, so that it has about so many values in all."""
    program = seeds.program()
    body = json.dumps(program)
    have = len(re.findall(r"[\[{,]", re.sub(r'"(\\.|[^"\\])*"', "", body)))
    beyond = (12 * (values - have - 1) + len(body)) // 10  # each takes two bytes, and a twelfth of a value is free
    return seeds.archive(model=(body[:-1] + ', "more": [' + "0," * (beyond - 1) + "0]}").encode())


def _deep_program(depth):
    body = json.dumps(seeds.program())
    return seeds.archive(model=(body[:-1] + f', "more": {_nested("[", "]", depth - 1)}}}').encode())


def _recipe(**more):
    return json.dumps({**seeds.RECIPE, **more}).encode()


def _array(header_size=None, rank=4):
    shape = str((2, 3, 8, 8) + (1,) * (rank - 4))
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }"
    if header_size is not None:
        header = header.ljust(header_size - 1) + "\n"
    return seeds.npy_with_header(header, seeds.floats(2 * 3 * 64))


def grey_png(width, height):
    """Four bytes for each pixel: one as it is stored, three as the network reads it."""
    rows = b"".join(b"\0" + bytes(width) for _ in range(height))
    return png(width, height, color=0, rows=rows)


def _aligned(header_size):
    """Headers end at multiples of 64 bytes."""
    return _array(header_size=header_size - 64 * (header_size == 2**14))


def _bomb(size):
    """An array that says to unpack to the last whole sample of so many bytes and has some megabytes, so that what is at
    the bound ends early instead of taking gigabytes."""
    return zip_bytes([bomb(size - 128 + 767 * (size > 2**32), filler=8_000_000)])


def _kernels(count):
    bodies = "".join(f"kernel K{i}(%x) {{\n  %y = aten.neg.default(%x)\n  return %y\n}}\n" for i in range(count))
    return bodies + "graph(%x: f32[1]) {\n  return %x\n}\n"


def _kernel_of(values):
    lines = "\n".join(f"  %v{i} = aten.neg.default(%x)" for i in range(values - 1))
    return f"kernel K(%x) {{\n{lines}\n  return %v0\n}}\ngraph(%x: f32[1]) {{\n  return %x\n}}\n"


def _module_of(size):
    """A module of 16 parts of 254 operators each, and those that are wanted beyond."""
    part = "\n".join(f"  %v{i} = aten.neg.default(%x)" for i in range(254))
    parts = "".join(f"  %p{i} = @r{i}(%x)\n" for i in range(16))
    more = "".join(f"  %m{i} = aten.neg.default(%x)\n" for i in range(size - 16 * 254))
    roles = ", ".join(f"r{i}=P @p{i}" for i in range(16))
    return (
        f"kernel P(%x) {{\n{part}\n  return %v0\n}}\nkernel K(%x) {{\n{parts}{more}  return %p0\n}}\n"
        f"graph(%x: f32[1]) {{\n  %y = K @k(%x) [{roles}]\n  return %y\n}}\n"
    )


def _spelled_out(count):
    """More operators than one list may have, by two sets."""
    half = count // 2
    sets = [" | ".join(f"aten.f{i}.default" for i in numbers) for numbers in (range(half), range(half, count))]
    return f"let a = {sets[0]}\nlet b = {sets[1]}\nfusion F {{ %r = a | b(%x)\n => %x }}\n"


def _stretch(count):
    return f"fusion F {{ %r = nn.ReLU(%x){{0,{count}}}\n => %x }}\n"


def _condition(levels):
    """A parenthesis is three levels: a term, a factor and what it holds."""
    depth = (levels - 2) // 3
    return f"fusion F {{ %r = nn.ReLU(%x) where {'(' * depth}1 == 1{')' * depth}\n => %x }}\n"


def _positions(count):
    chain = "".join(f"  %v{i + 1} = nn.ReLU(%v{i})\n" for i in range(count - 1))
    return f"fusion F {{\n{chain}  => %v0 }}\n"


def _scales(channels):
    head = '{"format": 1, "samples": 1, "float": "fp16"}\n'
    line = json.dumps({"divided": "x", "of": channels, "channels": [0], "by": [2]}) + "\n"
    files = {"good.pt2": seeds.archive(), "x.npy": seeds.samples(), "bad.jsonl": (head + line).encode()}
    arguments = ("quantize", "good.pt2", "--calibrate", "x.npy", "--scales", "bad.jsonl", "-o", "out.onnx")
    return Case("", "", arguments, files)


def _patterns(count):
    return "".join(f"fusion F{i} {{ %r = nn.ReLU(%x)\n => %x }}\n" for i in range(count))


def _operators(count):
    return "fusion F { %r = " + " | ".join(["nn.ReLU"] * count) + "(%x)\n => %x }\n"


#: (name of the constant, file): what makes a case that asks for so much, the code beyond it, and words of the message.
BOUNDS = {
    ("kMostNodes", "bounds.h"): (lambda n: text("", "", _chain(n)), "gir.syntax", "more than 131072 nodes"),
    ("kMostNodeBytes", "bounds.h"): (lambda n: text("", "", _splits(4 + (n > 2**26))), "gir.syntax", "take more than"),
    ("kMostDimensions", "bounds.h"): (
        lambda n: text("", "", _graph("%y = r(%x)", ", ".join("1" * n))),
        "gir.syntax",
        "more than 64 dimensions",
    ),
    ("kLongestExtent", "bounds.h"): (
        lambda n: text("", "", _graph("%y = r(%x)", "a" * n)),
        "gir.syntax",
        "more than 4096 letters",
    ),
    ("kMostParts", "bounds.h"): (
        lambda n: text("", "", _graph("%y = aten.split.Tensor(%x) {split_size=1}", n)),
        "gir.syntax",
        "cannot split",
    ),
    ("kLongestName", "bounds.h"): (
        lambda n: text("", "", _graph(f"%{'a' * n} = r(%x)")),
        "gir.syntax",
        "more than 4096 letters",
    ),
    ("kMostListed", "bounds.h"): (
        lambda n: text("", "", _graph("%y = r(%x) {a=[" + "1," * (n - 3) + "1]}")),
        "gir.syntax",
        "more than 2097152 elements",
    ),
    ("kDepthLimit", "attribute_text.cpp"): (
        lambda n: text("", "", _graph(f"%y = r(%x) {{a={_nested('[', ']', n)}}}")),
        "gir.syntax",
        "nested deeper",
    ),
    ("kDepthLimit", "parse.cpp"): (
        lambda n: text("", "", f"graph(%x: {_nested('(', ')', n)}) {{ return %x }}"),
        "gir.syntax",
        "nested deeper",
    ),
    ("kLargestFile", "parse.cpp"): (
        lambda n: pattern_file("", "", _patterns(1).ljust(n)),
        "gpat.syntax",
        "at most 1 MiB is read",
    ),
    ("kMostItems", "reader.cpp"): (
        lambda n: pattern_file("", "", "".join(f"let a{i} = nn.ReLU\n" for i in range(n)) + _patterns(1)),
        "gpat.syntax",
        "more than 1024 in a row",
    ),
    ("kDepthLimit", "reader.cpp"): (
        lambda n: pattern_file("", "", _condition(n)),
        "gpat.syntax",
        "nested deeper than 64",
    ),
    ("kMostOperators", "operators.cpp"): (
        lambda n: pattern_file("", "", _spelled_out(n)),
        "gpat.syntax",
        "at most 128 operators",
    ),
    ("kMaxPositions", "tree.h"): (
        lambda n: pattern_file("", "", _positions(n)),
        "gpat.syntax",
        "at most 32 positions",
    ),
    ("kMaxStretch", "pat.h"): (lambda n: pattern_file("", "", _stretch(n)), "gpat.syntax", "a number up to 64"),
    ("kMostDefinitions", "parse.cpp"): (lambda n: text("", "", _kernels(n)), "gir.syntax", "more than 1024 kernels"),
    ("kMostValues", "kernel_text.cpp"): (lambda n: text("", "", _kernel_of(n)), "gir.syntax", "at most 256 values"),
    ("kLargestModule", "module_table.cpp"): (
        lambda n: text("", "", _module_of(n)),
        "gir.syntax",
        "runs more than 4096 modules and operators",
    ),
    ("kLargestInteger", "kind.cpp"): (
        lambda n: text("", "", _graph(f"%y = nn.Flatten @f(%x) {{start_dim={n}}}")),
        "gir.syntax",
        "start_dim",
    ),
    ("kMaxRank", "build.cpp"): (lambda n: model("", "", pickles.of_rank(n)), "pickle.format", "too many dimensions"),
    ("kMaxKeySize", "build.cpp"): (lambda n: model("", "", pickles.of_key(n)), "pickle.format", "too long a key"),
    ("kLongestText", "file.h"): (lambda n: recipe("", "", bytes(n)), "file.too_large", "268.4 MB"),
    ("kLargestInflated", "inflate.h"): (
        lambda n: data("", "", _bomb(n), file="bad.npz"),
        "archive.too_large",
        "is the most",
    ),
    ("kMostIterations", "quant_config.cpp"): (
        lambda n: recipe("", "", _recipe(weight={"rounding": "adaround", "rounding_iterations": n})),
        "config.value",
        "is not between 1 and 1000000",
    ),
    ("kMostChannels", "scale_table_text.cpp"): (_scales, "scales.value", "is no number of channels"),
    ("kMostScans", "decode_jpeg.cpp"): (
        lambda n: picture("", "", progressive_jpeg(n), "bad.jpg"),
        "data.image",
        "Invalid progressive parameters",
    ),
    ("kMostPatterns", "parse.cpp"): (lambda n: pattern_file("", "", _patterns(n)), "gpat.syntax", "4096"),
    ("kMostOperators", "reader.cpp"): (lambda n: pattern_file("", "", _operators(n)), "gpat.syntax", "128"),
    ("kMaxJsonDepth", "schema_json.h"): (lambda n: model("", "", _deep_program(n)), "pt2.json", "deeper than 512"),
    ("kMostJsonValues", "schema_json.h"): (
        lambda n: model("", "", _program(n if n == 2**20 else n + 20)),
        "pt2.json",
        "the JSON holds more than",
    ),
    ("kMaxDepth", "sympy_expr.cpp"): (
        lambda n: model("", "", sized("Abs(" * (n - 1) + "Integer(1)" + ")" * (n - 1))),
        "pt2.expression",
        "nesting too deep",
    ),
    ("kMaxTerms", "sympy_expr.cpp"): (
        lambda n: model("", "", sized("Add(" + ", ".join(f"Symbol('s{i}')" for i in range(n - 1)) + ")")),
        "pt2.expression",
        "too many terms",
    ),
    ("kMaxValues", "pickle.h"): (
        lambda n: model("", "", pickles.archive(pickles.saved(pickles.PROTOCOL + b"N" * n + b"."))),
        "pickle.size",
        "more than 1048576 values",
    ),
    ("kMostValues", "json_fields.cpp"): (
        lambda n: recipe("", "", _recipe(skip={"stub": ["a"] * (n - 40 * (n == 2**20))})),
        "config.json",
        "more than 1048576 values",
    ),
    ("kMostKeys", "json_fields.cpp"): (
        lambda n: recipe("", "", json.dumps({f"k{i}": 0 for i in range(n)}).encode()),
        "config.json",
        "more than 64 keys",
    ),
    ("kDeepest", "json_fields.cpp"): (
        lambda n: recipe("", "", f'{{"skip": {_nested("[", "]", n - 1)}}}'.encode()),
        "config.json",
        "nested deeper than 64",
    ),
    ("kLongestSide", "decode.cpp"): (
        lambda n: picture("", "", grey_png(n, 2), "bad.png"),
        "data.image",
        "more than can be meant",
    ),
    ("kMostPictureBytes", "picture_memory.h"): (
        lambda n: picture("", "", grey_png(10_000, 4000 + 100 * (n > 160_000_000)), "bad.png"),
        "data.image",
        "too much for a file",
    ),
    ("kMaxRank", "npy_header.cpp"): (lambda n: data("", "", _array(rank=n)), "data.npy", "64"),
    ("kMaxNpyHeader", "npy.h"): (
        lambda n: data("", "", _array(header_size=n - 64 * (n == 2**14))),
        "data.npy",
        "a header of",
    ),
}


def beyond(bound, value) -> Case:
    make, code, words = BOUNDS[bound]
    case = make(value + 1)
    assert words, "another check may refuse it with the same code"
    return Case(f"{bound[0]} in {bound[1]}: {value + 1}", code, case.arguments, case.files, words)


def at(bound, value) -> Case:
    """It may be refused for another reason."""
    case = BOUNDS[bound][0](value)
    return Case(f"{bound[0]} in {bound[1]}: {value}", None, case.arguments, case.files)
