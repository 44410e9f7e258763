"""Printed graphs of every wrong kind."""

from hostile.case import Case, text

HEAD = "graph(%x: f32[1, 3, 8, 8]) {\n"
CONV = "in_channels=3, out_channels=4, kernel_size=[3, 3]"


def _body(*lines, result="%y"):
    return HEAD + "".join(f"  {line}\n" for line in lines) + f"  return {result}\n}}\n"


def tokens():
    for title, content in {
        "nothing": "",
        "spaces": " \n\t ",
        "a comment": "// graph\n",
        "another word": "grpah(%x: f32[1]) {}",
        "JSON": '{"graph": 1}',
        "an archive": b"PK\x03\x04" + b"\0" * 100,
        "zero bytes": b"\0" * 1000,
        "bytes of no language": b"graph(%\xff\xfe: f32[1]) { return %\xff }",
        "a head without an end": "graph(%x: f32[1]",
        "a body without an end": HEAD + "  %y = aten.relu.default(%x)\n",
        "no return": HEAD + "  %y = aten.relu.default(%x)\n}\n",
        "two graphs": _body(result="%x") * 2,
        "text behind it": _body(result="%x") + "evil",
        "a string without an end": _body('%y = "aten.relu.default(%x)'),
        "a string that ends in a backslash": HEAD + '  %y = "\\',
        "a percent sign alone": HEAD + "  % = aten.relu.default(%x)",
        "a million percent signs": "graph(" + "%" * 1_000_000,
        "a million brackets": "graph" + "(" * 1_000_000,
        "a name of a million letters": "graph(%" + "a" * 1_000_000,
    }.items():
        yield text(title, "gir.syntax", content)


def modules_without_one():
    """A pattern would take the operator for a module."""
    yield text("nn.Linear without a name", "gir.syntax", _body("%y = nn.Linear(%x) {in_features=8, out_features=8}"))
    content = {"bad.gir": _body("%y = FusedLinear(%x)").encode()}
    yield Case("a kernel without a name", "gir.syntax", ("transform", "bad.gir"), content, "stands without one")


def types():
    for written in (
        *(
            "f33[1]",
            "float32[1]",
            "f32",
            "f32[",
            "f32[1",
            "f32[1,",
            "f32[-1]",
            "f32[1.5]",
            "f32[a b]",
            "f32[()]",
            "f32[)]",
        ),
        *(
            "f32[(]",
            "f32['a']",
            "f32[9223372036854775808]",
            "f32[0*N]",
            "f32[N*]",
            "f32[+]",
            "f32[N+99999999999999999999]",
            "[1]",
            "((",
            "(f32[1]",
        ),
        *("f32[1]]", "tensor", "%x", '"f32"[1]', "f32[1;2]", "f32[2 3]", "?[1]", "int[3]", "()[1]", "f32[1][2]"),
    ):
        yield text(f"the type {written}", "gir.syntax", f"graph(%x: {written}) {{\n  return %x\n}}\n")
    nested = "(" * 65 + ")" * 65
    yield text("types in each other, 65 deep", "gir.syntax", f"graph(%x: {nested}) {{ return %x }}", "nested deeper")
    yield text("types in each other, 100,000 deep", "gir.syntax", f"graph(%x: {'(' * 100_000}", "nested deeper")


def values():
    for title, content in {
        "a value that nobody makes": _body("%y = aten.relu.default(%z)"),
        "a value that reads itself": _body("%y = aten.relu.default(%y)"),
        "a cycle": _body("%y = aten.relu.default(%z)", "%z = aten.relu.default(%y)"),
        "a value before it is made": _body("%y = aten.relu.default(%z)", "%z = aten.relu.default(%x)"),
        "a value that is made twice": _body("%y = aten.relu.default(%x)", "%y = aten.relu.default(%x)"),
        "a value over an input": _body("%x = aten.relu.default(%x)", result="%x"),
        "two inputs of one name": "graph(%x: f32[1], %x: f32[1]) { return %x }",
        "a result that nobody makes": _body(result="%z"),
        "an operator without brackets": _body("%y = aten.relu.default"),
        "an operator that is a number": _body("%y = 7(%x)"),
        "no operator": _body("%y = (%x)"),
        "a comma too many": _body("%y = aten.add.Tensor(%x,, %x)"),
        "an attribute without a value": _body("%y = aten.relu.default(%x) {a=}"),
        "an attribute without a name": _body("%y = aten.relu.default(%x) {=1}"),
        "an attribute that is a value": _body("%y = aten.relu.default(%x) {a=%x}"),
        "a number beyond 64 bits": _body("%y = aten.relu.default(%x) {a=1e999}"),
        "a number of two points": _body("%y = aten.relu.default(%x) {a=1.2.3}"),
        "an input that is not there": _body("%y = aten.relu.default(%x) {a=$7}"),
        "a negative input": _body("%y = aten.relu.default(%x) {a=$-1}"),
        "an element of no tuple": _body("%y = get_item(%x) {index=0}"),
        "an element without its index": _body("%y = get_item(%x)"),
        "an element of two tuples": _body("%y = get_item(%x, %x) {index=0}"),
        "lists in each other, 65 deep": _body(f"%y = aten.relu.default(%x) {{a={'[' * 65}{']' * 65}}}"),
        "lists in each other, a million deep": _body(f"%y = aten.relu.default(%x) {{a={'[' * 1_000_000}"),
        "results without a comma": _body(result="%x %x"),
        "a result without a value": _body(result="a="),
    }.items():
        yield text(title, "gir.syntax", content)


def modules():
    for title, line in {
        "a kind that is not there": "%y = nn.NoSuchKind @m(%x)",
        "an operator with a path": "%y = aten.relu.default @m(%x)",
        "a module without a path": "%y = nn.ReLU @(%x)",
        "a module without its attributes": "%y = nn.Conv2d @m(%x)",
        "an unknown attribute": "%y = nn.ReLU @m(%x) {evil=1}",
        "a parameter that is a number": f"%y = nn.Conv2d @m(%x) {{{CONV}, weight=7}}",
        "channels that are text": '%y = nn.Conv2d @m(%x) {in_channels="3", out_channels=4, kernel_size=[3, 3]}',
        "channels that are a list": "%y = nn.Conv2d @m(%x) {in_channels=[3], out_channels=4, kernel_size=[3, 3]}",
        "channels that are none": "%y = nn.Conv2d @m(%x) {in_channels=none, out_channels=4, kernel_size=[3, 3]}",
        "other channels than the input's": "%y = nn.Conv2d @m(%x) {in_channels=5, out_channels=4, kernel_size=[3, 3]}",
        "negative channels": "%y = nn.Conv2d @m(%x) {in_channels=3, out_channels=-4, kernel_size=[3, 3]}",
        "a kernel of one size": "%y = nn.Conv2d @m(%x) {in_channels=3, out_channels=4, kernel_size=[3]}",
        "a kernel of three sizes": "%y = nn.Conv2d @m(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3, 3]}",
        "a kernel of no size": "%y = nn.Conv2d @m(%x) {in_channels=3, out_channels=4, kernel_size=[0, 0]}",
        "a kernel of a negative size": "%y = nn.Conv2d @m(%x) {in_channels=3, out_channels=4, kernel_size=[-3, 3]}",
        "a kernel of 2^62": f"%y = nn.Conv2d @m(%x) {{in_channels=3, out_channels=4, kernel_size=[1, {2**62}]}}",
        "a kernel larger than its input": "%y = nn.Conv2d @m(%x) {in_channels=3, out_channels=4, kernel_size=[30, 30]}",
        "steps of zero": f"%y = nn.Conv2d @m(%x) {{{CONV}, stride=[0, 0]}}",
        "negative steps": f"%y = nn.Conv2d @m(%x) {{{CONV}, stride=[-1, 1]}}",
        "steps of the least number": f"%y = nn.Conv2d @m(%x) {{{CONV}, stride=[-9223372036854775808, 1]}}",
        "negative padding": f"%y = nn.Conv2d @m(%x) {{{CONV}, padding=[-1, -1]}}",
        "padding of 2^62": f"%y = nn.Conv2d @m(%x) {{{CONV}, padding=[4611686018427387904, 0]}}",
        "gaps of zero": f"%y = nn.Conv2d @m(%x) {{{CONV}, dilation=[0, 0]}}",
        "gaps of 2^62": f"%y = nn.Conv2d @m(%x) {{{CONV}, dilation=[4611686018427387904, 1]}}",
        "no group": f"%y = nn.Conv2d @m(%x) {{{CONV}, groups=0}}",
        "groups that do not divide": f"%y = nn.Conv2d @m(%x) {{{CONV}, groups=2}}",
        "negative groups": f"%y = nn.Conv2d @m(%x) {{{CONV}, groups=-1}}",
        "a batch norm of other features": "%y = nn.BatchNorm2d @m(%x) {num_features=4}",
        "a batch norm of negative features": "%y = nn.BatchNorm2d @m(%x) {num_features=-3}",
        "a linear layer of other features": "%y = nn.Linear @m(%x) {in_features=9, out_features=4}",
        "a pool of no size": "%y = nn.MaxPool2d @m(%x) {kernel_size=[0, 0]}",
        "a pool without steps": "%y = nn.MaxPool2d @m(%x) {kernel_size=[2, 2], stride=[0, 0]}",
        "a pool of three sizes": "%y = nn.AvgPool2d @m(%x) {kernel_size=[2, 2, 2]}",
        "a pool to a negative size": "%y = nn.AdaptiveAvgPool2d @m(%x) {output_size=[-1, -1]}",
        "a flattening of axes that are not there": "%y = nn.Flatten @m(%x) {start_dim=9, end_dim=-9}",
        "a softmax along an axis that is not there": "%y = nn.Softmax @m(%x) {dim=77}",
        "two inputs where there is one": "%y = nn.ReLU @m(%x, %x)",
        "no input where there is one": "%y = nn.ReLU @m()",
        "a fused module without parts": "%y = FusedConvBNAct @m(%x)",
        "a stub on a value that no kernel has": "%y = FusedLinear @m(%x) "
        "[linear=nn.Linear @l {in_features=8, out_features=4}, linear_quant=QuantStub @q]",
        "a fused module that is its own part": "%y = FusedConvBNAct @m(%x) [conv=FusedConvBNAct @m]",
        "a module that is described twice": "%y = nn.ReLU @m(%x) {inplace=false} {inplace=false}",
        "a part that the fused module has not": "%y = FusedActAdd @m(%x, %x) [act=nn.ReLU @r, evil=nn.ReLU @r]",
        "a part twice": "%y = FusedActAdd @m(%x, %x) [act=nn.ReLU @r, act=nn.ReLU @r]",
        "a weight quantized by something else": "%y = FusedLinear @m(%x) "
        "[linear=nn.Linear @l {in_features=8, out_features=4}, weight_fake_quant=nn.ReLU @r]",
        "parts of a module that has none": "%y = nn.ReLU @m(%x) [act=nn.ReLU @r]",
        "a type that is declared otherwise": "%y: f32[7] = nn.ReLU @m(%x)",
        "an operator's shape that cannot be": "%y = aten.view.default(%x) {size=[7, 7]}",
        "an operator's shape that wraps around": "%y = aten.view.default(%x) {size=[4294967296, 4294967296, 192]}",
        "operands that do not fit": "%w = aten.view.default(%x) {size=[3, 64]}\n  %y = aten.add.Tensor(%x, %w)",
    }.items():
        yield text(title, None if title in EITHER else "gir.syntax", _body(line))


#: What a graph may hold: nothing computes with it, or it is only known when it runs.
EITHER = {"an operator's shape that cannot be", "an operator's shape that wraps around", "operands that do not fit"}


def parameters():
    for title, written in {
        "no type": "@w",
        "a type that is no tensor": "@w: int",
        "a symbolic type": "@w: f32[N, 3, 3, 3]",
        "a negative size": "@w: f32[-4, 3, 3, 3]",
        "a product that wraps around": "view(@w: f32[4294967296, 4294967296], [4, 3, 3, 3])",
        "another shape than the layer's": "@w: f32[4, 3, 3, 4]",
        "an unknown function": "eval(@w: f32[4, 3, 3, 3])",
        "a view of more elements": "view(@w: f32[4, 27], [4, 3, 3, 4])",
        "a view of negative sizes": "view(@w: f32[4, 27], [-4, -27])",
        "a view without its shape": "view(@w: f32[4, 27])",
        "a permutation of too few": "permute(@w: f32[4, 3, 3, 3], [0, 1])",
        "a permutation of one axis twice": "permute(@w: f32[4, 3, 3, 3], [0, 0, 1, 2])",
        "a permutation of an axis that is not there": "permute(@w: f32[4, 3, 3, 3], [0, 1, 2, 4])",
        "a permutation of a negative axis": "permute(@w: f32[4, 3, 3, 3], [0, 1, 2, -1])",
        "a slice behind the end": "slice(@w: f32[8, 3, 3, 3], 0, 0, 9)",
        "a slice backwards": "slice(@w: f32[8, 3, 3, 3], 0, 4, 0)",
        "a slice of an axis that is not there": "slice(@w: f32[8, 3, 3, 3], 4, 0, 4)",
        "a slice of a number beyond 64 bits": "slice(@w: f32[8, 3, 3, 3], 0, 0, 99999999999999999999)",
        "nothing joined": "concat([], 0)",
        "a joint of other ranks": "concat([@a: f32[2, 3, 3, 3], @b: f32[2]], 0)",
        "a joint that wraps around": "concat([@a: f32[9223372036854775807], @b: f32[9223372036854775807]], 0)",
        "a product of two types": "multiply(@a: f32[4, 3, 3, 3], @b: f16[4, 1, 1, 1])",
        "a product of shapes that do not fit": "multiply(@a: f32[4, 3, 3, 3], @b: f32[5, 1, 1, 1])",
        "views in each other, 65 deep": "permute(" * 65 + "@w: f32[4, 3, 3, 3]" + ", [0, 1, 3, 2])" * 65,
        "views in each other, 100,000 deep": "view(" * 100_000,
    }.items():
        yield text(f"a weight of {title}", "gir.syntax", _body(f"%y = nn.Conv2d @m(%x) {{{CONV}, weight={written}}}"))


def sizes():
    yield text(
        "an input of 2^80 elements",
        None,
        "graph(%x: f32[1099511627776, 1099511627776]) {\n  %y = nn.Flatten @f(%x) {start_dim=0}\n  return %y\n}\n",
    )
    lines = "".join(f"  %v{i} = aten.relu.default(%v{i - 1})\n" for i in range(1, 10_000))
    chain = f"graph(%v0: f32[1]) {{\n{lines}  return %nobody\n}}\n"
    yield text("a chain of 10,000 that ends in nothing", "gir.syntax", chain)


def extents():
    """What shape functions compute leaves 64 bits."""
    most = 2**63 - 1
    for title, extent, line in (
        ("a factor of the longest row", most, "%y = nn.Upsample @m(%x) {scale_factor=[2.5]}"),
        ("a large factor of a long row", 2**52, "%y = nn.Upsample @m(%x) {scale_factor=[60000.5]}"),
        (
            "a pool of the longest row",
            most,
            "%y = nn.MaxPool1d @m(%x) {kernel_size=[1000], stride=[1], padding=[3], ceil_mode=true}",
        ),
        ("parts of the longest row that are longer than the rest", most, None),
        ("as many parts of the longest row", most, f"%y = aten.chunk.default(%x) {{chunks={most}, dim=2}}"),
        ("a padding of the longest row", most, "%y = aten.pad.default(%x) {pad=[1, 1]}"),
        ("two of the longest rows", most, "%y = aten.cat.default(%x, %x) {dim=2}"),
    ):
        line = line or f"%y = aten.split.Tensor(%x) {{split_size={2**62}, dim=2}}"
        odd = "split" in line
        content = f"graph(%x: f32[1, 1, {extent}]) {{\n  {line}\n  return %x\n}}\n"
        yield text(title, None if odd else "gir.syntax", content)
    content = "graph(%x: f32[1, 1, N]) {\n  %y = nn.Upsample @m(%x) {scale_factor=[1e-300]}\n  return %x\n}\n"
    yield text("a factor whose inverse no integer holds", None, content)


def growth():
    """A few lines that ask for gigabytes."""
    sums = "".join(f"  %v{i} = aten.cat.default(%v{i - 1}, %v{i - 2})\n" for i in range(2, 45))
    fibonacci = f"graph(%v0: f32[a], %v1: f32[b]) {{\n{sums}  return %v44\n}}\n"
    yield text("sums of sizes that grow like Fibonacci's numbers", "gir.syntax", fibonacci, "more than 4096 letters")
    splits = "".join(f"  %s{i} = aten.split.Tensor(%x) {{split_size=1}}\n" for i in range(1000))
    parts = f"graph(%x: f32[65536, 2, 2, 2, 2, 2, 2, 2]) {{\n{splits}  return %x\n}}\n"
    yield text("a thousand times 65,536 parts", "gir.syntax", parts, "take more than")
    wide = f"graph(%x: f32[{', '.join('1' * 100_000)}]) {{\n  return %x\n}}\n"
    yield text("a tensor of 100,000 dimensions", "gir.syntax", wide, "more than 64 dimensions")
    sizes = ", ".join(["1"] * 65)
    yield text(
        "a view of 65 dimensions", "gir.syntax", _body(f"%y = aten.expand.default(%x) {{size=[{sizes}, 1, 3, 8, 8]}}")
    )
    yield text("a million constants", "gir.syntax", _body(*(f"%c{i}=constant @w: f32[1]" for i in range(1_000_000))))


def cases():
    for family in (tokens, types, modules_without_one, values, modules, parameters, sizes, extents, growth):
        yield from family()
