"""A file that changes while it is read: one message, and no output."""

import errno
import fcntl
import os
import signal
import subprocess
import time

import numpy as np
import pytest
import torch

from test_isolation import children_of

COUNT = 40000


@pytest.fixture(scope="module")
def graftwork(started):
    return started


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3)).eval()
    batch = torch.export.Dim("batch")
    exported = torch.export.export(model, (torch.randn(2, 3, 8, 8),), dynamic_shapes={"input": {0: batch}})
    torch.export.save(exported, folder / "m.pt2")
    return folder / "m.pt2"


@pytest.fixture
def folder(sources, tmp_path):
    (tmp_path / "m.pt2").write_bytes(sources.read_bytes())
    (tmp_path / "samples").mkdir()
    for name in ("a", "b"):
        np.save(tmp_path / "samples" / f"{name}.npy", np.ones((COUNT // 2, 3, 8, 8), np.float32))
    return tmp_path


def in_the_middle(graftwork, folder, change):
    """Runs a calibration that is held while `change` happens."""
    arguments = ["quantize", "m.pt2", "--calibrate", "samples", "--no-losses", "-o", "q.onnx"]
    process = subprocess.Popen(
        [graftwork.path, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        assert "calibrating" in process.stderr.readline()
        (child,) = children_of(process.pid)
        os.kill(child, signal.SIGSTOP)
        change()
        os.kill(child, signal.SIGCONT)
        _, report = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, report


def one_byte(path):
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")


def one_byte_and_the_old_time(path):
    before = path.stat()
    one_byte(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.rename(path)


def cut(path):
    os.truncate(path, 0)


@pytest.mark.parametrize("change", [one_byte, one_byte_and_the_old_time, replaced, cut])
@pytest.mark.parametrize("victim", ["m.pt2", "samples/b.npy"])
def test_what_changes_in_the_middle_is_told(graftwork, folder, victim, change):
    status, report = in_the_middle(graftwork, folder, lambda: change(folder / victim))
    assert status == 1
    assert report.count("error[") == 1
    assert f"error[file.changed]: {victim} changed while it was read\n  try " in report
    assert not list(folder.glob("q.onnx*"))


def test_what_is_beside_may_change(graftwork, folder):
    def change():
        (folder / "samples" / "notes.txt").write_text("new")
        np.save(folder / "samples" / "z.npy", np.ones((1, 3, 8, 8), np.float32))
        os.utime(folder / "samples")

    status, report = in_the_middle(graftwork, folder, change)
    assert status == 0, report
    assert (folder / "q.onnx").exists()


def test_what_was_written_just_before_is_read(graftwork, sources, tmp_path):
    for _ in range(10):
        (tmp_path / "m.pt2").write_bytes(sources.read_bytes())
        graftwork("inspect", tmp_path / "m.pt2")


def is_told_of_writers(path):
    """Whether the file system says that somebody has the file open for writing; one over a network may not."""
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(file)
    return False


def test_who_goes_on_writing_is_told_of(graftwork, sources, tmp_path):
    """A file that is open for writing and was written to is taken once it is closed, or left alone for a second."""
    path = tmp_path / "m.pt2"
    content = sources.read_bytes()
    with path.open("wb", buffering=0) as writer:
        writer.write(content)
        if not is_told_of_writers(path):
            pytest.skip("the file system does not tell of writers")
        written, longest_pause = time.monotonic(), 0
        process = subprocess.Popen([graftwork.path, "inspect", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(20):
            before, written = written, time.monotonic()
            longest_pause = max(longest_pause, written - before)
            writer.seek(0)
            writer.write(content)
            time.sleep(0.03)
        # A machine that stood still meanwhile has left the file alone.
        longest_pause = max(longest_pause, time.monotonic() - written)
        assert process.poll() is None or longest_pause > 0.9
    output, report = process.communicate(timeout=60)
    assert process.returncode == 0, report
    assert b"conv2d" in output
