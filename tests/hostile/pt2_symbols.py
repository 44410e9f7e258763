"""Symbolic sizes of every bad kind."""

from hostile import seeds
from hostile.case import model
from hostile.seeds import meta


def sized(expression):
    program = seeds.program()
    values = program["graph_module"]["graph"]["tensor_values"]
    values["x"] = meta([expression, 3, seeds.SIZE, seeds.SIZE])
    return seeds.archive(model=program)


def cases():
    for title, text in {
        "nothing": "",
        "spaces": "   ",
        "a name without an end": "Symbol('s77'",
        "a string without an end": "Symbol('s77",
        "a string without a beginning": "Symbol(s77)",
        "a bare bracket": "(",
        "two expressions": "Symbol('a') Symbol('b')",
        "a closing bracket too many": "Symbol('a'))",
        "an operator of Python": "s77 + 1",
        "an attribute of Python": "().__class__.__bases__[0]",
        "a call of Python": "__import__('os').system('true')",
        "a lambda": "lambda: 0",
        "a number beyond 64 bits": "Integer(99999999999999999999)",
        "a number just beyond 64 bits": "Integer(9223372036854775808)",
        "a minus alone": "-",
        "a hexadecimal number": "Integer(0x10)",
        "a fraction": "1.5",
        "a list": "[1, 2]",
        "a comma alone": "Add(,)",
        "a keyword without a value": "Symbol('a', positive=)",
        "a zero byte": "Symbol('a')\0",
        "no language": "\u0000\uffff",
        "brackets, 100,000 deep": "Add(" * 100_000,
        "calls in each other, 129 deep": "Abs(" * 129 + "Integer(1)" + ")" * 129,
        "keywords in each other, 1,000 deep": "f(a=" * 1000 + "Integer(1)" + ")" * 1000,
        "513 terms": "Add(" + ", ".join(f"Symbol('s{i}')" for i in range(513)) + ")",
        "100,000 terms": "Mul(" + ", ".join(f"Symbol('s{i}')" for i in range(100_000)) + ")",
    }.items():
        yield model(f"a size that is {title}", "pt2.expression", sized(text))
    for title, text in {
        "a product beyond 64 bits": "Mul(Integer(4611686018427387904), Integer(4))",
        "a sum beyond 64 bits": "Add(Integer(9223372036854775807), Integer(9223372036854775807))",
        "a factor beyond 64 bits": "Mul(Integer(4611686018427387904), Add(Symbol('s77'), Symbol('s77')))",
    }.items():
        yield model(f"a size that is {title}", "ir.shape", sized(text))
