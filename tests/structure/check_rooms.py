"""Holds the table of rooms, src/graftwork/rooms.json: a folder includes only itself and the rooms below it.

A room sees what it links and what those rooms see. Rooms that share a folder share what they see; one whose folder lies
inside another's sees its own only.
As a program: python tests/structure/check_rooms.py [SRC] [--stamp FILE] prints every violation as file:line and exits
with 1. Without any it writes FILE, and FILE.d with everything that was read: the build runs it before it compiles.
"""

import argparse
import json
import re
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "graftwork"
TABLE = "rooms.json"

SUFFIXES = {".h", ".cpp", ".inc"}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')
TORCH_HEADER = re.compile(r"^(ATen|torch|c10|caffe2)/")


def below(rooms, room):
    """The rooms that `room` links, directly or not; itself too where the table has a cycle."""
    seen, queue = set(), list(rooms[room]["links"])
    while queue:
        at = queue.pop()
        if at not in seen:
            seen.add(at)
            queue += rooms[at]["links"]
    return seen


def cycles(rooms):
    """Rooms that reach themselves; a table must have none."""
    return sorted(room for room in rooms if room in below(rooms, room))


class Folders:
    """What each folder may include, by the table of rooms."""

    def __init__(self, rooms):
        self.visible = {}
        self.torch = set()
        folder = {room: entry.get("folder", room) for room, entry in rooms.items()}
        for room, entry in rooms.items():
            self.visible.setdefault(folder[room], set()).update(folder[seen] for seen in below(rooms, room) | {room})
            if entry.get("torch"):
                self.torch.add(folder[room])

    def around(self, parts):
        """The innermost folder of a room that the path lies in; the outermost folder where that is no room's."""
        outer = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
        return next((folder for folder in outer if folder in self.visible), parts[0])

    def forbidden(self, folder, header):
        """Why a file of `folder` may not include `header`, or nothing."""
        parts = header.split("/")
        if parts[0] == "graftwork" and len(parts) > 2:
            included = self.around(parts[1:-1])
            if included not in self.visible[folder]:
                return f"{folder} may not include {included} ({header}): {TABLE} links no such room"
        elif header.startswith("."):
            return f'includes are written "graftwork/room/file.h", not {header}'
        elif folder not in self.torch and TORCH_HEADER.match(header):
            return f"{folder} belongs to the half without torch ({header})"
        return None


def read_table(source=SOURCE):
    return json.loads((source / TABLE).read_text())


def files_of(source):
    return sorted(path for path in source.rglob("*") if path.suffix in SUFFIXES)


def violations(source, rooms):
    """Every include under `source` (…/src/graftwork) that the table forbids, as "file:line: what is wrong"."""
    folders = Folders(rooms)
    found = []
    for path in files_of(source):
        folder = folders.around(path.relative_to(source).parts[:-1] or (path.name,))
        if folder not in folders.visible:
            found.append(f"{path}:1: {folder} is not in the table of rooms ({TABLE})")
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            match = INCLUDE.match(line)
            wrong = folders.forbidden(folder, match[1]) if match else None
            if wrong:
                found.append(f"{path}:{number}: {wrong}")
    return found


def write_stamp(stamp, source):
    """A folder is read too: a new file changes it."""
    folders = [source, *(path for path in source.rglob("*") if path.is_dir())]
    read = [source / TABLE, *folders, *files_of(source)]
    spelled = [str(path).replace(" ", "\\ ") for path in (stamp, *read)]
    Path(f"{stamp}.d").write_text(f"{spelled[0]}: {' '.join(spelled[1:])}\n")
    stamp.touch()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path, nargs="?", default=SOURCE)
    parser.add_argument("--stamp", type=Path)
    arguments = parser.parse_args()
    rooms = read_table(arguments.source)
    found = [f"{TABLE}: {room} links itself" for room in cycles(rooms)] + violations(arguments.source, rooms)
    print("\n".join(found) if found else f"rooms: {len(rooms)} hold")
    if not found and arguments.stamp:
        write_stamp(arguments.stamp, arguments.source)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
