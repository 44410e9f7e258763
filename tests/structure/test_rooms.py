"""The table of rooms holds for this source tree, and the check that says so can fail."""

from pathlib import Path

import pytest

import check_rooms

SOURCE = check_rooms.SOURCE
ROOMS = check_rooms.read_table()


def test_rooms_include_only_what_is_below_them():
    assert check_rooms.violations(SOURCE, ROOMS) == []


def test_table_has_no_cycle():
    assert check_rooms.cycles(ROOMS) == []
    table = {"a": {"links": ["b"]}, "b": {"links": ["a"]}, "c": {"links": ["a"]}}
    assert check_rooms.cycles(table) == ["a", "b"]


def test_table_and_folders_are_the_same():
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    of_rooms = {entry.get("folder", room) for room, entry in ROOMS.items()}
    assert {folder for folder in of_rooms if "/" not in folder} == folders
    assert [folder for folder in of_rooms if not (SOURCE / folder).is_dir()] == []


def test_export_stands_apart_from_data_and_calibration():
    assert not {"data", "import", "formats", "quant", "samples"} & check_rooms.below(ROOMS, "export")


@pytest.mark.parametrize(
    ("room", "include", "complaint"),
    [
        ("ir", '#include "graftwork/match/matcher.h"', "ir may not include match"),
        ("base", '  #  include "graftwork/cli/main.h"', "base may not include cli"),
        ("onnx", '#include "graftwork/ir/graph.h"', "onnx may not include ir"),
        ("export", '#include "graftwork/quant/scales.h"', "export may not include quant"),
        ("place", "#include <ATen/ATen.h>", "half without torch"),
        ("nn", '#include "../ir/graph.h"', "includes are written"),
        ("import/captured", '#include "graftwork/import/pt2/schema.h"', "import/captured may not include import"),
        ("import/common/deep", '#include "graftwork/import/captured/program.h"', "may not include import/captured"),
        ("attic", "#include <vector>", "not in the table"),
    ],
)
def test_a_violation_is_found_with_its_line(tmp_path, room, include, complaint):
    (tmp_path / room).mkdir(parents=True)
    (tmp_path / room / "file.h").write_text(f"#pragma once\n{include}\n")
    (found,) = check_rooms.violations(tmp_path, ROOMS)
    assert complaint in found
    assert "file.h:" in found


def test_what_is_allowed_passes(tmp_path):
    (tmp_path / "nn").mkdir()
    (tmp_path / "nn" / "conv.cpp").write_text(
        '#include "graftwork/nn/conv.h"\n#include "graftwork/ir/graph.h"\n#include <ATen/ATen.h>\n'
    )
    assert check_rooms.violations(tmp_path, ROOMS) == []


def test_a_stamp_is_written_for_a_tree_without_violations_only(tmp_path, monkeypatch, capsys):
    source, stamp = tmp_path / "graftwork", tmp_path / "stamp"
    (source / "ir").mkdir(parents=True)
    (source / "rooms.json").write_text('{"ir": {"links": []}, "nn": {"links": ["ir"]}}')
    header = source / "ir" / "graph.h"
    header.write_text('#include "graftwork/nn/executor.h"\n')
    monkeypatch.setattr("sys.argv", ["check_rooms.py", str(source), "--stamp", str(stamp)])
    assert check_rooms.main() == 1
    assert "ir may not include nn" in capsys.readouterr().out
    assert not stamp.exists()
    header.write_text("")
    assert check_rooms.main() == 0
    assert stamp.exists()
    assert str(header) in Path(f"{stamp}.d").read_text().split()


def rooms_with_sources():
    return sorted({path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.cpp")})


@pytest.mark.parametrize("room", rooms_with_sources())
def test_every_room_says_what_lives_there(room):
    readme = SOURCE / room / "README.md"
    assert readme.exists(), f"{room}/README.md: three to ten lines, what lives here and what may not"
