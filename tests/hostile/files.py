"""What stands in a file's place: folders, pipes, devices, links, and files of no end."""

import os
import socket

from hostile import seeds
from hostile.case import Case, data, model, plan, recipe, text


def folder(path):
    path.mkdir()


def pipe(path):
    os.mkfifo(path)


def unix_socket(path):
    # The path of a socket is short: it is bound from inside its folder.
    before = os.getcwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(before)


def link_to(target):
    return lambda path: path.symlink_to(target)


def sparse(size, head=b"", tail=b""):
    """A file of zeros that takes no room, with bytes at its ends."""

    def make(path):
        with open(path, "wb") as file:
            file.write(head)
            file.truncate(size)
            file.seek(size - len(tail))
            file.write(tail)

    return make


def loop(path):
    """Two links that lead to each other."""
    other = path.with_name("other" + path.suffix)
    path.symlink_to(other.name)
    other.symlink_to(path.name)


#: What is no file, and the code that every reader has for it.
NO_FILES = {
    "a folder": (folder, "file.unreadable"),
    "a pipe that nobody writes to": (pipe, "file.unreadable"),
    "a socket": (unix_socket, "file.unreadable"),
    "an endless device": (link_to("/dev/zero"), "file.unreadable"),
    "a device of chance": (link_to("/dev/urandom"), "file.unreadable"),
    "the device of nothing": (link_to("/dev/null"), "file.unreadable"),
    "a terminal": (link_to("/dev/ptmx"), "file.unreadable"),
    "a link to nothing": (link_to("nowhere"), "file.missing"),
    "a link to itself": (loop, "file.unreadable"),
}

READERS = {"model": model, "graph": text, "plan": plan, "recipe": recipe, "data": data}


def cases():
    for reader, make in READERS.items():
        for title, (content, code) in NO_FILES.items():
            expected = code
            if reader == "data":
                # Data may be a folder, of which there is no such thing behind a broken link.
                expected = {"a link to nothing": "file.missing", "a link to itself": "file.missing"}.get(title, code)
                if title == "a folder":
                    expected = "data.empty"
            yield make(f"{reader}: {title}", expected, content)
        empty = {
            "model": "file.empty",
            "graph": "gir.syntax",
            "plan": "plan.json",
            "recipe": "config.json",
            "data": "file.empty",
        }
        yield make(f"{reader}: an empty file", empty[reader], b"")
        huge = {
            "model": "pt2.layout",
            "graph": "file.too_large",
            "plan": "file.too_large",
            "recipe": "file.too_large",
            "data": "data.npy",
        }
        yield make(f"{reader}: ten gigabytes of zeros", huge[reader], sparse(10_000_000_000))
    header = seeds.npy([10**7, 3, 8, 8], body=b"")
    yield data(
        "an array that is longer than its header says, by 10 GB", "data.npy", sparse(10_000_000_000, head=header)
    )
    end = b"PK\x05\x06" + b"\0" * 18
    yield model("ten gigabytes of zeros and an end record", "pt2.layout", sparse(10_000_000_000, tail=end))
    yield Case(
        "an input that is a pipe",
        "file.unreadable",
        ("run", "good.pt2", "--input", "bad.npy", "-o", "out.npz"),
        {"good.pt2": seeds.archive(), "bad.npy": pipe},
    )
    override = ("run", "good.pt2", "--input", "x.npy", "--override", "bad.npz", "-o", "out.npz")
    yield Case(
        "an override that is a pipe",
        "file.unreadable",
        override,
        {"good.pt2": seeds.archive(), "x.npy": seeds.samples(), "bad.npz": pipe},
    )
    yield Case("a path of 5,000 letters", "file.unreadable", ("inspect", "a" * 5000 + ".pt2"), {})
    yield Case("a path through a file", "file.unreadable", ("inspect", "good.pt2/model.pt2"), {"good.pt2": b"x"})
    yield from outputs()


def outputs():
    """Where nothing can be written, or nothing should be."""
    for title, content in {
        "a folder": folder,
        "a pipe": pipe,
        "a socket": unix_socket,
        "a device": link_to("/dev/null"),
        "a link to itself": loop,
        "a link into a folder that is not there": link_to("nowhere/out.gir"),
    }.items():
        files = {"good.gir": seeds.GRAPH.encode(), "place": content}
        yield Case(f"an output that is {title}", "file.unwritable", ("transform", "good.gir", "-o", "place"), files)
    good = {"good.gir": seeds.GRAPH.encode()}
    for title, path in {
        "in a folder that is not there": "nowhere/out.gir",
        "below a file": "good.gir/out.gir",
        "of 5,000 letters": "a" * 5000,
        "of a name of 256 letters": "a" * 256,
        "in a file system that takes no files": "/proc/out.gir",
        "of nothing": ".",
    }.items():
        yield Case(f"an output {title}", "file.unwritable", ("transform", "good.gir", "-o", path), good)
