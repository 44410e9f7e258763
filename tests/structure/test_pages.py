"""What the pages name exists: links, the tree of ARCHITECTURE.md, and all that CONTRIBUTING.md tells one to do."""

import fnmatch
import itertools
import json
import re
from functools import cache

import pytest

import pages

ROOT = pages.ROOT
ROOMS = ROOT / "src" / "graftwork"


@cache
def tree():
    """Every file and folder, relative to the root, folders without the slash."""
    skipped = {".venv", ".git", "build", "out", "__pycache__"}
    paths = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
    return [path.as_posix() for path in paths if not skipped.intersection(path.parts)]


@cache
def sources(*patterns):
    return "\n".join(path.read_text() for pattern in patterns for path in sorted(ROOT.glob(pattern)))


def is_there(path):
    """Whether a path, from the root or from a folder further down, is in the tree; {a,b} is each, <name> is any."""
    parts = [part.split(",") for part in re.split(r"\{(.*?)\}", path.rstrip("/"))]
    for chosen in itertools.product(*parts):
        pattern = re.sub(r"<.*?>", "*", "".join(chosen))
        if not any(fnmatch.fnmatch(f"/{known}", f"*/{pattern}") for known in tree()):
            return False
    return True


def is_make(targets):
    known = re.findall(r"^([a-z-]+):.*## ", sources("Makefile"), re.M)
    return all(target in known for target in targets.split())


def is_preset(name):
    presets = json.loads(sources("CMakePresets.json"))["configurePresets"]
    return name in [preset["name"] for preset in presets]


def is_program(name):
    return bool(re.search(rf"\b{name}\b", sources("**/CMakeLists.txt", "cmake/*.cmake")))


def is_variable(name):
    return bool(
        re.search(rf"\b{name}\b", sources("src/**/*.cpp", "tests/**/*.cpp", "tests/python/*.py", "scripts/*.sh"))
    )


def is_subcommand(name):
    return f'add_subcommand("{name}"' in sources("src/graftwork/cli/**/*.cpp")


def is_option(name):
    return f'"{name}' in sources("src/graftwork/cli/**/*.cpp", "tests/python/*.py", "tests/zoo/*.py", "bench/*.py")


def is_identifier(text):
    code = sources(
        "include/**/*.h", "src/**/*.h", "src/**/*.cpp", "tests/**/*.h", "tests/**/*.cpp", "tests/hostile/*.py"
    )
    return all(re.search(rf"\b{name}\b", code) for name in re.findall(r"\w+", text))


# How a text in backticks begins, and what is asked of the rest: the first that fits.
FORMS = [
    (r"///$", lambda: True),
    (r"([A-Z_]+)=\S+ (.+)", lambda variable, command: is_variable(variable) and holds(command)),
    (r"make ([a-z -]+)$", is_make),
    (r"cmake --preset (\S+)$", is_preset),
    (r"cmake --build build(?: --target (\S+))?$", lambda target: target is None or is_program(target.split("/")[-1])),
    (r"build/bin/graftwork (\w+)\b.*", is_subcommand),
    (r"graftwork (\w+)\b.*", is_subcommand),
    (r"build/bin/(\w+)\b.*", is_program),
    (r"(--[a-z-]+)(?: \S+)?$", is_option),
    (r"((?:[\w.<>{},*-]+/)*[\w.<>{},*-]*(?:/|\.(?:h|cpp|py|md|txt|gir|gpat|cmake|json|sh)))$", is_there),
    (r"(\.[a-z-]+)$", is_there),
    (r"((?:[\w.<>{},-]+/)+[\w.<>{},-]+)$", is_there),
    (r"([A-Za-z_]\w*(?:::\w+)*)(?:\(.*\))?$", is_identifier),
]


def holds(text):
    for form, check in FORMS:
        found = re.match(form, text)
        if found:
            return check(*found.groups())
    return False


def named(page):
    return sorted(set(re.findall(r"`([^`\n]+)`", (ROOT / page).read_text())))


@pytest.mark.parametrize("text", named("CONTRIBUTING.md"))
def test_contributing_names_what_exists(text):
    assert holds(text), "no such file, command or name; if it is of a new form, add that to FORMS"


@pytest.mark.parametrize(
    "stale",
    [
        "src/graftwork/ir/kinds/nothing.cpp",
        "nothing.h",
        "src/graftwork/patterns/{conversions,illusions}/<name>.cpp",
        "tests/illusions/",
        "make build fly",
        "cmake --preset fast",
        "cmake --build build --target no_such_test",
        "GRAFTWORK_NO_SUCH=1 build/bin/golden_core_test",
        "GRAFTWORK_UPDATE_GOLDENS=1 build/bin/no_such_test",
        "graftwork translate",
        "--no-such-option",
        "NoSuchType",
        "no_such_function(a, b)",
        "Error::no_such_member",
        ".clang-nothing",
        "what is this?",
    ],
)
def test_what_does_not_exist_is_found(stale):
    assert not holds(stale)


@pytest.mark.parametrize("page", pages.pages())
def test_links_lead_somewhere(page):
    for text, target in re.findall(r"\[([^\]\n]+)\]\(([^)\s]+)\)", (ROOT / page).read_text()):
        file, _, anchor = target.partition("#")
        if re.match(r"https?:", target):
            continue
        to = (ROOT / page).parent / file if file else ROOT / page
        assert to.exists(), f"[{text}]({target})"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", to.read_text(), re.M)
            anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
            assert anchor in anchors, f"[{text}]({target})"


def test_decisions_are_short_and_listed():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    written = sorted(path.name for path in folder.glob("*.md") if path.name != "README.md")
    assert sorted(re.findall(r"^- \[([^\]]+)\]\(\1\): ", index, re.M)) == written
    for name in written:
        text = (folder / name).read_text()
        assert len(text.splitlines()) < 25, name
        for part in ("Planned", "Decided", "Why", "Would change it"):
            assert f"\n**{part}" in text, f"{name} lacks {part!r}"


def drawn_tree():
    """The folders that ARCHITECTURE.md draws, by their paths from the root."""
    folders, branch = [], []
    (drawing,) = [block.body for block in pages.blocks("ARCHITECTURE.md") if "├──" in block.body]
    for line in drawing.splitlines():
        entry = re.match(r"((?:[│ ]   )*)(?:[├└]── )?([\w/]+)/(?:\s|$)", line)
        if entry:
            depth = len(entry[1]) // 4 + ("── " in line)
            branch = [*branch[:depth], entry[2]]
            folders.append("/".join(branch))
    return folders


def test_architecture_draws_the_folders_there_are():
    drawn = drawn_tree()
    assert len(drawn) >= 15
    assert [folder for folder in drawn if not (ROOT / folder).is_dir()] == []
    rooms = {f"src/graftwork/{path.name}" for path in ROOMS.iterdir() if path.is_dir()}
    assert rooms - set(drawn) == set(), "rooms that the tree lacks"
