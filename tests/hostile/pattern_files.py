"""Pattern files of every wrong kind: refused with line and column."""

from hostile import seeds
from hostile.case import Case

CONV = "  %c = nn.Conv2d(%x)\n  %r = nn.ReLU(%c)\n"


def pattern_file(name, code, content, words="error[gpat.syntax]"):
    content = content.encode() if isinstance(content, str) else content
    files = {"good.gir": seeds.GRAPH.encode(), "bad.gpat": content}
    arguments = ("transform", "good.gir", "--patterns", "bad.gpat", "-o", "out.gir")
    return Case(name, code, arguments, files, words)


def _fusion(body):
    return f"fusion F {{\n{body}\n}}\n"


def _relu(condition):
    return _fusion(f"  %r = nn.ReLU(%x) {condition}\n  => %x")


def _conversion(name, found, graft):
    return f"conversion {name} {{\n  %r = {found}(%x)\n  => {graft}\n}}\n"


def _grafted(graft, found=CONV):
    return _fusion(f"{found}  => {graft}")


TEXTS = {
    "nothing": "",
    "a comment": "// fusion",
    "zero bytes": b"\0" * 100,
    "bytes of no language": b"fusion \xff\xfe { }",
    "an archive": b"PK\x03\x04" + b"\0" * 100,
    "JSON": '{"patterns": []}',
    "a printed graph": seeds.GRAPH,
    "a word": "fusion",
    "a name": "fusion F",
    "a brace": "fusion F {",
    "no graft": _fusion(CONV),
    "an arrow": "fusion F { => }",
    "no end": _grafted("%x")[:-3],
    "a string without an end": _fusion(CONV + ' where "'),
    "two patterns of one name": _grafted("%r = %x") * 2,
    "a million braces": "fusion F " + "{" * 900_000,
    "a million brackets": _fusion("  %c = nn.Conv2d" + "(" * 900_000),
    "more than a MiB": "// " + "x" * 1_100_000,
    "a set of itself": "let a = a\n" + _grafted("%r = %x"),
    "a set twice": "let a = nn.ReLU\nlet a = nn.SiLU\n",
    "a name of 100,000 letters": _fusion(f"  %{'a' * 100_000} = nn.ReLU(%x)\n  => %y"),
}

POSITIONS = {
    "a kind that is not there": "  %r = nn.NoSuchKind(%x)",
    "no operator": "  %r = (%x)",
    "a value that is not defined": "  %r = nn.ReLU(%z) {inplace=%q}",
    "a value that reads itself": "  %r = nn.ReLU(%r)",
    "a value twice": "  %r = nn.ReLU(%x)\n  %r = nn.ReLU(%x)",
    "two of a kind that takes one": "  %r = nn.ReLU(%x, %x)",
    "a number beyond 64 bits": "  %r = nn.Conv2d(%x) {groups=99999999999999999999999}",
    "a number beyond every double": "  %r = nn.LeakyReLU(%x) {negative_slope=1e999}",
    "a length of 0 to 2^64": "  %r = nn.ReLU(%x){0,18446744073709551615}",
    "a negative length": "  %r = nn.ReLU(%x){-1}",
    "a length that ends before it begins": "  %r = nn.ReLU(%x){9,2}",
    "a wildcard at the end": "  %r = any(%x)*",
    "an unknown attribute": "  %r = nn.ReLU(%x) {evil=1}",
    "a condition without an end": "  %r = nn.ReLU(%x) where",
    "a condition of nothing": "  %r = nn.ReLU(%x) where 1 == 1",
    "the least number divided by -1": "  %r = nn.ReLU(%x) where -9223372036854775808 % -1 == %x.rank and 0 == 1 or",
    "brackets in each other, 100,000 deep": "  %r = nn.ReLU(%x) where " + "(" * 100_000 + "1",
    "nots in each other, 100,000 deep": "  %r = nn.ReLU(%x) where " + "not " * 100_000 + "1",
    "minuses in each other, 100,000 deep": "  %r = nn.ReLU(%x) where %x.rank == " + "- " * 100_000 + "1",
    "lists in each other, 100,000 deep": "  %r = nn.Conv2d(%x) {padding=" + "[" * 100_000,
    "an index without an end": "  %r = nn.ReLU(%x) where %x.shape[",
    "more positions than there may be": "\n".join(f"  %v{i + 1} = nn.ReLU(%v{i})" for i in range(40)).replace(
        "%v0", "%x"
    ),
}

GRAFTS = {
    "a value that is not there": "%r = nn.ReLU(%nobody)",
    "nothing": "",
    "a kind that is not there": "%r = nn.NoSuchKind(%x)",
    "a fused kind without its parts": "%r = FusedConvBNAct(%x)",
    "parts that are not there": "%r = FusedConvBNAct(%x) [conv=%nobody, act=%r]",
    "a part twice": "%r = FusedConvBNAct(%x) [conv=%c, conv=%c, act=%r]",
    "parts of the wrong kind": "%r = FusedConvBNAct(%x) [conv=%r, act=%c]",
    "a value that is taken away": "%r = nn.ReLU(%c)\n  erase %c",
    "two values for one": "%r = %x %r = %x",
    "a wildcard": "%r = any(%x)",
    "what erases a wildcard": "erase %x",
    "attributes of a fused kind": "%r = FusedConvBNAct(%x) {evil=1} [conv=%c, act=%r]",
    "a parameter that is no parameter": "%r = nn.Conv2d(%x) {in_channels=3, out_channels=4, weight=7}",
    "a function that is not there": "%r = nn.Conv2d(%x) {weight=eval(%c.weight)}",
}


def cases():
    for title, content in TEXTS.items():
        yield pattern_file(f"patterns: {title}", "gpat.syntax", content)
    for title, body in POSITIONS.items():
        yield pattern_file(f"a position with {title}", "gpat.syntax", _fusion(f"{body}\n  => %x"))
    for title, graft in GRAFTS.items():
        yield pattern_file(f"a graft with {title}", "gpat.syntax", _grafted(graft))
    # A whole pattern whose graft cannot be made on this network: declined with a reason, and the network stays.
    for title, pattern in {
        "a division by zero": _relu("where %x.rank % 0 == 0"),
        "a graft of another shape": _conversion("F", "nn.ReLU", "%r = aten.view.default(%x) {size=[7]}"),
        "a division by what is zero": _relu("where 7 % (%x.rank - 4) == 0"),
        "a number that wraps around": _relu("where %x.rank * 9223372036854775807 == 4"),
        "an index beyond the shape": _relu("where %x.shape[99] == 4"),
        "a conversion that goes round and round": _conversion("F", "nn.ReLU", "%r = nn.SiLU(%x)")
        + _conversion("G", "nn.SiLU", "%r = nn.ReLU(%x)"),
        "a conversion that grows": _conversion("F", "nn.ReLU", "%a = nn.ReLU(%x)\n     %r = nn.ReLU(%a)"),
    }.items():
        yield pattern_file(f"patterns: {title}", None, f"{pattern}\n", "")
