"""One hostile input: the files it consists of, the command that meets them, and the error that must come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hostile import seeds

#: A file's bytes, or what makes it in a folder (pipes, links, sparse files).
Content = bytes | Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    name: str
    #: The code that the report must have. Another one means that the file did not get where it was to strike.
    code: str
    #: The command line. It runs in a folder that holds `files`.
    arguments: tuple[str, ...]
    #: By name in that folder.
    files: dict[str, Content]
    #: Words that the report must have, where the code alone does not say which check struck.
    words: str = ""

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            if callable(content):
                content(folder / name)
            else:
                (folder / name).write_bytes(content)


def model(name: str, code: str, content: Content, words: str = "") -> Case:
    """A .pt2 file, opened."""
    return Case(name, code, ("inspect", "bad.pt2"), {"bad.pt2": content}, words)


def network(name: str, code: str, content: Content, words: str = "") -> Case:
    """A .pt2 file that opens and must be refused before it is run."""
    files = {"bad.pt2": content, "x.npy": seeds.samples()}
    return Case(name, code, ("quantize", "bad.pt2", "--calibrate", "x.npy", "-o", "out.onnx"), files, words)


def data(name: str, code: str, content: Content, words: str = "", file: str = "bad.npy") -> Case:
    """Calibration data."""
    files = {"good.pt2": seeds.archive(), file: content}
    return Case(name, code, ("quantize", "good.pt2", "--calibrate", file, "-o", "out.onnx"), files, words)


def text(name: str, code: str, content: Content | str, words: str = "") -> Case:
    """A printed graph."""
    content = content.encode() if isinstance(content, str) else content
    return Case(name, code, ("inspect", "bad.gir"), {"bad.gir": content}, words)


def plan(name: str, code: str, content: Content, words: str = "") -> Case:
    files = {"good.gir": seeds.GRAPH.encode(), "bad.json": content}
    return Case(name, code, ("transform", "good.gir", "--plan", "bad.json", "-o", "out.gir"), files, words)


def recipe(name: str, code: str, content: Content, words: str = "") -> Case:
    files = {"good.gir": seeds.GRAPH.encode(), "bad.json": content}
    arguments = ("plan", "good.gir", "--quantize", "--config", "bad.json", "-o", "out.json")
    return Case(name, code, arguments, files, words)
