"""The archive of `make package`, unpacked at another place. GRAFTWORK_PACKAGE names one that is there already."""

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import support
from installation import TORCH, naming_this_machine, run


@pytest.fixture(scope="module")
def archive(graftwork, tmp_path_factory):
    named = os.environ.get("GRAFTWORK_PACKAGE")
    if named:
        return Path(named).resolve()
    folder = tmp_path_factory.mktemp("archive")
    run("cpack", "--config", graftwork.path.parents[1] / "CPackConfig.cmake", "-B", folder)
    (made,) = folder.glob("*.tar.gz")
    return made


@pytest.fixture(scope="module")
def has_torch(archive):
    return "-with-torch" in archive.name


@pytest.fixture(scope="module")
def unpacked(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    run("tar", "xf", archive, "-C", folder)
    (prefix,) = folder.iterdir()
    return prefix


def bare(**variables):
    """No Python of a virtual environment, no library of another place."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **variables}


def test_the_checksum_is_of_the_archive(archive):
    run("sha256sum", "--check", f"{archive.name}.sha256", cwd=archive.parent)


def test_no_path_of_this_machine_is_inside(unpacked):
    assert [file for file in naming_this_machine(unpacked) if "torch/lib/" not in file] == []


def test_the_unpacked_command_quantizes(unpacked, has_torch, tmp_path):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU()).eval()
    torch.export.save(torch.export.export(model, (torch.rand(1, 3, 8, 8),)), tmp_path / "net.pt2")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((4, 3, 8, 8), np.float32))
    command = [unpacked / "bin" / "graftwork", "quantize", "net.pt2", "--calibrate", "x.npy", "-o", "net.onnx"]
    environment = bare() if has_torch else bare(GRAFTWORK_TORCH=str(TORCH))
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "net.onnx").stat().st_size > 0


def test_what_needs_nothing_else_brings_its_libraries(unpacked, has_torch):
    """All but the C library are its own, and each has its licence; what needs torch says so by the folder's name."""
    private = unpacked / "lib" / "graftwork"
    assert (private / "torch").exists() == has_torch
    if not has_torch:
        return
    listed = run("ldd", private / "libgraftwork_torch.so", unpacked / "bin" / "graftwork", env=bare())
    outside = [line for line in re.findall(r"=> (/\S+)", listed) if not line.startswith(str(unpacked))]
    assert {Path(path).name.split(".")[0] for path in outside} <= {"libc", "libm", "libdl", "librt", "libpthread"}
    licences = {path.name for path in (unpacked / "share" / "doc" / "graftwork" / "licences").iterdir()}
    assert "torch" in licences
    assert len(licences) > 4


def test_the_library_of_the_archive_is_found(unpacked, has_torch, tmp_path):
    if has_torch:
        assert not (unpacked / "include").exists(), "the command alone"
        return
    consumer = support.ROOT / "tests" / "consumer"
    options = [f"-DCMAKE_PREFIX_PATH={unpacked}", f"-DGRAFTWORK_TORCH={TORCH}"]
    run("cmake", "-S", consumer, "-B", tmp_path, "-G", "Ninja", *options)
    assert str(unpacked / "lib" / "libgraftwork.so") in (tmp_path / "build.ninja").read_text()
