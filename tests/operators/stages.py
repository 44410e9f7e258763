"""One network of samples: its files, and the command run on them."""

import re
import subprocess
import warnings

import numpy as np
import onnx
import torch

from operators.network import Network

TIMEOUT = 120


class Refused(Exception):  # noqa: N818
    """The command fails. `places` maps the samples that its message points at to the reason."""

    def __init__(self, reason, places):
        super().__init__(reason)
        self.reason, self.places = reason, places


def without_names(text):
    """A message without what differs from batch to batch, so that equal reasons are counted together."""
    text = text.split(" at 0x")[0]
    text = re.sub(r"\d+ operators? of the network (have|has) no ONNX form", "no ONNX form", text)
    text = re.sub(r"\d+ operators? of the network cannot be written", "cannot be written", text)
    text = re.sub(r"(node name: |node with name |node: |Name:)'?[\w.]+'?", r"\1X", text)
    text = re.sub(r'(the node ")[\w.]+', r"\1X", text)
    text = re.sub(r"%\w+", "%X", text)
    text = re.sub(r"\b\w*\bs\d+(_\d+)*\b", "X", text)
    return re.sub(r"\b\d+(\.\d+)?\b", "N", text)[:200]


def what_and_why(line):
    """Of "  at  %name = OPERATOR in MODULE (FILE:LINE): WHY"."""
    operator, why = re.search(r"= ([\w.]+)", line), re.search(r"\): (.*)", line)
    return "".join(f": {without_names(found[1])}" for found in (operator, why) if found)


class Stages:
    """`calls` by name in `folder`. Exporting raises whatever torch.export raises."""

    def __init__(self, command, folder, calls, float_type):
        self.command, self.folder, self.calls, self.float_type = command, folder, calls, float_type
        inputs = {name: call.inputs for name, call in calls.items()}
        anchor = torch.tensor(1.0)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            self.program = torch.export.export(Network(calls).eval(), (anchor, inputs), strict=False)
            torch.export.save(self.program, str(folder / "network.pt2"))
        names = self.program.graph_signature.user_inputs
        values = [anchor, *(value for group in inputs.values() for value in group)]
        self.inputs = {name: value.numpy() for name, value in zip(names, values, strict=True)}
        np.savez(folder / "inputs.npz", **self.inputs)
        # Data for calibration must be finite. Nothing is quantized here, so the values do not matter otherwise.
        finite = {name: np.nan_to_num(value, posinf=0, neginf=0) for name, value in self.inputs.items()}
        np.savez(folder / "calibration.npz", **finite)

    def float_stage(self):
        """Result name to array, or to what reading it raises."""
        path = self.folder / "float.npz"
        self.run("run", "--input", self.folder / "inputs.npz", "--stage", "float", "-o", path)
        found = {}
        with np.load(path) as arrays:
            for name in arrays.files:
                try:
                    found[name] = arrays[name]
                except Exception as error:
                    found[name] = error
        return found

    def onnx_stage(self):
        path = self.folder / "network.onnx"
        path.unlink(missing_ok=True)
        self.run("quantize", "--calibrate", self.folder / "calibration.npz", "--float", self.float_type, "-o", path)
        return onnx.load(path)

    def run(self, subcommand, *arguments):
        words = [self.command, subcommand, self.folder / "network.pt2", *arguments, "--quiet"]
        try:
            done = subprocess.run(
                list(map(str, words)),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refused(f"crash: no end after {TIMEOUT} s", {}) from None
        if done.returncode in (1, 2):
            reason, places = self.explain(done.stderr)
            if "internal error" in reason:
                reason, places = f"crash: {reason}", {name: f"crash: {text}" for name, text in places.items()}
            raise Refused(reason, places)
        if done.returncode != 0:
            raise Refused(f"crash: status {done.returncode}", {})

    def explain(self, text):
        """(reason, the samples that a message points at with the reason for each)."""
        lines = text.strip().splitlines()
        head = next((line for line in lines if line.startswith("error[")), "".join(lines[-1:]) or "no message")
        found = {}
        for line in lines:
            name = self.owner(line) if line.startswith("  at  ") else None
            if name and name not in found:
                found[name] = without_names(head) + what_and_why(line)
        if not found and (name := self.owner(head)):
            found[name] = without_names(head)
        return without_names(head), found

    def owner(self, line):
        """The sample that a line of a message points at, by its module's path or its node's name."""
        for name in re.findall(r"(?:\bin |@)(s\d+)\b", line):
            if name in self.calls:
                return name
        for node in re.findall(r'(?:%|the node ")(\w+)', line):
            if name := self.owners().get(node):
                return name
        return None

    def owners(self):
        """Node name to the sample that it belongs to."""
        found = {}
        for node in self.program.graph.nodes:
            for path, _ in node.meta.get("nn_module_stack", {}).values():
                if path in self.calls:
                    found[node.name] = path
        return found
