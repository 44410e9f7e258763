"""A network is opened and run in a process of its own: what kills that one becomes one message."""

import itertools
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import zoo
from hostile import long_programs


@pytest.fixture(scope="module")
def graftwork(started):
    return started


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "x.npy"
    np.save(path, np.resize(zoo.samples("resnet18", 8, seed=5).numpy(), (4000, 3, 64, 64)))
    return path


@pytest.fixture
def at_work(graftwork, exported, data, tmp_path):
    """A command that computes for long, and its child."""
    running = []

    def start(*options, before=None):
        arguments = ["quantize", exported("resnet18").path, "--calibrate", data, *options, "-o", tmp_path / "q.onnx"]
        process = subprocess.Popen(
            [graftwork.path, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,  # as a shell starts it: SIGTSTP stops nobody whose group has no parent left
            preexec_fn=before,
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


def becomes(condition):
    for _ in range(100):
        if condition():
            return True
        time.sleep(0.05)
    return False


def ignoring(number):
    return lambda: signal.signal(number, signal.SIG_IGN)


def limited_to(soft, hard=resource.RLIM_INFINITY):
    """Seconds of processor time."""
    return lambda: resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def is_gone(pid):
    return becomes(lambda: (state_and_parent(pid) or "Z")[0] == "Z")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGSEGV, "model.crash"),
        (signal.SIGFPE, "model.crash"),
        (signal.SIGABRT, "model.crash"),
        (signal.SIGBUS, "model.crash"),  # no file changed: a kernel that reads where nothing is
        (signal.SIGXCPU, "process.time"),
        (signal.SIGKILL, "process.killed"),  # as the system ends what takes too much memory
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


@pytest.mark.parametrize(("options", "least", "most"), [((), 0, 2**50), (("--memory-limit", "9000TB"), 9e15, 1e16)])
def test_it_may_take_what_the_machine_has_or_what_the_user_says(at_work, options, least, most):
    _, (child,) = at_work(*options)
    limit = re.search(r"Max data size +(\d+)", Path(f"/proc/{child}/limits").read_text())
    assert least <= int(limit[1]) <= most


@pytest.mark.parametrize(("soft", "hard"), [(5, resource.RLIM_INFINITY), (5, 5)])
def test_a_limit_of_the_users_own_is_no_fault_of_the_file(at_work, soft, hard):
    """The hard one ends a process by SIGKILL."""
    process, _ = at_work(before=limited_to(soft, hard))
    _, text = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "error[process.time]" in text
    assert "ulimit -t" in text


def test_a_limit_of_the_users_own_while_opening_is_no_fault_of_the_file_either(graftwork, tmp_path):
    (tmp_path / "long.pt2").write_bytes(long_programs.operators(100_000))  # 4 s
    done = subprocess.run(
        [graftwork.path, "inspect", "long.pt2", "--quiet"],
        preexec_fn=limited_to(1),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "error[process.time]: long.pt2: the limit of processor time (ulimit -t) was reached" in done.stderr


@pytest.mark.parametrize(
    ("number", "status", "text"),
    [
        (signal.SIGTERM, -signal.SIGTERM, ""),
        (signal.SIGINT, 130, "error[interrupted]"),
        (signal.SIGSEGV, 1, "error[model.crash]"),
    ],
)
def test_a_caller_that_ignores_its_children(at_work, number, status, text):
    """Which a command inherits, and the system then keeps no child's end."""
    process, (child,) = at_work(before=ignoring(signal.SIGCHLD))
    (os.kill(child, number) if text.endswith("crash]") else process.send_signal(number))
    _, told = process.communicate(timeout=60)
    assert process.returncode == status
    assert text in told
    assert is_gone(child)


def test_a_caller_that_ignores_its_children_sees_the_command_end(graftwork, exported):
    command = [graftwork.path, "inspect", exported("digits").path, "--quiet"]
    assert subprocess.run(command, preexec_fn=ignoring(signal.SIGCHLD), check=False, timeout=60).returncode == 0


def test_what_is_to_be_ignored_stops_nobody(at_work):
    process, (child,) = at_work(before=ignoring(signal.SIGTSTP))
    process.send_signal(signal.SIGTSTP)
    time.sleep(0.5)
    assert "T" not in {state_and_parent(pid)[0] for pid in (process.pid, child)}


def test_both_stop_and_go_on(at_work):
    process, (child,) = at_work()
    process.send_signal(signal.SIGTSTP)
    assert becomes(lambda: {state_and_parent(pid)[0] for pid in (process.pid, child)} == {"T"})
    process.send_signal(signal.SIGCONT)
    assert becomes(lambda: "T" not in {state_and_parent(pid)[0] for pid in (process.pid, child)})
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM


def test_a_killed_parent_takes_its_child_along(at_work):
    process, (child,) = at_work()
    process.kill()
    process.wait()
    assert is_gone(child)


class Repeated(torch.nn.Module):
    """Work for long, in steps of a moment."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(64, 64, 3, padding=1)

    def forward(self, x):
        for _ in range(400):
            x = self.layer(x)
        return x


def processor_seconds(pid):
    """Without end where there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_an_interrupt_ends_a_run_between_two_steps(graftwork, tmp_path):
    x = torch.zeros(1, 64, 224, 224)
    torch.export.save(torch.export.export(Repeated().eval(), (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    process = subprocess.Popen(
        [graftwork.path, "run", "m.pt2", "--input", "x.npy", "--quiet", "-o", "y.npz"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert becomes(lambda: children_of(process.pid))
    (child,) = children_of(process.pid)
    while processor_seconds(child) < 4:  # opened, and at work
        time.sleep(0.1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    begin = processor_seconds(child)
    while processor_seconds(child) - begin < 5:
        time.sleep(0.05)
    _, told = process.communicate(timeout=1)
    assert process.returncode == 130
    assert "error[interrupted]" in told
    assert not (tmp_path / "y.npz").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect"],
        ["inspect", "--quiet"],
        ["transform"],
        ["plan", "-o", "plan.json"],
        ["explain", "conv1"],
        ["run", "--input", "x.npy", "-o", "y.npz"],
        ["sensitivity", "--data", "x.npy"],
        ["compare", "q.onnx", "--data", "x.npy"],
    ],
    ids=" ".join,
)
def test_every_subcommand_that_opens_a_network_is_isolated(graftwork, exported, tmp_path, arguments):
    """Its child is met while it opens torch, and crashes there."""
    network = exported("digits")
    shutil.copy(network.calibration, tmp_path / "x.npy")
    (tmp_path / "q.onnx").write_bytes(b"")
    process = subprocess.Popen(
        [graftwork.path, arguments[0], network.path, *arguments[1:]], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    found = []
    while not found and process.poll() is None:
        found = children_of(process.pid)
    assert len(found) == 1
    os.kill(found[0], signal.SIGSEGV)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 1
    assert text.startswith(("error[build.torch]: opening the libraries of torch", "error[model.crash]")), text
    assert text.count("error[") == 1


#: Sends the signal whose number is in SIGNAL each time that an output has taken its place.
TELLING_RENAMES = """
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  int (*real)(int, const char*, int, const char*) = dlsym(RTLD_NEXT, "renameat");
  int done = real(from_folder, from, to_folder, to);
  kill(getpid(), atoi(getenv("SIGNAL")));
  return done;
}
"""


@pytest.fixture(scope="module")
def telling_renames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shim")
    (folder / "shim.c").write_text(TELLING_RENAMES)
    command = ["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", "shim.so", "shim.c", "-ldl"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "shim.so"


QUANTIZE = ("quantize", "--calibrate", "x.npy", "-o", "q.onnx", "--report", "r.json", "--html", "r.html")
TRANSFORM = ("transform", "-o", "t.gir", "--report", "r.json")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGXCPU])
@pytest.mark.parametrize(("arguments", "outputs"), [(QUANTIZE, 3), (TRANSFORM, 2)], ids=["quantize", "transform"])
def test_a_signal_between_two_outputs_waits_for_the_last(
    graftwork, exported, tmp_path, telling_renames, number, arguments, outputs
):
    network = exported("digits")
    shutil.copy(network.calibration, tmp_path / "x.npy")
    command, *options = arguments
    done = subprocess.run(
        [graftwork.path, command, network.path, *options],
        cwd=tmp_path,
        env={**os.environ, "LD_PRELOAD": str(telling_renames), "SIGNAL": str(int(number))},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert len(list(tmp_path.iterdir())) == 1 + outputs, done.stderr
    # The first Ctrl-C is a question that nobody asks any more, where there is a guard for it.
    ends = {-number, 1} if number == signal.SIGXCPU else {-number, 0} if number == signal.SIGINT else {-number}
    assert done.returncode in ends, done.stderr


def test_what_is_to_be_ignored_is_ignored_between_outputs_too(graftwork, exported, tmp_path, telling_renames):
    done = subprocess.run(
        [graftwork.path, "transform", exported("digits").path, *TRANSFORM[1:]],
        cwd=tmp_path,
        env={**os.environ, "LD_PRELOAD": str(telling_renames), "SIGNAL": str(int(signal.SIGHUP))},
        preexec_fn=ignoring(signal.SIGHUP),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0
    assert len(list(tmp_path.iterdir())) == 2


def test_a_crash_leaves_no_core_file(at_work):
    _, (child,) = at_work()
    assert resource.prlimit(child, resource.RLIMIT_CORE) == (0, 0)


def test_it_costs_little(graftwork, exported):
    """On the clock of a machine that does other things too: the best of a few, and twice what is promised."""
    pairs = []
    for _, options in itertools.product(range(7), ([], ["--no-isolation"])):
        begin = time.monotonic()
        subprocess.run([graftwork.path, "inspect", exported("digits").path, "--quiet", *options], check=True)
        pairs.append(time.monotonic() - begin)
    isolated, alone = pairs[::2], pairs[1::2]
    print(f"isolation: {1e3 * (statistics.median(isolated) - statistics.median(alone)):.1f} ms")
    assert min(isolated) - min(alone) < 0.06


def test_without_isolation_there_is_one_process(at_work):
    _, children = at_work("--no-isolation")
    assert children == []


def test_results_are_the_same(graftwork, exported, tmp_path):
    network = exported("digits")
    for name, options in (("a", ()), ("b", ("--no-isolation",))):
        graftwork("quantize", network.path, "--calibrate", network.calibration, *options, "-o", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
