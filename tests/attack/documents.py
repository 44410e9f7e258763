"""Recipes, plans, scale tables, patterns, printed graphs and checkpoints that are nearly right: honest ones with
numbers, words, lines or bytes exchanged. Each is taken or refused by one message, and what comes of it is whole."""

import collections
import json
import re
import subprocess

from attack.frame import COMMAND
from hostile import seeds

COUNT = 10_000
SHARD = 500

NUMBERS = (
    "0",
    "-1",
    "1e999",
    "-0.0",
    "9223372036854775808",
    "-9223372036854775808",
    "4294967296",
    "1e-320",
    "NaN",
    "0x7",
)
WORDS = ("", "x", "*", "\x1b[2J", "\u202e", "\ufffd", "a" * 5000, "$0", "../..", "null", "%x", "{", "]")
TOKEN = re.compile(r'-?\d[\d.e+-]*|"(?:[^"\\]|\\.)*"|[A-Za-z_][\w.]*|[{}\[\](),:=%@|]')

QUANTIZE = ("quantize", "model.pt2", "-o", "out.onnx", "--no-losses")
DATA = ("--calibrate", "x.npy", "--limit", "4")
GRAPH = """graph(%x: f32[N, 3, 8, 8]) {
  %c = nn.Conv2d @conv(%x) {in_channels=3, out_channels=4, kernel_size=[3, 3], padding=[1, 1]}
  %b = nn.BatchNorm2d @bn(%c) {num_features=4}
  %r = nn.ReLU @relu(%b)
  %f = aten.flatten.using_ints(%r) {start_dim=1}
  %h = nn.Linear @one(%f) {in_features=256, out_features=8}
  %k = nn.Linear @two(%f) {in_features=256, out_features=8}
  %s = aten.add.Tensor(%h, %k)
  return output=%s
}
"""
PATTERNS = """let any_act = nn.ReLU | nn.SiLU
fusion MyConv {
  %c = nn.Conv2d(%x)
    where kernel_size == [3, 3] and %x.rank == 4 and %x.shape[1] % 3 == 0 "its channels are no multiple of 3"
  %b = nn.BatchNorm2d(%c)?
  %a = any_act(%b)
  => %a = kernel MyKernel(%x) [conv=%c, bn=%b, act=%a] quantize %x
}
conversion OneLinear {
  %q = nn.Linear(%x)
  %k = nn.Linear(%x) where %q.out_features == %k.out_features
  => %both = nn.Linear @%q.packed(%x) {in_features=%q.in_features, out_features=2 * %q.out_features,
                                       weight=concat([%q.weight, %k.weight], 0), bias=concat([%q.bias, %k.bias], 0)}
     %q = aten.slice.Tensor(%both) {dim=1, start=0, end=%q.out_features}
     %k = aten.slice.Tensor(%both) {dim=1, start=%q.out_features, end=2 * %q.out_features}
}
"""
#: File to the command that reads it, beside the model and the samples.
READERS = {
    "recipe.json": (*QUANTIZE, *DATA, "--config", "recipe.json"),
    "scales.json": (*QUANTIZE, "--scales", "scales.json"),
    "plan.json": (*QUANTIZE, *DATA, "--plan", "plan.json"),
    "calibration": (*QUANTIZE, *DATA, "--checkpoint", "calibration"),
    "layers.npz": ("sensitivity", "model.pt2", "--data", "x.npy", "--samples", "2", "--checkpoint", "layers.npz"),
    "graph.gir": ("transform", "graph.gir", "-o", "out.gir"),
    "mine.gpat": ("transform", "graph.gir", "--patterns", "mine.gpat", "-o", "out.gir"),
}


def honest(folder):
    """The files of READERS, as the command writes them, and what they are read with."""

    def run(*arguments):
        subprocess.run([COMMAND, *arguments], cwd=folder, check=True, capture_output=True)

    (folder / "model.pt2").write_bytes(seeds.archive())
    (folder / "x.npy").write_bytes(seeds.samples(8))
    outputs = ("--config-out", "recipe.json", "--scales-out", "scales.json", "--checkpoint", "calibration")
    run(*QUANTIZE, *DATA, *outputs)
    run("plan", "model.pt2", "--quantize", "-o", "plan.json")
    run("sensitivity", "model.pt2", "--data", "x.npy", "--samples", "2", "--checkpoint", "layers.npz")
    (folder / "graph.gir").write_text(GRAPH)
    (folder / "mine.gpat").write_text(PATTERNS)
    run("transform", "graph.gir", "--patterns", "mine.gpat", "-o", "taken.gir")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def mutated(content, random):
    """One to three changes."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = None
        if text and random.random() < 0.9:
            content = mutated_text(text, random).encode("utf-8", "surrogatepass")
        else:
            content = mutated_bytes(bytearray(content), random)
    return content


def mutated_text(text, random):
    kind = random.random()
    tokens = list(TOKEN.finditer(text))
    if kind < 0.7 and tokens:
        found = random.choice(tokens)
        if kind < 0.25:
            new = random.choice(NUMBERS)
        elif kind < 0.45:
            new = json.dumps(random.choice(WORDS), ensure_ascii=random.random() < 0.5)
        elif kind < 0.55:
            new = random.choice(WORDS)
        else:
            new = random.choice(tokens)[0]
        return text[: found.start()] + new + text[found.end() :]
    lines = text.splitlines(keepends=True) or [""]
    at = random.randrange(len(lines))
    if kind < 0.8:
        del lines[at]
    elif kind < 0.9:
        lines.insert(at, random.choice(lines) * random.choice((1, 1, 1, 2000)))
    elif kind < 0.95:
        other = random.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines.insert(at, random.choice(("[", "{", "(", '{"a":')) * random.choice((10, 100_000)))
    return "".join(lines)


def mutated_bytes(content, random):
    if not content or random.random() < 0.1:
        return bytes(random.randbytes(random.randrange(64)))
    at = random.randrange(len(content))
    kind = random.random()
    if kind < 0.6:
        content[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, content[at] ^ (1 << random.randrange(8))))
    elif kind < 0.8:
        del content[at : at + random.choice((1, 4, 64))]
    else:
        content[at:at] = content[random.randrange(len(content)) :][: random.choice((1, 8, 64))]
    return bytes(content)


def attack(run):
    folder = run.folder / "honest"
    folder.mkdir()
    files = honest(folder)
    names = sorted(READERS)
    taken = collections.Counter()

    def meet(command, folder, case):
        random = run.random(case)
        name = names[case % len(names)]
        for other in {"model.pt2", "x.npy", "graph.gir"}:
            (folder / other).write_bytes(files[other])
        (folder / name).write_bytes(mutated(files[name], random))
        before = {path.name for path in folder.iterdir()}
        answer = command(*READERS[name], "--no-isolation")
        run.judge(case, answer, folder)
        taken[name] += answer.status == 0
        left = {path.name for path in folder.iterdir()} - before
        if answer.status == 1 and left:
            run.find(case, "left behind", f"{name}: {sorted(left)}", folder)

    run.in_servers(meet, OMP_NUM_THREADS="1")
    run.notes.append("taken: " + ", ".join(f"{name} {count}" for name, count in sorted(taken.items())))
