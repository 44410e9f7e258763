"""Fewer threads than torch asks for, as a container may allow: slower, and the same file."""

import os
import resource
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

USER = 23456
WANTED = {"OMP_NUM_THREADS": "16", "MKL_NUM_THREADS": "16", "MKL_DYNAMIC": "FALSE"}


@pytest.fixture(scope="module")
def graftwork(started):
    return started


def test_a_library_that_ends_the_process_is_one_message(graftwork, exported, tmp_path):
    """OpenMP does, where its threads get no stacks."""
    source = exported("digits")
    done = subprocess.run(
        [graftwork.path, "quantize", source.path, "--calibrate", source.calibration, "-o", tmp_path / "q.onnx"],
        env={**os.environ, "OMP_NUM_THREADS": "2", "OMP_STACKSIZE": "900G"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (100 << 30, 100 << 30)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("error[") == 1
    assert "error[process.ended]: a library ended the command with status 1" in done.stderr
    assert "OMP_STACKSIZE" in done.stderr
    assert not (tmp_path / "q.onnx").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become a user whose processes are counted apart")
def test_quantize_works_with_the_threads_that_it_may_make(graftwork, tmp_path):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3), torch.nn.ReLU(), torch.nn.Conv2d(64, 64, 3)).eval()
    example = torch.randn(8, 3, 32, 32)
    batch = {"input": {0: torch.export.Dim("batch")}}
    torch.export.save(torch.export.export(model, (example,), dynamic_shapes=batch), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", example.numpy())
    command = ["quantize", "m.pt2", "--calibrate", "x.npy", "--quiet", "-o"]
    graftwork(*command, "free.onnx", cwd=tmp_path, env=WANTED)
    for folder in (tmp_path, *(one for one in tmp_path.parents if one.is_relative_to("/tmp") and one != Path("/tmp"))):
        folder.chmod(0o777)
    for processes in (1, 2, 3, 5, 8, 16, 24):
        # One alone cannot have a process of its own for the network.
        alone = ["--no-isolation"] if processes == 1 else []

        def become(processes=processes):
            resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
            os.setgid(USER)
            os.setuid(USER)

        done = subprocess.run(
            [graftwork.path, *command, f"{processes}.onnx", *alone],
            cwd=tmp_path,
            env={**os.environ, **WANTED},
            preexec_fn=become,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (processes, done.stderr)
        assert (tmp_path / f"{processes}.onnx").read_bytes() == (tmp_path / "free.onnx").read_bytes()
