"""The model or the samples are cut short, written over, or replaced while a command reads them.

The command ends by itself: with the result that the old files give, or the new ones, or with one message and no output.
Never by a signal, and never with the result of a mixture.
"""

import os
import re
import struct
import threading

from attack.frame import empty
from hostile import seeds

COUNT = 1000
SHARD = 16

SAMPLES = 2000
COMMANDS = {
    "inspect": (("inspect", "m.pt2", "--json"), None),
    "run": (("run", "m.pt2", "--input", "x.npy", "--quiet", "-o", "out"), "out"),
    "quantize": (("quantize", "m.pt2", "--calibrate", "x.npy", "--quiet", "--no-losses", "-o", "out"), "out"),
    "compare": (("compare", "m.pt2", "--data", "x.npy", "--quiet", "--report", "out"), "out"),
}


def samples(version):
    body = b"".join(struct.pack("<f", (i * (5 + version)) % 101 / 50 - 1) for i in range(3 * 64))
    return seeds.npy([SAMPLES, 3, 8, 8], body=body * SAMPLES)


def model(version):
    """Two versions of the same length that differ in every weight."""
    return seeds.archive(weight_0=weights(version))


def weights(version):
    return struct.pack("<108f", *(((i * (3 + 2 * version)) % 17 - 8) / (8 << version) for i in range(108)))


def cut(path, other, chance):
    os.truncate(path, chance.choice([0, 100, 4096, path.stat().st_size // 2]))


def write_over(path, other, chance):
    with path.open("r+b") as file:
        file.write(other)


def write_over_in_pieces(path, other, chance):
    with path.open("r+b", buffering=0) as file:
        step = max(len(other) // 50, 1)
        for begin in range(0, len(other), step):
            file.write(other[begin : begin + step])


def replace(path, other, chance):
    beside = path.with_name("beside")
    beside.write_bytes(other)
    beside.rename(path)


def append(path, other, chance):
    with path.open("ab") as file:
        file.write(other[:1000])


CHANGES = (cut, cut, write_over, write_over_in_pieces, replace, append)


class References:
    """What each command gives for old and new files, and how long it takes."""

    def __init__(self):
        self._lock = threading.Lock()
        self._known = {}

    def of(self, command, folder, name, versions, files):
        with self._lock:
            if (name, versions) not in self._known:
                arguments, output = COMMANDS[name]
                empty(folder)
                for path, bodies in files.items():
                    (folder / path).write_bytes(bodies[versions[path == "x.npy"]])
                answer = command(*arguments)
                assert answer.status == 0, answer.report
                self._known[name, versions] = (result(folder, answer, output), answer.seconds)
            return self._known[name, versions]


def result(folder, answer, output):
    return (folder / output).read_bytes() if output else answer.output


def attack(run):
    files = {"m.pt2": [model(0), model(1)], "x.npy": [samples(0), samples(1)]}
    assert len({len(body) for body in files["m.pt2"]}) == 1
    references = References()

    def meet(command, folder, case):
        chance = run.random(case)
        name = chance.choice(list(COMMANDS))
        arguments, output = COMMANDS[name]
        victim = "m.pt2" if name == "inspect" else chance.choice(list(files))
        change = chance.choice(CHANGES)
        old, seconds = references.of(command, folder, name, (0, 0), files)
        new, _ = references.of(command, folder, name, (1, 0) if victim == "m.pt2" else (0, 1), files)
        empty(folder)
        for path, bodies in files.items():
            (folder / path).write_bytes(bodies[0])
        timer = threading.Timer(chance.uniform(0, 1.1 * seconds), change, (folder / victim, files[victim][1], chance))
        timer.start()
        answer = command(*arguments)
        timer.join()
        what = f"{name}, {victim}, {change.__name__}: {answer.status} {answer.report.strip()[:200]}"
        if not run.judge(case, answer, folder):
            return
        if answer.status == 0:
            if result(folder, answer, output) not in (old, new):
                run.find(case, "mixture", what, folder)
        elif len(re.findall(r"error\[", answer.report)) != 1:
            run.find(case, "messages", what, folder)
        elif output and (folder / output).exists():
            run.find(case, "output of a failure", what, folder)

    run.in_servers(meet)
