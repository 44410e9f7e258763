#!/usr/bin/env python3
"""Compile an ONNX file with NVIDIA TensorRT-RTX on a machine without a GPU and report the layers.

    python rtx_compile.py model.onnx [--sm 75|80|86|89|120|121] [--shapes name:1x3x224x224,...]
                          [--json out.json] [--log out.log] [--timeout 600] [--quiet]

Exit status: 0  the parser accepts the model and the compiler builds an engine
             1  the parser or the compiler refuses, crashes or runs out of time (messages printed, one a line)
             2  bad usage, no such file, or the packages are missing

Needs: pip install --no-deps tensorrt_rtx_cu12_libs==1.7.1.116 tensorrt_rtx_cu12_bindings==1.7.1.116
(Linux x86-64; no other package, no GPU and no driver. The metapackage of the same name is not needed.)

How it works: the library builds "ahead of time" for a named compute capability, without a device. With
detailed verbosity its log ends with one line of text per engine layer; this file reads that text. Only public
calls of the library are used. A result proves that the file is legal for NVIDIA's parser (strongly typed) and which
nodes run on low-precision inputs; it proves nothing about speed or accuracy, as nothing is run.
As a module: report = compile_model("model.onnx", sm=89), a plain dict; a crash of the compiler then takes the caller
with it, which compile_apart (and the command line) avoids with a child process.
"""

import argparse
import collections
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time

PIP = "pip install --no-deps tensorrt_rtx_cu12_libs==1.7.1.116 tensorrt_rtx_cu12_bindings==1.7.1.116"
BITS = {
    "Float": 32,
    "Half": 16,
    "BFloat16": 16,
    "Int8": 8,
    "UInt8": 8,
    "FP8": 8,
    "E8M0": 8,
    "FP8UE8M0": 8,
    "Bool": 8,
    "Int4": 4,
    "FP4": 4,
    "FP4E2M1": 4,
    "Int32": 32,
    "Int64": 64,
}
LOW = {"Int8", "FP8", "Int4", "FP4", "FP4E2M1"}  # counted as "low precision"
NOT_A_KERNEL = {"signal", "wait", "noop", "constant"}  # stream synchronisation and the like


class Unavailable(Exception):
    """The TensorRT-RTX packages are not installed."""


def load():
    """Import the binding, or say what to install."""
    try:
        import tensorrt_rtx_libs  # noqa: F401  (loads the shared libraries)
        import tensorrt_rtx_bindings as trt

        return trt
    except ImportError as why:
        raise Unavailable("TensorRT-RTX is not installed (%s). Install it with: %s" % (why, PIP))


# ---------------------------------------------------------------- reading the layer text

_HEAD = re.compile(r"Name: (?P<name>.*?), LayerType: (?P<type>[\w.]+)(?=, |$)", re.S)
_TENSOR = re.compile(
    r"\{ Name: (?P<name>.*?), Dimensions: \[(?P<dims>[-\d, ]*)\](?=, (?:Strides|Datatype))"
    r"(?P<rest>.*?) ?\}(?=, \{ Name: |\]|$)",
    re.S,
)
_SECTION = re.compile(r", (Inputs|Constants|Outputs): \[")


def _tensor(match):
    rest = match.group("rest")
    kind = re.search(r"Datatype: (\w+)", rest)
    form = re.search(r"Format: (.*)$", rest, re.S)
    return {
        "name": match.group("name"),
        "dims": [int(d) for d in re.findall(r"-?\d+", match.group("dims"))],
        "dtype": kind.group(1) if kind else "",
        "format": form.group(1).strip() if form else "",
    }


def parse_layer(text):
    """One layer line as a dict. Names may hold spaces, commas and brackets."""
    head = _HEAD.match(text)
    if not head:
        return None
    layer = {
        "name": head.group("name"),
        "type": head.group("type"),
        "inputs": [],
        "constants": [],
        "outputs": [],
        "onnx_nodes": [],
        "tactic": "",
    }
    body, tail = text[head.end() :], ""
    meta = body.find(", Metadata: ")
    if meta >= 0:
        body, tail = body[:meta], body[meta + len(", Metadata: ") :]
    tail = re.sub(r"\]\s*$", "", tail)
    layer["onnx_nodes"] = re.split(r"(?:^|\])[\x1e\x1f]?\[ONNX Layer: ", tail)[1:]
    tactic = re.search(r", TacticName: (.*?)(?=, StreamId: |$)", body, re.S)
    if tactic:
        layer["tactic"] = tactic.group(1).strip()
    marks = list(_SECTION.finditer(body))
    for i, mark in enumerate(marks):
        end = marks[i + 1].start() if i + 1 < len(marks) else len(body)
        layer[mark.group(1).lower()] = [_tensor(m) for m in _TENSOR.finditer(body[mark.end() : end])]
    return layer


def parse_layers(log_text):
    """All layers of the last 'Layers:' block of the verbose log."""
    start = log_text.rfind("Layers:\n")
    if start < 0:
        return []
    block = log_text[start + len("Layers:\n") :]
    for stop in ("\nI/O Tensors:", "\nBindings:"):
        if stop in block:
            block = block[: block.index(stop)]
    layers = (parse_layer(piece.rstrip()) for piece in re.split(r"(?:^|\n)(?=Name: )", block) if piece.strip())
    return [layer for layer in layers if layer]


# ---------------------------------------------------------------- what the parser made of the model


def _enum(value):
    return str(value).rsplit(".", 1)[-1]


def _onnx_name(layer):
    """The ONNX node a network layer came from; the parser writes it into the metadata."""
    found = re.match(r"\[ONNX Layer: (.*)\]$", re.split("[\x1e\x1f]", layer.metadata or "")[0], re.S)
    return found.group(1) if found else layer.name


def _inputs(layer):
    return [t for t in (layer.get_input(k) for k in range(layer.num_inputs)) if t is not None]


class View:
    """The parsed network: weighted nodes, attention blocks, Q/DQ nodes. Made before the build."""

    COPY = {"SHUFFLE", "IDENTITY", "CAST", "SQUEEZE", "UNSQUEEZE", "SLICE", "PADDING"}

    def __init__(self, trt, network):
        self.trt = trt
        self.layers = [network.get_layer(i) for i in range(network.num_layers)]
        self.kinds = [_enum(layer.type) for layer in self.layers]
        self.maker, self.users = {}, collections.defaultdict(list)
        for i, layer in enumerate(self.layers):
            for o in range(layer.num_outputs):
                self.maker[layer.get_output(o).name] = i
            for tensor in _inputs(layer):
                self.users[tensor.name].append(i)
        self.constant = {}
        for i, layer in enumerate(self.layers):  # the order is topological
            made = all(self.constant.get(t.name, False) for t in _inputs(layer))
            for o in range(layer.num_outputs):
                self.constant[layer.get_output(o).name] = made
        self.qdq = {
            _onnx_name(layer)
            for layer, kind in zip(self.layers, self.kinds)
            if kind in ("QUANTIZE", "DEQUANTIZE", "DYNAMIC_QUANTIZE")
        }
        self.weighted = [
            self._row(i)
            for i, kind in enumerate(self.kinds)
            if kind in ("CONVOLUTION", "DECONVOLUTION", "MATRIX_MULTIPLY")
        ]
        self.attention = self._attention()

    def _dequantize(self, tensor):
        """The DequantizeLinear behind a tensor, looking through copies, or None."""
        for _ in range(8):
            at = self.maker.get(tensor.name)
            if at is None:
                return None
            if self.kinds[at] == "DEQUANTIZE":
                return self.layers[at]
            if self.kinds[at] not in self.COPY:
                return None
            tensor = self.layers[at].get_input(0)
        return None

    def _blocked(self, tensor):
        """Names the operation that stands between a tensor and the DequantizeLinear before it, if there is one."""
        for _ in range(8):
            at = self.maker.get(tensor.name)
            if at is None or not self.layers[at].num_inputs:
                return ""
            if self.kinds[at] not in self.COPY:
                if any(self._dequantize(t) for t in _inputs(self.layers[at])):
                    return "; no DequantizeLinear moves through %s (%s%s)" % (
                        _onnx_name(self.layers[at]),
                        self.kinds[at].lower(),
                        "; equal scales on all inputs would" if self.kinds[at] == "CONCATENATION" else "",
                    )
                return ""
            tensor = self.layers[at].get_input(0)
        return ""

    def _row(self, i):
        layer, kind = self.layers[i], self.kinds[i]
        operands = _inputs(layer)[:2]
        sides = [self._dequantize(t) for t in operands]
        row = {
            "node": _onnx_name(layer),
            "kind": kind.lower(),
            "activations": sum(not self.constant.get(t.name, False) for t in operands),
            "behind_dq": [dq is not None for dq in sides],
            "why": "",
        }
        if not any(sides):
            row["why"] = "no operand is behind DequantizeLinear"
        elif len(sides) < 2:
            row["why"] = "the weight is not behind DequantizeLinear"
        elif not all(sides):
            row["why"] = "only the %s operand is behind DequantizeLinear%s" % (
                "first" if sides[0] else "second",
                self._blocked(operands[1 if sides[0] else 0]),
            )
        else:
            hints = []
            shapes = [tuple(dq.get_input(1).shape) for dq in sides]
            if len(shapes[0]) and row["activations"] < 2:
                hints.append("the activation scale has shape %s, not 0-D" % (list(shapes[0]),))
            sides[1].__class__ = self.trt.IDequantizeLayer  # the binding's way to reach layer attributes
            if kind != "MATRIX_MULTIPLY" and len(shapes[1]) == 1 and sides[1].axis != 0:
                hints.append("the weight scale is on axis %d" % sides[1].axis)
            if kind == "DECONVOLUTION":
                hints.append("this compiler runs transposed convolution in floating point")
            row["why"] = "; ".join(hints) or "both operands are behind DequantizeLinear; the compiler chose float"
        return row

    def _reach(self, start, step, wanted, limit=12):
        """The first wanted layer found from layer `start` in at most `limit` layers, breadth first."""
        seen, queue = {start}, collections.deque([(start, 0)])
        while queue:
            at, depth = queue.popleft()
            if at != start and at in wanted:
                return at
            if depth < limit:
                for near in step(at):
                    if near not in seen:
                        seen.add(near)
                        queue.append((near, depth + 1))
        return None

    def _attention(self):
        """[(kind, [node names])]: Attention nodes, and softmax between two products of activations."""
        blocks = [
            ("op", [_onnx_name(layer)])
            for layer, kind in zip(self.layers, self.kinds)
            if kind in ("ATTENTION", "ATTENTION_OUTPUT")
        ]
        products = {
            i
            for i, kind in enumerate(self.kinds)
            if kind == "MATRIX_MULTIPLY"
            and not any(self.constant.get(t.name, False) for t in _inputs(self.layers[i])[:2])
        }

        def back(at):
            return [
                self.maker[t.name]
                for t in _inputs(self.layers[at])
                if t.name in self.maker and not self.constant.get(t.name, False)
            ]

        def forward(at):
            layer = self.layers[at]
            return [u for o in range(layer.num_outputs) for u in self.users[layer.get_output(o).name]]

        for i, kind in enumerate(self.kinds):
            if kind == "SOFTMAX":
                first, second = self._reach(i, back, products), self._reach(i, forward, products, 6)
                if first is not None and second is not None:
                    blocks.append(("pattern", [_onnx_name(self.layers[k]) for k in (first, i, second)]))
        return blocks


# ---------------------------------------------------------------- building

_LOG = []


def _logger(trt):
    """The library keeps the first logger it is given, so there is one per process, emptied for each model."""
    if not _LOG:
        messages = []

        class Log(trt.ILogger):
            def __init__(self):
                trt.ILogger.__init__(self)

            def log(self, severity, text):
                messages.append((_enum(severity), text))

        _LOG.extend([Log(), messages])
    _LOG[1].clear()
    return _LOG


def compile_model(path, sm=89, shapes=None, keep_log=None):
    """Parse and build one ONNX file. A refused model is not an exception; see report["accepted"]."""
    trt = load()
    log, messages = _logger(trt)
    report = {
        "model": os.path.basename(path),
        "sm": sm,
        "version": trt.__version__,
        "accepted": False,
        "parser": [],
        "builder": [],
        "outputs": {},
        "layers": [],
        "summary": {},
    }
    builder = trt.Builder(log)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, log)
    parsed = parser.parse_from_file(path)
    for i in range(parser.num_errors):
        e = parser.get_error(i)
        text, node, op = (v() if callable(v) else v for v in (e.desc, e.node_name, e.node_operator))
        report["parser"].append({"level": "error", "node": node, "op": op, "text": " ".join(text.split())})
    report["parser"] += [
        {"level": "warning", "node": "", "op": "", "text": " ".join(text.split())}
        for severity, text in messages
        if severity == "WARNING"
    ]
    heard = len(messages)
    if parsed:
        config = builder.create_builder_config()
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(trt.ComputeCapability, "SM%d" % sm), 0)
        profile, dynamic = builder.create_optimization_profile(), False
        for i in range(network.num_inputs):
            tensor = network.get_input(i)
            if -1 in tuple(tensor.shape):
                fixed = (shapes or {}).get(tensor.name) or [1 if d == -1 else d for d in tensor.shape]
                profile.set_shape(tensor.name, fixed, fixed, fixed)
                dynamic = True
        if dynamic:
            config.add_optimization_profile(profile)
        outputs = (network.get_output(i) for i in range(network.num_outputs))
        report["outputs"] = {tensor.name: list(tensor.shape) for tensor in outputs}
        view = View(trt, network)
        began = time.time()
        engine = builder.build_serialized_network(network, config)
        seconds = time.time() - began
        if engine is not None:
            text = "\n".join(t for _, t in messages)
            report["accepted"] = True
            report["layers"] = parse_layers(text)
            report["summary"] = _summary(report["layers"], view, text, seconds, engine.nbytes)
    counted = collections.Counter(
        (severity, " ".join(t.split()))
        for severity, t in messages[heard:]
        if severity in ("ERROR", "INTERNAL_ERROR", "WARNING")
    )
    report["builder"] = [
        {"level": severity.lower(), "text": text, "times": n} for (severity, text), n in counted.items()
    ]
    if keep_log:
        with open(keep_log, "w") as out:
            out.writelines("%s %s\n" % (s[:4], t) for s, t in messages)
    return report


# ---------------------------------------------------------------- summing up


def tensor_bytes(tensor):
    return max(0, math.prod(tensor["dims"])) * BITS.get(tensor["dtype"], 32) // 8


def is_attention(layer):
    return "mha" in layer["name"].lower() and layer["type"] not in NOT_A_KERNEL


def is_heavy(layer):
    """A convolution, matrix product, pooling or fused attention; not a generated pointwise kernel."""
    return is_attention(layer) or layer["type"] not in NOT_A_KERNEL | {"kgen", "reformat", "memcpy"}


_INSIDE = re.compile(r"__myl_\w*?Cast\w*?(Fc|Corr)")  # dequantize first, then a float product
_COPIES = re.compile(r"__myl_((Mul|Div|Min|Max|Roun|Cast|Conc|Move|Tran|Resh|Repl|Slic)+)_")


def is_conversion(layer, view):
    """Quantize, dequantize, cast or layout work and nothing else."""
    if is_heavy(layer) or layer["type"] in NOT_A_KERNEL:
        return False
    others = [n for n in layer["onnx_nodes"] if n not in view.qdq]
    weighted = {row["node"] for row in view.weighted}
    return not others or (all(n in weighted for n in others) and bool(_COPIES.match(layer["name"])))


def _precision(row, layers):
    """How a weighted node runs: 'Int8', 'FP8', or a description of the floating-point way."""
    mine = [x for x in layers if is_heavy(x) and row["node"] in x["onnx_nodes"]]
    own = [x for x in mine if x["name"].startswith(row["node"] + "_")]  # a neighbour can list this node too
    mine = own or mine
    row["layers"] = [x["name"] for x in mine]
    types = {t["dtype"] for x in mine for t in x["inputs"]}
    weights = {t["dtype"] for x in mine for t in x["constants"]} & LOW
    if any(_INSIDE.match(x["name"]) for x in mine):
        return "float, %s dequantized inside the kernel" % "/".join(sorted(weights | types & LOW))
    if types & LOW:
        return sorted(types & LOW)[0]
    return "float (%s)" % "/".join(sorted(types) or ["in a generated kernel"])


def _multiplies_low(types, products):
    """Whether a kernel of attention with inputs of these types multiplies in low precision. A mask is an input too, and
    never quantized: where there is one, the operands of the products decide."""
    types = set(types)
    return types <= LOW or (bool(types & LOW) and all(all(row["behind_dq"]) for row in products))


def _summary(layers, view, text, seconds, engine_bytes):
    kernels = [x for x in layers if x["type"] not in NOT_A_KERNEL]
    low, rest = collections.Counter(), []
    lost = []  # quantized on both sides, and computed in floating point
    for row in view.weighted:
        row["runs"] = _precision(row, layers)
        if row["runs"] in LOW:
            low[row["runs"]] += 1
            row["why"] = ""
        else:
            rest.append({key: row[key] for key in ("node", "kind", "runs", "why")})
            if len(row["behind_dq"]) > 1 and all(row["behind_dq"]):
                lost.append(row["node"])
    rows = {row["node"]: row for row in view.weighted}
    blocks = []
    for kind, nodes in view.attention:
        own = [x for x in kernels if set(nodes) & set(x["onnx_nodes"])]
        fused = [x for x in own if is_attention(x) and set(nodes) <= set(x["onnx_nodes"])]
        types = sorted({t["dtype"] for x in fused for t in x["inputs"] if t["dtype"] != "Bool"})
        blocks.append(
            {
                "form": kind,
                "nodes": nodes,
                "fused": bool(fused),
                "input_types": types,  # of the mask too, which is never quantized
                "low_precision": bool(fused) and _multiplies_low(types, [rows[n] for n in nodes if n in rows]),
                "layers": [x["name"] for x in own],
            }
        )

    def number(label):
        found = re.search(label + r": (\d+)", text)
        return int(found.group(1)) if found else None

    return {
        "layers": len(layers),
        "kernels": len(kernels),
        "layer_types": dict(collections.Counter(x["type"] for x in layers)),
        "weighted": len(view.weighted),
        "low_precision": dict(low),
        "not_low_precision": rest,
        "quantized_but_float": lost,
        "heavy_output_types": dict(
            collections.Counter(t["dtype"] for x in kernels if is_heavy(x) for t in x["outputs"])
        ),
        "conversion_kernels": [x["name"] for x in kernels if is_conversion(x, view)],
        "activation_bytes": sum(tensor_bytes(t) for x in kernels for t in x["inputs"] + x["outputs"]),
        "attention": blocks,
        "weighted_nodes": view.weighted,
        "quantize_nodes": len(view.qdq),
        "build_seconds": round(seconds, 3),
        "engine_bytes": engine_bytes,
        "activation_memory": number("Total Activation Memory"),
        "weights_memory": number("Total Weights Memory"),
        "scratch_memory": number("Max Scratch Memory"),
    }


# ---------------------------------------------------------------- command line


def parse_shapes(text):
    """'x:1x3x224x224,ids:1x128' as {name: [dims]}. A name may hold ':' and ','."""
    return {
        name: [int(d) for d in dims.split("x")]
        for name, dims in re.findall(r"(?:^|,)(.+?):(\d+(?:x\d+)*)(?=,|$)", text or "")
    }


def compile_apart(path, sm, shapes, keep_log, timeout):
    """compile_model in a child process, so that a crash or a hang of the compiler becomes a message."""
    with tempfile.TemporaryDirectory() as folder:
        answer = os.path.join(folder, "report.json")
        job = json.dumps({"path": path, "sm": sm, "shapes": shapes, "keep_log": keep_log})
        failure = None
        try:
            done = subprocess.run(
                [sys.executable, os.path.abspath(__file__), "--child", job, answer],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=timeout,
            )
            if not os.path.exists(answer):
                failure = (
                    "the compiler crashed (signal %d)" % -done.returncode
                    if done.returncode < 0
                    else "the compiler stopped: " + done.stderr.decode(errors="replace").strip()[-300:]
                )
        except subprocess.TimeoutExpired:
            failure = "no result after %d seconds" % timeout
        if failure is None:
            with open(answer) as data:
                return json.load(data)
    return {
        "model": os.path.basename(path),
        "sm": sm,
        "version": "",
        "accepted": False,
        "parser": [],
        "builder": [{"level": "error", "text": failure, "times": 1}],
        "outputs": {},
        "layers": [],
        "summary": {},
    }


def show(report, quiet):
    for m in report["parser"] + report["builder"]:
        if not quiet or m["level"] != "warning":
            where = "[%s %s] " % (m["op"], m["node"]) if m.get("node") else ""
            print("%s: %s%s" % (m["level"], where, m["text"]))
    if not report["accepted"]:
        print("refused")
        return
    if quiet:
        return
    s = report["summary"]

    def io(tensors):
        return " ".join(t["dtype"] + str(t["dims"]).replace(" ", "") for t in tensors)

    for layer in report["layers"]:
        print(
            "%-14s %-36s %s -> %s | %s"
            % (
                layer["type"],
                layer["name"][:36],
                io(layer["inputs"]),
                io(layer["outputs"]),
                " ".join(layer["onnx_nodes"]),
            )
        )
    if s["quantize_nodes"]:
        for row in s["not_low_precision"]:
            print("not low precision: %s: %s; %s" % (row["node"], row["runs"], row["why"]))
    for block in s["attention"]:
        print(
            "attention %s: %s %s"
            % (block["nodes"][0], "one kernel" if block["fused"] else "not fused", "/".join(block["input_types"]))
        )
    print(
        "accepted: %d kernels, %d of %d weighted nodes low precision %s, %d conversion kernels, "
        "activation bytes %d, activation memory %s, engine bytes %d, build %.2f s"
        % (
            s["kernels"],
            sum(s["low_precision"].values()),
            s["weighted"],
            s["low_precision"] or "",
            len(s["conversion_kernels"]),
            s["activation_bytes"],
            s["activation_memory"],
            s["engine_bytes"],
            s["build_seconds"],
        )
    )


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["--child"]:
        report = compile_model(**json.loads(argv[1]))
        with open(argv[2], "w") as out:
            json.dump(report, out)
        return 0
    ap = argparse.ArgumentParser(prog="rtx_compile.py", description=__doc__.split("\n\n")[0])
    ap.add_argument("model")
    ap.add_argument("--sm", type=int, default=89, choices=(75, 80, 86, 89, 120, 121), help="target GPU (89)")
    ap.add_argument("--shapes", default="", help="name:1x3x224x224,... for dynamic inputs (else -1 becomes 1)")
    ap.add_argument("--json", help="write the report here")
    ap.add_argument("--log", help="write the library's verbose log here")
    ap.add_argument("--timeout", type=int, default=600, help="seconds for the whole compilation (600)")
    ap.add_argument("--quiet", action="store_true", help="print only what refuses")
    args = ap.parse_args(argv)
    if not os.path.isfile(args.model):
        ap.error("no such file: " + args.model)
    shapes = parse_shapes(args.shapes)
    if args.shapes and not shapes:
        ap.error("--shapes wants name:1x3x224x224,...")
    try:
        load()
    except Unavailable as why:
        print(why, file=sys.stderr)
        return 2
    report = compile_apart(args.model, args.sm, shapes, args.log, args.timeout)
    if args.json:
        with open(args.json, "w") as out:
            json.dump(report, out, indent=1)
    show(report, args.quiet)
    return 0 if report["accepted"] else 1


if __name__ == "__main__":
    sys.exit(main())
