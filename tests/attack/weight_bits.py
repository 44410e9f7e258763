"""One bit of what a network's archive stores is flipped: weights, the program, and where the weights lie.

Every command must say that the file is damaged, and write nothing.
"""

import io
import zipfile

from hostile import seeds

COUNT = 1000
SHARD = 60

COMMANDS = (
    ("inspect", "m.pt2"),
    ("transform", "m.pt2", "-o", "o.gir"),
    ("plan", "m.pt2", "--quantize", "-o", "p.json"),
    ("run", "m.pt2", "--input", "x.npy", "-o", "y.npz"),
    ("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "o.onnx"),
)


def bodies(archive):
    """Where the bytes of each entry lie that a network is made of."""
    found = []
    for entry in zipfile.ZipFile(io.BytesIO(archive)).infolist():
        if entry.filename.endswith(("archive_format", "archive_version", "byteorder")):
            continue
        sizes = archive[entry.header_offset + 26 : entry.header_offset + 30]
        begin = entry.header_offset + 30 + int.from_bytes(sizes[:2], "little") + int.from_bytes(sizes[2:], "little")
        found.append((entry.filename, begin, entry.file_size))
    return found


def attack(run):
    archive = seeds.archive()
    # Three of four in the weights, which nothing else would notice.
    places = bodies(archive)
    weights = [place for place in places if "/weight_" in place[0]]

    def meet(command, folder, case):
        chance = run.random(case)
        name, begin, size = chance.choice(weights if case % 4 else places)
        at, bit = begin + chance.randrange(size), 1 << chance.randrange(8)
        broken = bytearray(archive)
        broken[at] ^= bit
        (folder / "m.pt2").write_bytes(broken)
        (folder / "x.npy").write_bytes(seeds.samples())
        answer = command(*chance.choice(COMMANDS))
        what = f"bit {bit} of byte {at - begin} of {name}: {answer.status} {answer.report.strip()[:200]}"
        if answer.status == 0:
            run.find(case, "accepted", what, folder)
        elif run.judge(case, answer, folder, statuses=(1,)) and "error[archive.corrupt]" not in answer.report:
            run.find(case, "another message", what, folder)
        if sorted(path.name for path in folder.iterdir()) != ["m.pt2", "x.npy"]:
            run.find(case, "output", what, folder)

    run.in_servers(meet)
