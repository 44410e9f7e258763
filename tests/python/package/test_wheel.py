"""The wheel: made of the build, installed into a second environment, used from a folder that knows nothing of it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from test_quickstart import QUICK_START

import support

SMOKE = (
    """
import graftwork, torch
from torch import nn
torch.manual_seed(0)
stem = [nn.Conv2d(3, 8, 7, 2, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3)]
model = nn.Sequential(*stem, nn.Flatten(), nn.Linear(72, 4)).eval()
example_input = torch.randn(2, 3, 20, 20)
data = [torch.randn(2, 3, 20, 20) for _ in range(2)]
"""
    + QUICK_START
    + """
from graftwork.onnx import export_onnx
export_onnx(q, "q.onnx")
print(graftwork.__file__)
"""
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run([support.ROOT / "scripts" / "wheel.sh", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A second environment with the wheel. It has torch by a .pth file, so that nothing is downloaded or copied."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python3*/site-packages"))
    (packages / "torch.pth").write_text(str(Path(torch.__file__).parent.parent))
    python = folder / "bin" / "python"
    options = ("-qq", "--disable-pip-version-check", "--no-deps", "--no-index")
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", *options, wheel], check=True)
    return folder


def run(environment, *arguments, cwd):
    done = subprocess.run(
        [environment / "bin" / arguments[0], *arguments[1:]],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_holds_the_package_and_what_torch_does_not_bring(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "graftwork/py.typed" in names
    assert "graftwork/_C.pyi" in names
    assert "graftwork/bin/graftwork" in names
    assert any(name.startswith("graftwork.libs/libprotobuf") for name in names)
    assert not any("libtorch" in name or "libc10" in name for name in names)
    assert "manylinux" in wheel.name


def test_quick_start_runs(environment, tmp_path):
    (tmp_path / "quickstart.py").write_text(SMOKE)
    printed = run(environment, "python", "quickstart.py", cwd=tmp_path)
    assert str(environment) in printed.splitlines()[-1]
    assert (tmp_path / "q.onnx").stat().st_size > 0


@pytest.mark.parametrize("command", [("python", "-m", "graftwork"), ("graftwork",)])
def test_command_runs(environment, command, tmp_path):
    program = torch.export.export(torch.nn.Linear(4, 2), (torch.randn(1, 4),))
    torch.export.save(program, tmp_path / "m.pt2")
    assert "aten.linear" in run(environment, *command, "inspect", "m.pt2", cwd=tmp_path)
    assert run(environment, *command, "--version", cwd=tmp_path).strip()
