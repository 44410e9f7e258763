"""All families together.

python -m hostile.corpus FOLDER writes seeds for the fuzzers, honest files and hostile ones: a folder for each target.
"""

import hashlib
import json
import sys
from pathlib import Path

from hostile import (
    archives,
    files,
    layouts,
    npy,
    npz,
    pattern_files,
    pickles,
    pictures,
    plans,
    printed_graphs,
    pt2_attributes,
    pt2_graphs,
    pt2_json,
    pt2_layers,
    pt2_operators,
    pt2_symbols,
    pt2_tensors,
    recipes,
    seeds,
)
from hostile.zips import deflated, zip_bytes

#: A reader of a new format brings its family here.
FAMILIES = {
    "archives": archives,
    "layouts": layouts,
    "pt2 JSON": pt2_json,
    "pt2 graphs": pt2_graphs,
    "pt2 attributes": pt2_attributes,
    "pt2 operators": pt2_operators,
    "pt2 layers": pt2_layers,
    "pt2 tensors": pt2_tensors,
    "pt2 symbols": pt2_symbols,
    "pickles": pickles,
    "npy": npy,
    "npz": npz,
    "pictures": pictures,
    "printed graphs": printed_graphs,
    "pattern files": pattern_files,
    "plans": plans,
    "recipes": recipes,
    "files": files,
}

REPOSITORY = Path(__file__).resolve().parents[2]

#: Longer files only slow a fuzzer down.
LONGEST_SEED = 20_000


def cases():
    """(family, case) of every hostile input, in an order that never changes."""
    for family, module in FAMILIES.items():
        for case in module.cases():
            yield family, case


def _program_of(archive):
    """The model's JSON in an archive that seeds.archive made."""
    begin, end = archive.find(b'{"graph_module"'), archive.find(b"PK\x03\x04", archive.find(b"models/model.json"))
    return archive[begin:end] if begin >= 0 else None


def fuzz_seeds():
    """(target, bytes) of everything that a fuzzer may start from."""
    yield "archive", seeds.archive()
    yield "pt2", seeds.archive()
    yield "operators", bytes(range(64))
    yield "pt2_graph", seeds.as_bytes(seeds.program())
    yield "pt2_graph", seeds.as_bytes(seeds.weights())
    yield "npy", seeds.samples()
    yield "npz", zip_bytes([deflated("x.npy", seeds.samples())])
    yield "pickle", pickles.HONEST
    yield "pickle", pickles.saved(pickles.HONEST)
    yield "picture", pictures.png()
    yield "picture", pictures.jpeg()
    yield "graph_text", seeds.GRAPH.encode()
    for path in sorted(REPOSITORY.glob("tests/**/*.gpat")):
        yield "patterns", path.read_bytes()
    yield "plan", json.dumps(seeds.PLAN).encode()
    yield "recipe", json.dumps(seeds.RECIPE).encode()
    targets = {
        "archives": "archive",
        "npy": "npy",
        "npz": "npz",
        "pictures": "picture",
        "printed graphs": "graph_text",
        "pattern files": "patterns",
        "plans": "plan",
        "recipes": "recipe",
    }
    for family in (pickles.names, pickles.instructions, pickles.structure, pickles.tensors):
        for _, _, body in family():
            yield "pickle", body
    for family, case in cases():
        for name, content in case.files.items():
            if callable(content) or not name.startswith("bad."):
                continue
            if name.endswith(".pt2"):
                yield "pt2", content
            if family in targets:
                yield targets[family], content
            elif family.startswith("pt2") and (program := _program_of(content)):
                yield "pt2_graph", program


def write_seeds(folder):
    for target, content in fuzz_seeds():
        if len(content) > LONGEST_SEED:
            continue
        (folder / target).mkdir(parents=True, exist_ok=True)
        (folder / target / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
