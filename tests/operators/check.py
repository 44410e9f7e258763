"""Samples through the command, as few networks as it accepts; where it refuses some, the others go on."""

import numpy as np

from operators import compare, onnx_file
from operators.network import Call, halves, reference, result_name
from operators.stages import Refused, Stages

# So many times what a message points at is taken out before the rest is split.
TRIES = 3


class Checker:
    """`outcomes` maps a sample's key to "" if both checks pass, or to "KIND: why"; KIND is one of counts.KINDS."""

    def __init__(self, command, folder):
        self.command, self.folder = command, folder
        self.outcomes = {}

    def check(self, samples):
        named = {}
        for number, sample in enumerate(samples):
            call = Call(sample)
            want, left_out = reference(call)
            self.outcomes[sample.key] = f"left out: {left_out}" if left_out else ""
            if not left_out:
                named[f"s{number}"] = (sample, call, want)
        for half in (True, False):
            of_type = {name: value for name, value in named.items() if (value[0].dtype == "f16") == half}
            if of_type:
                self.check_named(of_type)

    def fail(self, named, name, text):
        key = named[name][0].key
        self.outcomes[key] = self.outcomes[key] or text

    def stages(self, named):
        any_sample = next(iter(named.values()))[0]
        float_type = "fp16" if any_sample.dtype == "f16" else "fp32"
        return Stages(self.command, self.folder, {name: call for name, (_, call, _) in named.items()}, float_type)

    def check_named(self, named):
        try:
            stages = self.stages(named)
        except Exception as error:
            if len(named) == 1:
                self.fail(named, *named, f"left out: torch.export: {type(error).__name__}")
                return
            for half in halves(named):
                self.check_named(half)
            return
        self.run(stages, named, "float", TRIES)
        rest = {name: value for name, value in named.items() if not self.is_refused(value[0])}
        if rest:
            self.run(stages if rest.keys() == named.keys() else self.stages(rest), rest, "onnx", TRIES)

    def is_refused(self, sample):
        return self.outcomes[sample.key].startswith(("refused", "crash"))

    def run(self, stages, named, stage, tries):
        try:
            result = stages.float_stage() if stage == "float" else stages.onnx_stage()
        except Refused as refused:
            self.go_on(refused, named, stage, tries)
            return
        results = {name: [result_name(name, i) for i in range(len(want))] for name, (_, _, want) in named.items()}
        if stage == "onnx":
            found = onnx_file.run(result, stages.inputs, results)
        else:
            found = {name: {output: result.get(output) for output in outputs} for name, outputs in results.items()}
        for name, values in found.items():
            if isinstance(values, onnx_file.NotRun):
                self.fail(named, name, f"not run: {values}")
            elif isinstance(values, onnx_file.Illegal):
                self.fail(named, name, f"illegal: {values}")
            elif text := wrong(*named[name], [values[output] for output in results[name]]):
                self.fail(named, name, f"wrong: {stage}: {text}")

    def go_on(self, refused, named, stage, tries):
        """What the message points at is out, and the rest is tried again; what it does not say is found by halving."""
        if len(named) == 1:
            (name,) = named
            self.fail(named, name, refusal(stage, refused.places.get(name, refused.reason)))
            return
        for name, reason in refused.places.items():
            self.fail(named, name, refusal(stage, reason))
        rest = {name: value for name, value in named.items() if name not in refused.places}
        halve = not refused.places or tries == 0
        for smaller in halves(rest) if halve else [rest]:
            if smaller:
                self.run(self.stages(smaller), smaller, stage, TRIES if halve else tries - 1)


def refusal(stage, reason):
    return reason if reason.startswith("crash") else f"refused: {stage}: {reason}"


def wrong(sample, call, want, got):
    """What is wrong with a sample's results, or nothing."""
    for value in got:
        if value is None or isinstance(value, Exception):
            return f"unreadable: {type(value).__name__}"
    got = list(map(np.asarray, got))
    if sample.operator == "topk":
        axis = dict(enumerate(sample.arguments[0])).get(2, -1)
        if compare.are_places_of(*got, call.inputs[0].numpy(), axis):
            want = [want[0], got[1]]
    for pair in zip(want, got, strict=True):
        if found := compare.difference(sample.operator, *pair, in_float16=sample.dtype == "f16"):
            return found
    return ""
