"""The package's types: mypy agrees with the code, and the stubs with what C++ exports."""

import ast
import subprocess
import sys

import pytest
from graftwork import _C

import support


def test_mypy_finds_nothing():
    pytest.importorskip("mypy")
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=support.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def names_of(body):
    """What a module or class of the stubs declares, by name; classes with theirs."""
    declared = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            declared[node.name] = names_of(node.body)
        elif isinstance(node, ast.FunctionDef):
            declared[node.name] = None
        elif isinstance(node, ast.AnnAssign):
            declared[node.target.id] = None
    return declared


def test_stubs_say_what_there_is():
    stubs = names_of(ast.parse((support.ROOT / "python" / "graftwork" / "_C.pyi").read_text()).body)
    exported = {name for name in vars(_C) if not name.startswith("_")}
    assert set(stubs) == exported
    for name, members in stubs.items():
        there = {member for member in vars(getattr(_C, name)) if not member.startswith("_")} if members else set()
        said = {member for member in members or () if not member.startswith("_")}
        assert said - {"name", "value"} == there - {"name", "value"}, name  # those of every enumeration
