"""What a file says is shown and never obeyed: every text of models, graphs, arrays, patterns, recipes and plans carries
escape sequences, bidirectional marks and line ends, and every subcommand is run on them. On standard output and
standard error, and in every text file that is written, must be no control character but the end of a line, none that is
hidden, and no byte that is no UTF-8."""

import json
import re
import zipfile
from pathlib import Path

from hostile import seeds
from hostile.seeds import argument, node, tensor
from hostile.zips import Part, zip_bytes

COUNT = 2_000
SHARD = 60

#: Characters that a terminal obeys, that turn the direction of what follows, or that nobody sees.
HOSTILE = [
    *("\x1b]0;owned\x07", "\x1b[2J\x1b[31m", "\x9b31m", "\r", "\n", "\x00", "\x08\x08\x08", "\x7f", "\t", "\x85"),
    *("\u202e", "\u2066", "\u200b", "\u2028", "\ufeff", "\u061c", "\U000e0041"),
    *("\n  return %x\n}\n", "\nerror[file.missing]: no\n", "<script>", "</pre>"),
]
#: What no name may begin a line with.
FORGED = "\nerror[file.missing]: no\n"
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd"
    "\U0001bca0-\U0001bca3\U000e0000-\U000e0fff]"
)

NETWORK = 'graph(%x: f32[1, 8]) {\n  %a = aten.relu.default(%x)\n  return "NAME"=%a\n}\n'
PATTERN = 'conversion NAME {\n  %r = aten.neg.default(%x) where %x.rank == 7 "NAME"\n  => %r = %x\n}\n'
HEADER = "{'descr': 'NAME', 'fortran_order': False, 'shape': (1,), }"


def attack(run):
    run.in_servers(lambda command, folder, case: meet(run, command, folder, case))


def meet(run, command, folder, case):
    random = run.random(case)
    make, commands = FAMILIES[case % len(FAMILIES)]
    make(folder, random)
    (folder / "x.npy").exists() or (folder / "x.npy").write_bytes(seeds.samples(1))
    for arguments in commands:
        answer = command(*arguments)
        run.judge(case, answer, folder, statuses=(0, 1, 2))
        for name, text in (("stdout", answer.output), ("stderr", answer.report)):
            if found := FORBIDDEN.search(text):
                shown = text[max(0, found.start() - 60) : found.end() + 20]
                run.find(case, f"character {ord(found[0]):#x}", f"{arguments[0]}, {name}: {shown!r}", folder)
            if f"\n{text}".count(FORGED) > 0 or f"\n{text}".count("\n  return ") > 1:
                run.find(case, "forged line", f"{arguments[0]}, {name}: {text[:400]!r}", folder)
        if arguments[-1] == "t.gir" and answer.status != 0 and (folder / "t.gir").exists():
            run.find(case, "not read back", answer.report, folder)
        if arguments[:2] == ("inspect", "--json") and answer.status == 0 and not is_json(answer.output):
            run.find(case, "no JSON", answer.output[:200], folder)
    for path in filter(Path.exists, (folder / name for name in WRITTEN)):
        text = path.read_bytes().decode("utf-8", errors="surrogateescape")
        # U+FFFD stands for bytes that no JSON can hold.
        if found := FORBIDDEN.search(text.replace("\t", "").replace("\ufffd", "")):
            run.find(case, "file", f"{path.name}: {found[0]!r}", folder)
        if FORGED in f"\n{text}":
            run.find(case, "forged line", f"{path.name}: {text[:400]!r}", folder)
        if path.suffix == ".json" and not is_json(text):
            run.find(case, "no JSON", path.name, folder)
        if path.suffix == ".jsonl" and not all(map(is_json, text.splitlines())):
            run.find(case, "no JSON", path.name, folder)


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def hostile(random):
    parts = ["conv", "a", *random.sample(HOSTILE, random.randint(1, 3)), "b"]
    return "".join(parts[: random.randint(3, len(parts))])


#: Texts of a program that other texts of it refer to.
NAMES = ["x", "relu", "conv2d", "p_weight", "p_bias", "conv.weight", "conv.bias"]


def program(random, named=None):
    """The seed of all families and its weights with some of their texts replaced, so that it can still be opened.
    `named`: what others must be replaced by."""
    text = json.dumps([seeds.program(), seeds.weights()])
    for name, other in (named or {}).items():
        text = text.replace(f'"{name}"', json.dumps(other))
    for name in random.sample(NAMES, random.randint(1, len(NAMES))):
        text = text.replace(f'"{name}"', json.dumps(hostile(random)))
    made, config = json.loads(text)
    graph = made["graph_module"]["graph"]
    for each in graph["nodes"]:
        stack = f"k,L['self'].{hostile(random)},{hostile(random)}"
        each["metadata"] = {"stack_trace": f'File "/a/{hostile(random)}.py", line 3, in f\n', "nn_module_stack": stack}
    made["torch_version"] = hostile(random)
    return made, config


def sound_model(folder, random):
    """Every other one with samples that are all zero, of which a warning names the input."""
    all_zero = random.random() < 0.5
    (folder / "m.pt2").write_bytes(seeds.archive(*program(random, {"x": f"conv{FORGED}a"} if all_zero else None)))
    if all_zero:
        (folder / "x.npy").write_bytes(seeds.npy([1, 3, 8, 8], body=bytes(4 * 3 * 8 * 8)))


def unsound_model(folder, random):
    """With one text that the rest does not know, or that names what does not exist."""
    made, config = program(random)
    graph = made["graph_module"]["graph"]
    what = random.randrange(5)
    if what == 0:
        graph["nodes"][-1]["target"] = f"torch.ops.aten.{hostile(random)}.default"
    elif what == 1:
        graph["nodes"][-1]["inputs"][0]["arg"] = tensor(hostile(random))
    elif what == 2:
        graph["nodes"][-1]["inputs"].append(argument(hostile(random), tensor(hostile(random))))
    elif what == 3:
        graph["nodes"].append(node(hostile(random), hostile(random), argument("self", tensor(hostile(random)))))
    else:
        for value in graph["tensor_values"].values():
            value["sizes"][0] = {"as_expr": {"expr_str": f"Symbol('{hostile(random)}')", "hint": None}}
    (folder / "m.pt2").write_bytes(seeds.archive(made, config))


def archive(folder, random):
    """Names of entries and of records."""
    config = seeds.weights()
    if random.random() < 0.5:
        config["config"][random.choice(sorted(config["config"]))]["path_name"] = hostile(random)
    body = [*seeds.parts(config=config), Part(f"m/{random.choice(['', '../'])}{hostile(random)}", b"x")]
    (folder / "m.pt2").write_bytes(zip_bytes(body))


def graph(folder, random):
    escaped = json.dumps(hostile(random))[1:-1] if random.random() < 0.5 else hostile(random)
    (folder / "m.gir").write_text(NETWORK.replace("NAME", escaped), newline="")


def data(folder, random):
    (folder / "m.pt2").write_bytes(seeds.archive())
    name = hostile(random).replace("/", "").replace("\0", "")
    what = random.randrange(3)
    if what == 0:
        with zipfile.ZipFile(folder / "x.npz", "w") as file:
            file.writestr(f"{name}.npy", seeds.npy([1, 3, 8, 8]))
    elif what == 1:
        (folder / "x.npz").mkdir()
        (folder / "x.npz" / f"{name}.npy").write_bytes(b"bad")
    else:
        header = HEADER.replace("NAME", hostile(random)).encode()
        (folder / "x.npz").write_bytes(seeds.npy_with_header(header, b"1234"))


def settings(folder, random):
    (folder / "m.pt2").write_bytes(seeds.archive())
    text = hostile(random)
    recipes = [{"skip": {"stub": [text]}}, {text: 1}, {"weights": text}, {"overrides": [{"layer": text}]}]
    (folder / "c.json").write_text(json.dumps(random.choice(recipes)))
    (folder / "p.json").write_text(
        json.dumps({"format": 1, "transformation": {"graph": text, "rounds": [{"phase": text, "matches": []}]}})
    )
    escaped = json.dumps(text)[1:-1] if random.random() < 0.5 else text
    (folder / "p.gpat").write_text(PATTERN.replace("NAME", escaped), newline="")


OPENED = [
    ("inspect", "m.pt2"),
    ("inspect", "--json", "m.pt2"),
    ("transform", "m.pt2", "--report", "r.json"),
    ("transform", "m.pt2", "-o", "t.gir"),
    ("inspect", "--quiet", "t.gir"),
    ("explain", "m.pt2", "nobody"),
    ("plan", "m.pt2", "--quantize", "-o", "q.json"),
    ("run", "m.pt2", "--input", "x.npy", "--values", "all", "-o", "y.npz"),
    (
        *("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "o.onnx", "--report", "r.json", "--html", "r.html"),
        *("--scales-out", "l.jsonl", "--config-out", "k.json"),
    ),
]
SENSITIVITY = ("sensitivity", "m.pt2", "--data", "x.npy", "--budget", "1", "-o", "s.json", "--report", "v.json")
COMPARE = ("compare", "m.pt2", "--data", "x.npy", "--report", "w.json")
#: The text files that these commands write.
WRITTEN = ["r.json", "q.json", "k.json", "s.json", "v.json", "w.json", "l.jsonl", "t.gir", "r.html"]
FAMILIES = [
    (sound_model, [*OPENED, SENSITIVITY, COMPARE]),
    (unsound_model, [*OPENED[:5], OPENED[-1]]),
    (archive, [OPENED[0]]),
    (graph, [("inspect", "m.gir"), ("inspect", "--json", "m.gir"), ("transform", "m.gir"), ("explain", "m.gir", "a")]),
    (
        data,
        [
            ("quantize", "m.pt2", "--calibrate", "x.npz", "-o", "o.onnx"),
            ("run", "m.pt2", "--input", "x.npz", "-o", "y.npz"),
        ],
    ),
    (
        settings,
        [
            (
                "quantize",
                "m.pt2",
                "--calibrate",
                "x.npy",
                "--config",
                "c.json",
                "-o",
                "o.onnx",
                "--config-out",
                "k.json",
            ),
            ("transform", "m.pt2", "--plan", "p.json"),
            ("transform", "m.pt2", "--patterns", "p.gpat"),
        ],
    ),
]
