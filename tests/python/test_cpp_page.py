"""docs/cpp.md is one program, and README's C++ door is examples/cpp_quickstart: both are compiled against the installed
library, and run."""

import subprocess

import onnx
import pytest

import pages
import support
from installation import run

PAGE = "docs/cpp.md"
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(page LANGUAGES CXX)
find_package(Graftwork 0.1 REQUIRED)
add_executable(page page.cpp)
target_link_libraries(page PRIVATE Graftwork::graftwork Torch::Api)
add_subdirectory({example} quickstart)
"""


@pytest.fixture(scope="module")
def programs(graftwork, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    run("cmake", "--install", graftwork.path.parents[1], "--prefix", folder / "gw", "--component", "library")
    head, *body = [block.body for block in pages.blocks(PAGE)]
    (folder / "page.cpp").write_text(head + "\nint main() {\n" + "\n".join(body) + "}\n")
    example = support.ROOT / "examples" / "cpp_quickstart"
    (folder / "CMakeLists.txt").write_text(PROJECT.format(example=example))
    run("cmake", "-S", folder, "-B", folder / "b", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={folder / 'gw'}")
    run("cmake", "--build", folder / "b")
    return folder / "b"


def test_the_page_is_a_program(programs, tmp_path):
    said = run(programs / "page", cwd=tmp_path)
    assert "conv is a part of FusedConvBNAct_0" in said
    assert said.count("the same numbers") == 2
    assert "image: Float 1 3 32 32" in said
    assert "32 samples seen" in said
    assert "file.missing\nerror[file.missing]: " in said or "file." in said.splitlines()[-2]
    for name in ("net_int8.onnx", "net_trained.onnx"):
        onnx.checker.check_model(onnx.load(tmp_path / name), full_check=True)


def test_the_quick_start_runs(programs, tmp_path):
    said = run(programs / "quickstart" / "cpp_quickstart", tmp_path / "net.onnx").splitlines()
    assert said[-1] == "3 Q/DQ, 2 quantized weights, 64 samples"
    assert any(line.startswith("StemConvBNActMaxPoolPattern  %") for line in said)
    onnx.checker.check_model(onnx.load(tmp_path / "net.onnx"), full_check=True)


def test_an_error_of_the_quick_start_is_one_message(programs):
    done = subprocess.run(
        [programs / "quickstart" / "cpp_quickstart", "/nowhere/net.onnx"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error[file.unwritable]: ")


def test_readme_shows_the_quick_start():
    (shown,) = [block for block in pages.blocks("README.md") if block.language == "cpp"]
    example = (support.ROOT / "examples" / "cpp_quickstart" / "main.cpp").read_text()
    lines = [line.strip() for line in example.splitlines()]
    for line in filter(None, map(str.strip, shown.body.splitlines())):
        assert line in lines, line
