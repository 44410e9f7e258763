"""The table of rooms holds for this source tree, and the check that says so can fail."""

from pathlib import Path

import pytest

import check_rooms

SOURCE = Path(__file__).parents[2] / "src" / "graftwork"


def test_rooms_include_only_what_is_below_them():
    assert check_rooms.violations(SOURCE) == []


def test_table_has_no_cycle():
    assert check_rooms.cycles(check_rooms.ROOMS) == []
    assert check_rooms.cycles({"a": {"b"}, "b": {"a"}, "c": {"a"}}) == ["a", "b"]


@pytest.mark.parametrize(
    ("room", "include", "complaint"),
    [
        ("ir", '#include "graftwork/match/matcher.h"', "ir may not include match"),
        ("base", '  #  include "graftwork/cli/main.h"', "base may not include cli"),
        ("onnx", '#include "graftwork/ir/graph.h"', "onnx may not include ir"),
        ("place", "#include <ATen/ATen.h>", "half without torch"),
        ("nn", '#include "../ir/graph.h"', "includes are written"),
        ("attic", "#include <vector>", "not in the table"),
    ],
)
def test_a_violation_is_found_with_its_line(tmp_path, room, include, complaint):
    (tmp_path / room).mkdir()
    (tmp_path / room / "file.h").write_text(f"#pragma once\n{include}\n")
    (found,) = check_rooms.violations(tmp_path)
    assert complaint in found
    assert "file.h:" in found


def test_what_is_allowed_passes(tmp_path):
    (tmp_path / "nn").mkdir()
    (tmp_path / "nn" / "conv.cpp").write_text(
        '#include "graftwork/nn/conv.h"\n#include "graftwork/ir/graph.h"\n#include <ATen/ATen.h>\n'
    )
    assert check_rooms.violations(tmp_path) == []


def rooms_with_sources():
    return sorted({path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.cpp")})


@pytest.mark.parametrize("room", rooms_with_sources())
def test_every_room_says_what_lives_there(room):
    readme = SOURCE / room / "README.md"
    assert readme.exists(), f"{room}/README.md: three to ten lines, what lives here and what may not"
