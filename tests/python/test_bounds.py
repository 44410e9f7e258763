"""docs/bounds.md: each row is what the code says, and what the command does at the bound and beyond it."""

import re

import pytest

import support
from hostile import bounds

ROW = re.compile(r"^\| `(k\w+)` \| (\d+) \| (.+?) \| `(\S+)` \| (.+?) \|$", re.M)
ROWS = ROW.findall((support.ROOT / "docs" / "bounds.md").read_text())


def bound_of(row):
    return row[0], row[3].rsplit("/", 1)[1]


def value_in(name, path):
    """What the constant is set to; C++'s forms of numbers that the code uses."""
    source = (support.ROOT / path).read_text()
    written = re.search(rf"\b{name} = ([^;]+);", source)[1]
    return eval(re.sub(r"size_t\{(\d+)\}|int64_t\{(\d+)\}", lambda m: m[1] or m[2], written.replace("'", "")))


def test_there_is_a_file_for_each_row():
    assert sorted(map(bound_of, ROWS)) == sorted(bounds.BOUNDS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(bound_of(row)))
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
    assert beyond.words not in done.stderr or not beyond.words, done.stderr
