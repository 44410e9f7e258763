"""Where a build finds torch and onnx.proto, and in which order. The packages are empty ones, told by their version."""

import re
import subprocess

import pytest

import support
from installation import PLAIN, fake_torch

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(finds LANGUAGES NONE)
set(CMAKE_MODULE_PATH {modules})
if(ONNX)
  include(GraftworkOnnxProto)
  graftwork_find_onnx_proto(found)
else()
  find_package(Torch REQUIRED MODULE)
  set(found "${{Torch_VERSION}} ${{Torch_PACKAGE_DIR}}")
endif()
message(STATUS "found: ${{found}}")
"""


class Project:
    """An empty project, on a machine whose python3 has one torch; `places` has one for each way to name another."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "CMakeLists.txt").write_text(PROJECT.format(modules=support.ROOT / "cmake"))
        self.python = folder / "programs" / "python3"
        self.python.parent.mkdir()
        self.imports("")

    def imports(self, package):
        self.python.write_text(f"#!/bin/sh\necho {package}\n")
        self.python.chmod(0o755)

    def venv(self, name):
        return self.folder / ".venv" / "lib" / "python3.11" / "site-packages" / name

    def configure(self, *options, **variables):
        path = f"{self.python.parent}:/usr/bin:/bin"
        done = subprocess.run(
            ["cmake", "-S", self.folder, "-B", self.folder / "b", *options],
            env=PLAIN | {"PATH": path} | {name: str(value) for name, value in variables.items()},
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r"found: (.*)", done.stdout)
        return found[1] if found else re.sub(r"\s+", " ", done.stderr)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_the_order_of_places(project, tmp_path):
    """The last place first, then with one before it, and so on; each time in a cache of its own."""
    last = fake_torch(tmp_path / "python" / "torch", "2.9.0")
    venv = fake_torch(project.venv("torch"), "2.9.1")
    prefix = fake_torch(tmp_path / "prefix" / "torch", "2.9.2")
    environment = fake_torch(tmp_path / "environment" / "torch", "2.9.3")
    option = fake_torch(tmp_path / "option" / "torch", "2.9.4")

    project.imports(last)
    hidden = venv.rename(tmp_path / "hidden")
    assert project.configure("--fresh") == f"2.9.0 {last}"
    hidden.rename(venv)
    assert project.configure("--fresh") == f"2.9.1 {venv}"
    for named in (prefix, prefix / "share" / "cmake"):
        named.mkdir(parents=True, exist_ok=True)
        assert project.configure("--fresh", f"-DCMAKE_PREFIX_PATH=/nowhere;{named}") == f"2.9.2 {prefix}"
        assert project.configure("--fresh", CMAKE_PREFIX_PATH=f"/nowhere:{named}") == f"2.9.2 {prefix}"
    assert project.configure("--fresh", f"-DCMAKE_PREFIX_PATH={prefix}", GRAFTWORK_TORCH=environment).startswith(
        "2.9.3"
    )
    assert project.configure("--fresh", f"-DGRAFTWORK_TORCH={option}", GRAFTWORK_TORCH=environment).startswith("2.9.4")


def test_what_was_found_stays(project, tmp_path):
    """Another shell, with another python3, does not change the build."""
    first, second = (fake_torch(tmp_path / name / "torch", "2.9.0") for name in ("first", "second"))
    project.imports(first)
    assert project.configure().endswith(str(first))
    project.imports(second)
    assert project.configure().endswith(str(first))


def test_where_there_is_none_all_four_places_are_told(project):
    said = project.configure()
    for place in ("GRAFTWORK_TORCH", "CMAKE_PREFIX_PATH", ".venv", 'python3 -c "import torch"'):
        assert place in said


def test_a_named_folder_without_torch_is_an_error(project, tmp_path):
    project.imports(fake_torch(tmp_path / "torch", "2.9.0"))
    assert f"GRAFTWORK_TORCH={tmp_path}/empty is to be" in project.configure(f"-DGRAFTWORK_TORCH={tmp_path}/empty")


def test_onnx_proto_is_found_likewise(project, tmp_path):
    def put(folder):
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "onnx.proto").touch()
        return folder / "onnx.proto"

    imported = put(tmp_path / "python" / "onnx")
    project.imports(imported.parent)
    assert project.configure("--fresh", "-DONNX=ON") == str(imported)
    venv = put(project.venv("onnx"))
    assert project.configure("--fresh", "-DONNX=ON") == str(venv)
    assert project.configure("--fresh", "-DONNX=ON", GRAFTWORK_ONNX_PROTO=imported) == str(imported)
    said = project.configure("--fresh", "-DONNX=ON", "-DGRAFTWORK_ONNX_PROTO=/nowhere/onnx.proto")
    assert 'not by GRAFTWORK_ONNX_PROTO="/nowhere/onnx.proto"' in said
