"""Every output of every subcommand is given the name of every input and of every other output, by seven ways.

No input may change, and the command must refuse before it works.
"""

import random

from attack.frame import empty
from hostile import seeds
from hostile.zips import Part, zip_bytes

#: What each option that takes a file is given. Folders of samples count by what they hold.
INPUTS = {
    "MODEL": "m.pt2",
    "--example": "e.npz",
    "--input": "x.npy",
    "--override": "o.npz",
    "--calibrate": "c.npy",
    "--data": "d.npy",
    "--labels": "l.npy",
    "--config": "r.json",
    "--plan": "p.json",
    "--scales": "s.json",
    "--patterns": "p.gpat",
    "FILE": "f.onnx",
}
OUTPUTS = {
    "--output": "out",
    "--report": "out.report",
    "--html": "out.html",
    "--config-out": "out.config",
    "--scales-out": "out.scales",
    "--recipe-out": "out.recipe",
    "--checkpoint": "out.checkpoint",
}
OPEN = ("MODEL", "--example")
RECIPE = ("--config", "--plan", "--patterns")
#: Subcommand to what it reads, what it writes, and further words.
SUBCOMMANDS = {
    "inspect": (OPEN, (), ()),
    "explain": ((*OPEN, "--patterns"), (), ()),
    "transform": ((*OPEN, "--plan", "--patterns"), ("--output", "--report"), ()),
    "plan": ((*OPEN, *RECIPE), ("--output",), ("--quantize",)),
    "run": (
        (*OPEN, *RECIPE, "--input", "--override", "--calibrate", "--scales"),
        ("--output",),
        ("--stage", "quantized"),
    ),
    "quantize": (
        (*OPEN, *RECIPE, "--calibrate", "--scales"),
        ("--output", "--report", "--html", "--config-out", "--scales-out", "--checkpoint"),
        (),
    ),
    "compare": ((*OPEN, *RECIPE, "FILE", "--data", "--calibrate", "--scales"), ("--report",), ()),
    "sensitivity": (
        (*OPEN, *RECIPE, "--data", "--labels", "--calibrate", "--scales"),
        ("--report", "--recipe-out", "--checkpoint"),
        ("--budget", "1"),
    ),
}


def relative(folder, name):
    return f"sub/../{name}"


def absolute(folder, name):
    return str(folder / name)


def through_a_folder(folder, name):
    (folder / "way").symlink_to(".")
    return f"way/{name}"


def link(folder, name):
    (folder / "link").symlink_to(name)
    return "link"


def two_links(folder, name):
    (folder / "link").symlink_to(folder / "second")
    (folder / "second").symlink_to(f"./sub/../{name}")
    return "link"


def hard_link(folder, name):
    if not (folder / name).exists():  # of an output that is not there yet there is none
        return link(folder, name)
    (folder / "twin").hardlink_to(folder / name)
    return "twin"


def same(folder, name):
    return name


WAYS = (same, relative, absolute, through_a_folder, link, two_links, hard_link)


def pairs():
    """(subcommand, output, other option, way), in an order of chance that is always the same."""
    found = [
        (subcommand, output, other, way)
        for subcommand, (inputs, outputs, _) in SUBCOMMANDS.items()
        for output in outputs
        for other in (*inputs, *(option for option in outputs if option != output))
        for way in WAYS
        if (output, other) != ("--recipe-out", "--scales")
    ]
    random.Random(0).shuffle(found)
    return found


COUNT = len(pairs())
SHARD = 120


def make_inputs(folder):
    (folder / "sub").mkdir()
    for name in INPUTS.values():
        (folder / name).write_bytes(f"what {name} holds".encode())
    (folder / "m.pt2").write_bytes(seeds.archive())
    for name in ("x.npy", "c.npy", "d.npy"):
        (folder / name).write_bytes(seeds.samples())
    for name in ("e.npz", "o.npz"):
        (folder / name).write_bytes(zip_bytes([Part("x.npy", seeds.samples())]))


def arguments(subcommand, output, other, name):
    """The command line that names every file of the subcommand, with `name` for the output."""
    inputs, outputs, words = SUBCOMMANDS[subcommand]
    left_out = set()
    if subcommand == "sensitivity":  # a recipe is written, or scales are given
        left_out, words = ({"--recipe-out"}, ()) if other == "--scales" else ({"--scales"}, words)
    line = [subcommand]
    for option in (*inputs, *outputs):
        if option not in left_out:
            value = name if option == output else {**INPUTS, **OUTPUTS}[option]
            line += [value] if option in ("MODEL", "FILE") else [option, value]
    return [*line, *words]


def attack(run):
    every = pairs()

    def meet(command, folder, case):
        subcommand, output, other, way = every[case % len(every)]
        empty(folder)
        make_inputs(folder)
        before = {name: (folder / name).read_bytes() for name in INPUTS.values()}
        name = way(folder, {**INPUTS, **OUTPUTS}[other])
        answer = command(*arguments(subcommand, output, other, name))
        what = f"{subcommand} {output} as {other}, {way.__name__}: {answer.status} {answer.report.strip()[:200]}"
        changed = [name for name, body in before.items() if (folder / name).read_bytes() != body]
        if changed:
            run.find(case, "input lost", f"{what}: {changed}", folder)
        elif run.judge(case, answer, folder, statuses=(1,)) and "error[file.same]" not in answer.report:
            run.find(case, "not refused", what, folder)

    run.in_servers(meet)
