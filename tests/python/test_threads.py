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
