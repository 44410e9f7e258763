"""docs/bounds.md: each row is what the code says, and what the command does at the bound and beyond it."""

import re

import pytest

import support
from bound_exemptions import EXEMPT
from hostile import bounds

ROW = re.compile(r"^\| `(k\w+)` \| (\d+) \| (.+?) \| `(\S+)` \| (.+?) \|$", re.M)
ROWS = ROW.findall((support.ROOT / "docs" / "bounds.md").read_text())


def bound_of(row):
    return row[0], row[3].rsplit("/", 1)[1]


def value_in(name, path):
    """What the constant is set to; C++'s forms of numbers that the code uses."""
    source = (support.ROOT / path).read_text()
    written = re.search(rf"\b{name} = ([^;]+);", source)[1]
    return eval(re.sub(r"\w+_t\{(\d+)\}", lambda m: m[1], written.replace("'", "")))


#: Bounds on what operators are called with, which need no file.
ARGUMENTS = [row for row in ROWS if bound_of(row)[1].endswith("_checks.cpp")]
OF_FILES = [row for row in ROWS if row not in ARGUMENTS]
SOURCES = support.ROOT / "src" / "graftwork"


def bounds_in_the_code():
    """(path below src/graftwork, name) of every number that is called a bound."""
    declared = re.compile(r"\bconstexpr\b[^;{}()]*?\b(k(?:Most|Largest|Longest|Max|Deepest|Depth)\w*) = ")
    for path in sorted([*SOURCES.rglob("*.cpp"), *SOURCES.rglob("*.h")]):
        yield from ((str(path.relative_to(SOURCES)), name) for name in declared.findall(path.read_text()))


def test_there_is_a_file_for_each_row():
    assert sorted(map(bound_of, OF_FILES)) == sorted(bounds.BOUNDS)


def test_every_bound_of_the_code_is_a_row_or_is_exempt_for_a_reason():
    found = set(bounds_in_the_code())
    assert len(found) > 100
    rows = {(path.removeprefix("src/graftwork/"), name) for name, _, _, path, _ in ROWS}
    exempt = [place for places in EXEMPT.values() for place in places]

    def covers(place, path, name):
        return place in (f"{path}:{name}", path) or (place.endswith("/") and path.startswith(place))

    left = {bound for bound in found - rows if not any(covers(place, *bound) for place in exempt)}
    assert not left
    assert not [place for place in exempt if not any(covers(place, *bound) for bound in found - rows)]
    assert not rows - found


@pytest.mark.parametrize("row", ARGUMENTS, ids=lambda row: row[0])
def test_a_bound_on_arguments_is_what_the_table_says(row):
    name, value, _, path, _ = row
    assert value_in(name, path) == int(value)
    tests = (support.ROOT / "tests" / "unit" / "nn" / "runnable_operators_test.cpp").read_text()
    assert f'{{"{name}", ' in tests


@pytest.mark.parametrize("row", OF_FILES, ids=lambda row: "-".join(bound_of(row)))
def test_a_bound_is_what_the_table_says(row, graftwork, tmp_path):
    name, value, _, path, codes = row
    assert value_in(name, path) == int(value)
    beyond, at = bounds.beyond(bound_of(row), int(value)), bounds.at(bound_of(row), int(value))
    assert f"`{beyond.code}`" in codes
    beyond.write(tmp_path)
    report = graftwork.fails(*beyond.arguments, codes=(1,), cwd=tmp_path).stderr
    assert f"error[{beyond.code}]" in report
    assert beyond.words in report
    at.write(tmp_path)
    done = graftwork.run(*at.arguments, cwd=tmp_path)
    assert done.returncode in (0, 1)
    assert beyond.words not in done.stderr, done.stderr
