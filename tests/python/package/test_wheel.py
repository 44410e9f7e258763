"""The wheel: made of the build, installed into a second environment, used from a folder that knows nothing of it.
GRAFTWORK_ENVIRONMENT names an environment where the package is installed already."""

import os
import sys
import zipfile
from pathlib import Path

import pytest
import torch

import pages
import support
from installation import TORCH, naming_this_machine
from installation import run as run_here

# What README's quick start is given.
MODEL = """
import graftwork, torch
from torch import nn
torch.manual_seed(0)
stem = [nn.Conv2d(3, 8, 7, 2, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3)]
model = nn.Sequential(*stem, nn.Flatten(), nn.Linear(72, 4)).eval()
example_input = torch.randn(2, 3, 20, 20)
data = [torch.randn(2, 3, 20, 20) for _ in range(2)]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    return Path(run_here(support.ROOT / "scripts" / "wheel.sh", folder).strip())


@pytest.fixture(scope="module")
def environment(request, tmp_path_factory):
    """A second environment with the wheel. It has torch by a .pth file, so that nothing is downloaded or copied."""
    named = os.environ.get("GRAFTWORK_ENVIRONMENT")
    if named:
        return Path(named)
    folder = tmp_path_factory.mktemp("environment")
    run_here(sys.executable, "-m", "venv", "--without-pip", folder)
    packages = next(folder.glob("lib/python3*/site-packages"))
    (packages / "torch.pth").write_text(str(TORCH.parent))
    options = ("-qq", "--disable-pip-version-check", "--no-deps", "--no-index")
    wheel = request.getfixturevalue("wheel")
    run_here(sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", *options, wheel)
    return folder


def run(environment, program, *arguments, cwd):
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "PYTHONPATH": ""}
    return run_here(environment / "bin" / program, *arguments, cwd=cwd, env=bare)


def test_wheel_holds_the_package_and_what_torch_does_not_bring(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "graftwork/py.typed" in names
    assert "graftwork/_C.pyi" in names
    assert "graftwork/bin/graftwork" in names
    assert any(name.startswith("graftwork.libs/libprotobuf") for name in names)
    assert not any("libtorch" in name or "libc10" in name for name in names)
    assert "manylinux" in wheel.name


def test_wheel_names_no_path_of_this_machine(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    assert naming_this_machine(tmp_path) == []


def test_quick_start_runs(environment, tmp_path):
    quick_start = pages.block("README.md", "**Python**").body
    (tmp_path / "quickstart.py").write_text(f"{MODEL}{quick_start}print(graftwork.__file__)\n")
    printed = run(environment, "python", "quickstart.py", cwd=tmp_path)
    assert str(environment) in printed.splitlines()[-1]
    assert (tmp_path / "model_int8.onnx").stat().st_size > 0


@pytest.mark.parametrize("command", [("python", "-m", "graftwork"), ("graftwork",)])
def test_command_runs(environment, command, tmp_path):
    program = torch.export.export(torch.nn.Linear(4, 2), (torch.randn(1, 4),))
    torch.export.save(program, tmp_path / "m.pt2")
    assert "aten.linear" in run(environment, *command, "inspect", "m.pt2", cwd=tmp_path)
    assert run(environment, *command, "--version", cwd=tmp_path).strip()
