"""Holds the table of rooms: a folder of src/graftwork includes only itself and the rooms listed for it.

As a program: python tests/structure/check_rooms.py [SRC] prints every violation as file:line and exits with 1.
"""

import re
import sys
from pathlib import Path

CORE = ("base", "ir", "match", "rewrite", "patterns", "place")  # each may include those before it

ROOMS = {room: set(CORE[:index]) for index, room in enumerate(CORE)} | {
    "onnx": {"base"},
    "archive": {"base"},
    "data": {"base", "archive"},
    "nn": {"base", "ir", "match", "rewrite"},
    "import": {"base", "ir", "match", "rewrite", "archive", "nn"},
    "quant": {*CORE, "nn"},
    "samples": {*CORE, "data", "nn", "quant"},
    "export": {"base", "ir", "onnx", "nn"},
    "cli": {*CORE, "onnx", "data", "nn", "import", "quant", "samples", "export"},
}
TORCH_FREE = {*CORE, "onnx", "archive", "data"}

SUFFIXES = {".h", ".cpp", ".inc"}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')
TORCH_HEADER = re.compile(r"^(ATen|torch|c10|caffe2)/")


def cycles(rooms):
    """Rooms that reach themselves; the table itself must have none."""

    def reach(room):
        seen, queue = set(), list(rooms[room])
        while queue:
            at = queue.pop()
            if at not in seen:
                seen.add(at)
                queue += rooms[at]
        return seen

    return sorted(room for room in rooms if room in reach(room))


def violations(source):
    """Every include under `source` (…/src/graftwork) that the table forbids, as "file:line: what is wrong"."""
    found = []
    for path in sorted(p for p in source.rglob("*") if p.suffix in SUFFIXES):
        room = path.relative_to(source).parts[0]
        if room not in ROOMS:
            found.append(f"{path}:1: {room} is not in the table of rooms (tests/structure/check_rooms.py)")
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            match = INCLUDE.match(line)
            if match:
                wrong = forbidden(room, match[1])
                if wrong:
                    found.append(f"{path}:{number}: {wrong}")
    return found


def forbidden(room, header):
    """Why a file of `room` may not include `header`, or nothing."""
    parts = header.split("/")
    if parts[0] == "graftwork" and len(parts) > 2:
        if parts[1] != room and parts[1] not in ROOMS[room]:
            return f"{room} may not include {parts[1]} ({header})"
    elif header.startswith("."):
        return f'includes are written "graftwork/room/file.h", not {header}'
    elif room in TORCH_FREE and TORCH_HEADER.match(header):
        return f"{room} belongs to the half without torch ({header})"
    return None


def main():
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "src" / "graftwork"
    found = violations(source)
    print("\n".join(found) if found else f"rooms: {len(ROOMS)} hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
