"""A network is opened and run in a process of its own: what kills that one becomes one message."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import zoo


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "x.npy"
    np.save(path, np.resize(zoo.samples("resnet18", 8, seed=5).numpy(), (4000, 3, 64, 64)))
    return path


@pytest.fixture
def at_work(graftwork, exported, data, tmp_path):
    """A command that computes for long, and its child."""
    running = []

    def start(*options):
        arguments = ["quantize", exported("resnet18").path, "--calibrate", data, *options, "-o", tmp_path / "q.onnx"]
        process = subprocess.Popen(
            [graftwork.path, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        assert "calibrating" in process.stderr.readline()
        return process, children_of(process.pid)

    yield start
    for process in running:
        process.kill()
        process.wait()
    assert not (tmp_path / "q.onnx").exists()


def state_and_parent(pid):
    """Nothing where there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1])


def children_of(pid):
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [number for number in numbers if (state_and_parent(number) or ("", 0))[1] == pid]


def is_gone(pid):
    for _ in range(100):
        found = state_and_parent(pid)
        if found is None or found[0] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGSEGV, "model.crash"),
        (signal.SIGFPE, "model.crash"),
        (signal.SIGABRT, "model.crash"),
        (signal.SIGBUS, "file.changed"),
        (signal.SIGXCPU, "model.time"),
        (signal.SIGKILL, "process.killed"),
    ],
)
def test_a_crash_is_one_message(at_work, exported, number, code):
    process, (child,) = at_work()
    os.kill(child, number)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"error[{code}]" in text
    assert text.count("error[") == 1
    assert str(exported("resnet18").path) in text
    assert "\n  try " in text


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP)]
)
def test_signals_are_passed_on(at_work, number, status):
    process, (child,) = at_work()
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == status
    assert is_gone(child)


def test_a_killed_parent_takes_its_child_along(at_work):
    process, (child,) = at_work()
    process.kill()
    process.wait()
    assert is_gone(child)


def test_without_isolation_there_is_one_process(at_work):
    _, children = at_work("--no-isolation")
    assert children == []


def test_results_are_the_same(graftwork, exported, tmp_path):
    network = exported("digits")
    for name, options in (("a", ()), ("b", ("--no-isolation",))):
        graftwork("quantize", network.path, "--calibrate", network.calibration, *options, "-o", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
