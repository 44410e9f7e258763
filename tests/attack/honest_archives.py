"""What is in the files of honest networks, without what only Python's tracebacks need: most of their bytes.

python -m attack.honest_archives FOLDER writes such files as seeds of the fuzz target `pt2`.
"""

import json
import sys
import zipfile
from pathlib import Path

from attack.frame import KEPT
from attack.honest_networks import honest_networks
from hostile.zips import Part, zip_bytes


def is_program(name):
    return name.endswith("models/model.json")


def entries_of(path):
    """[name, bytes] of everything that the importer reads."""
    with zipfile.ZipFile(path) as archive:
        entries = [[name, archive.read(name)] for name in archive.namelist() if "sample_inputs" not in name]
    return [[name, _without_traces(body) if is_program(name) else body] for name, body in entries]


def _without_traces(body):
    program = json.loads(body)
    program["guards_code"] = []
    for call in program["graph_module"]["graph"]["nodes"]:
        for key in ("stack_trace", "source_fn_stack", "from_node"):
            call["metadata"].pop(key, None)
    return json.dumps(program).encode()


def packed(entries):
    """An archive as torch writes them: stored. The zip is right, whatever the entries are."""
    return zip_bytes([Part(name, body) for name, body in entries])


def write_seeds(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for network in honest_networks(KEPT):
        if not network.options:
            (folder / network.name).write_bytes(packed(entries_of(network.model)))


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
