"""Pages of networks that nobody exported: the page of a real one with another report inside."""

import json
import random
import re

DATA = re.compile(r'(<script type="application/json" id="data">)(.*?)(</script>)', re.S)


def report_of(page):
    """The report that lies in a page."""
    return json.loads(DATA.search(page)[2])


def with_report(page, report):
    text = json.dumps(report).replace("<", "\\u003c")
    return DATA.sub(lambda match: match[1] + text + match[3], page)


def large_report(report, count, seed=0):
    """`report` with a network of `count` nodes: blocks of two branches, skips that pass many layers, a shared mask."""
    chance = random.Random(seed)
    nodes = [
        {"name": name, "kind": "input", "type": "f32[1, 64, 56, 56]", "precision": "other", "reads": []}
        for name in ("x", "mask")
    ]
    stubs, losses = [], []

    def add(name, *reads, precision="int8"):
        stub = f"quant_stub_{len(stubs)}"
        if precision == "int8":
            readers = [{"module": f"Fused_{name}", "input": 0}]
            stubs.append(
                {"name": stub, "tensor": reads[0], "scale": 0.02, "min": -2.0, "max": 3.0, "clipped": 0.001}
                | {"method": "mse", "readers": readers, "reason": "reads INT8"}
            )
            losses.append(
                {"module": f"Fused_{name}", "layer": name, "value": name}
                | {"own_sqnr_db": round(chance.uniform(15, 50), 2), "sqnr_db": round(chance.uniform(10, 40), 2)}
            )
        quantized = {"stub": stub} if precision == "int8" else {}
        edges = [{"node": read, "input": i} | quantized for i, read in enumerate(reads)]
        nodes.append(
            {"name": name, "kind": "kernel", "op": "FusedConvBNAct", "module": f"Fused_{name}"}
            | {"type": "f32[1, 64, 56, 56]", "precision": precision, "reads": edges}
            | {"layers": [{"path": f"layers.{name}.conv", "text": f"nn.Conv2d @layers.{name}.conv"}]}
        )
        return name

    last, kept = "x", []
    while len(nodes) < count - 1:
        at = len(nodes)
        left = add(f"b{at}.a", last)
        right = add(f"b{at}.b", last)
        reads = [left, right]
        if at % 7 == 0:
            reads.append(kept.pop(chance.randrange(len(kept))) if kept else "mask")
        last = add(f"b{at}.c", *reads, precision=chance.choice(["int8", "int8", "int8", "fp16", "fp32"]))
        if at % 5 == 0:
            kept.append(last)
    nodes.append(
        {"name": "y", "kind": "output", "type": "f32[1, 64, 56, 56]", "precision": "other", "reads": [{"node": last}]}
    )
    losses = report["losses"] | {"kernels": losses}
    return report | {"network": nodes, "stubs": stubs, "missing": [], "weights": [], "losses": losses}
