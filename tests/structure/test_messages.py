"""What the library says holds for all who call it: only the command speaks of its options and subcommands."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "graftwork"
COMMAND = SOURCE / "cli"
TABLE = COMMAND / "output" / "option_hints.cpp"
# Text of C++ or of Python on one line; neither has other quotes around messages.
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
STARTS_THE_COMMAND = SOURCE / "library" / "helper_program.cpp"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def sources(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in {".h", ".cpp", ".inc", ".py"})


def below_the_command():
    rooms = [path for path in sources(SOURCE) if COMMAND not in path.parents and path != STARTS_THE_COMMAND]
    return [
        *rooms,
        *sources(ROOT / "include"),
        *sources(ROOT / "python" / "graftwork"),
        *sources(ROOT / "python" / "bindings"),
    ]


@cache
def options():
    """Every option and subcommand there is."""
    text = "\n".join(path.read_text() for path in sources(COMMAND / "launcher" / "options"))
    return set(OPTION.findall(text)), set(re.findall(r'add_subcommand\("(\w+)"', text))


def spoken_of(text):
    """The options and subcommands that literals of a file name."""
    _, subcommands = options()
    verb = re.compile(rf"\bgraftwork (?:{'|'.join(sorted(subcommands))})\b")
    literals = LITERAL.findall(text)
    return [found for literal in literals for found in (*OPTION.findall(literal), *verb.findall(literal))]


def test_only_the_command_speaks_of_its_options():
    said = {path.relative_to(ROOT).as_posix(): spoken_of(path.read_text()) for path in below_the_command()}
    assert len(said) > 500
    assert {path: found for path, found in said.items() if found} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('throw Error("a.b", "what", "--calibrate DATA");', ["--calibrate"]),
        ('"`graftwork transform MODEL` to see"', ["graftwork transform"]),
        ('"the order (--channels bgr)", "-- no option", "graftwork statistics"', ["--channels"]),
        ("// --calibrate in a comment", []),
    ],
)
def test_what_speaks_of_options_is_found(text, found):
    assert spoken_of(text) == found


def table():
    return dict(re.findall(r'Options\{"([a-z0-9_.]+)", "(.+)"\}', TABLE.read_text()))


@pytest.mark.parametrize("code", table())
def test_what_the_command_adds_exists(code):
    text = table()[code]
    known, subcommands = options()
    assert set(OPTION.findall(text)) <= known
    assert set(re.findall(r"graftwork (\w+)", text)) <= subcommands
    thrown = [path for path in sources(SOURCE) if path != TABLE and f'Error("{code}"' in path.read_text()]
    assert thrown, "no room throws it"
