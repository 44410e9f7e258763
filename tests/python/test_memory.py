"""What commands need at their peak: a few times a layer's weights, and no more than they say before they run."""

import io
import os
import re
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from hostile import bounds, npz, seeds
from hostile.zips import deflated, zip_bytes
from test_isolation import children_of

FEATURES, UNITS = 12544, 4096
WEIGHTS = 4 * FEATURES * UNITS


@pytest.fixture(scope="module")
def graftwork(started):
    return started


def save(folder, model, x):
    torch.export.save(torch.export.export(model.eval(), (x,)), folder / "m.pt2")
    np.savez(folder / "c.npz", input=x.numpy())
    return folder


QUANTIZE = ("quantize", "m.pt2", "--calibrate", "c.npz", "-o", "m.onnx")


MOST_RESIDENT = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak(folder, *command, **environment):
    """Bytes that a command had at most; asked of a process of its own, as the memory of whoever forks counts until the
    command has begun."""
    asked = (sys.executable, "-c", MOST_RESIDENT, *command)
    done = subprocess.run(asked, cwd=folder, env=os.environ | environment, capture_output=True, check=True)
    return 1024 * int(done.stdout)


def peak_of_quantize(graftwork, folder):
    taken = peak(folder, graftwork.path, *QUANTIZE, "--quiet")
    assert (folder / "m.onnx").exists()
    return taken


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A large linear layer and one sample."""
    return save(tmp_path_factory.mktemp("large"), nn.Linear(FEATURES, UNITS), torch.randn(2, FEATURES))


def stated_bytes(report):
    """Of "takes about 1.2 GB of memory"."""
    number, unit = re.search(r"takes about ([\d.]+) ([kMG]B) of memory", report).groups()
    return float(number) * {"kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def test_a_large_layer_takes_a_few_times_its_weights_and_about_what_was_said(graftwork, large, tmp_path):
    small = save(tmp_path, nn.Linear(16, 16), torch.randn(2, 16))
    taken = peak_of_quantize(graftwork, large) - peak_of_quantize(graftwork, small)
    assert taken / WEIGHTS < 4
    refusal = graftwork.fails(*QUANTIZE, "--memory-limit", "1MB", codes=(1,), cwd=large)
    assert 1 / 3 < taken / stated_bytes(refusal.stderr) < 3


def test_what_cannot_be_written_is_refused_before_the_calibration(graftwork, large):
    (large / "m.onnx").unlink(missing_ok=True)
    refusal = graftwork.fails(*QUANTIZE, "--memory-limit", "1MB", codes=(1,), cwd=large)
    assert "error[memory.limit]: writing the file takes about" in refusal.stderr
    assert "calibrating" not in refusal.stderr
    limit = int(0.99 * stated_bytes(refusal.stderr))
    assert "error[memory.limit]: writing" in graftwork.fails(*QUANTIZE, f"--memory-limit={limit}B", cwd=large).stderr
    assert not (large / "m.onnx").exists()


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A network that takes little to store and half a gigabyte to run."""
    folder = tmp_path_factory.mktemp("wide")
    x = torch.zeros(2, 1, 16, 16)
    model = nn.Sequential(nn.Upsample(scale_factor=64), nn.Conv2d(1, 64, 1), nn.ReLU()).eval()
    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("n")},)), folder / "m.pt2")
    np.save(folder / "x.npy", np.zeros((4, 1, 16, 16), np.float32))
    np.save(folder / "one.npy", np.zeros((1, 1, 16, 16), np.float32))
    return folder


RUNS = {
    "run": ("run", "m.pt2", "--input", "x.npy", "-o", "y.npz"),
    "quantize": ("quantize", "m.pt2", "--calibrate", "x.npy", "-o", "y.onnx"),
    "compare": ("compare", "m.pt2", "--data", "x.npy"),
    "sensitivity": ("sensitivity", "m.pt2", "--data", "x.npy"),
}


@pytest.mark.parametrize("command", RUNS)
def test_a_run_that_does_not_fit_is_refused_first(graftwork, wide, command):
    done = graftwork.fails(*RUNS[command], "--memory-limit", "300MB", "--quiet", codes=(1,), cwd=wide)
    assert re.search(
        r"error\[memory.limit\]: (running|measuring) .* takes about [\d.]+ [MG]B of memory at %\w+, which is",
        done.stderr,
    )
    assert "there are 300.0 MB" in done.stderr
    assert "--memory-limit" in done.stderr
    assert not (wide / RUNS[command][-1]).exists() or command in ("compare", "sensitivity")


@pytest.mark.parametrize("isolation", [(), ("--no-isolation",)], ids=["child", "alone"])
def test_samples_may_be_larger_than_the_machine(graftwork, wide, isolation):
    """They are mapped: what is read of them is all that comes into memory."""
    header = io.BytesIO()
    count = 2**40 // (16 * 16 * 4)  # a terabyte
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (count, 1, 16, 16)})
    with open(wide / "long.npy", "wb") as file:
        file.write(header.getvalue())
        file.truncate(file.tell() + count * 16 * 16 * 4)
    command = "quantize m.pt2 --calibrate long.npy --limit 2 --no-losses -o long.onnx"
    graftwork(*command.split(), *isolation, cwd=wide)
    assert (wide / "long.onnx").exists()


def taken_on_top(graftwork, folder, command, limit, **environment):
    """Bytes at most, without those that opening the network takes."""
    alone = (graftwork.path, *command, "--quiet", "--no-isolation", "--memory-limit")
    refused, done = (peak(folder, *alone, size, **environment) for size in ("1kB", limit))
    return done - refused


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, 16, 256, 256))

    def forward(self, x):
        return x @ self.weight


class Attention(nn.Module):
    def forward(self, x):
        return torch.softmax(x @ x.transpose(-1, -2) / 8, -1) @ x


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


NETWORKS = {
    "convolution": (lambda: nn.Conv2d(3, 64, 3, padding=1), (4, 3, 256, 256)),
    "convolution_in_double": (lambda: nn.Conv2d(16, 16, 3, padding=1).double(), (2, 16, 256, 256)),
    "transposed": (lambda: nn.ConvTranspose2d(8, 64, 4, stride=4), (4, 8, 64, 64)),
    "lstm": (lambda: Recurrent(nn.LSTM(64, 256, 2, batch_first=True)), (512, 100, 64)),
    "gru": (lambda: Recurrent(nn.GRU(64, 256, batch_first=True)), (256, 100, 64)),
    "product": (Product, (8, 1, 256, 256)),
    "attention": (Attention, (2, 8, 1024, 64)),
    "upsample": (lambda: nn.Sequential(nn.Upsample(scale_factor=32), nn.Conv2d(1, 64, 1), nn.ReLU()), (1, 1, 16, 16)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_the_refusal_says_is_near_to_what_the_run_takes(graftwork, tmp_path, name):
    make, shape = NETWORKS[name]
    model = make().eval()
    x = torch.zeros(shape, dtype=next(model.parameters(), torch.zeros(1)).dtype)
    torch.export.save(torch.export.export(model, (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    refusal = graftwork.fails(*RUNS["run"], "--memory-limit", "1MB", cwd=tmp_path)
    predicted = stated_bytes(refusal.stderr)
    assert 0.6 < predicted / taken_on_top(graftwork, tmp_path, RUNS["run"], "8GB") < 1.5


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """A network of many values, of which few live at once."""
    folder = tmp_path_factory.mktemp("deep")
    x = torch.randn(2, 3, 256, 256)
    layers = [layer for _ in range(12) for layer in (nn.Conv2d(64, 64, 1), nn.ReLU())]
    model = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), *layers).eval()
    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=({0: torch.export.Dim("n")},)), folder / "m.pt2")
    np.save(folder / "x.npy", x.repeat(2, 1, 1, 1).numpy())
    return folder


@pytest.mark.parametrize("command", ["quantize", "compare", "sensitivity"])
def test_the_limit_holds(graftwork, deep, command):
    """What is measured beside the calibration, on values of two networks, counts too. Malloc gives back what is freed:
    otherwise chance decides how much it keeps, up to two fifths more."""
    limit = 200e6
    gives_back = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
    assert taken_on_top(graftwork, deep, RUNS[command], f"{limit / 1e6:.0f}MB", **gives_back) <= limit


def test_losses_that_do_not_fit_can_be_left_out(graftwork, deep):
    command = (*RUNS["quantize"], "--quiet", "--memory-limit", "75MB")
    done = graftwork.fails(*command, codes=(1,), cwd=deep)
    assert "error[memory.losses]: measuring what quantization loses takes about" in done.stderr
    assert "--no-losses" in done.stderr
    graftwork(*command, "--no-losses", cwd=deep)


def test_calibration_takes_fewer_threads_before_it_is_refused(graftwork, wide):
    """One micro-batch fits, and the file is the same as with all threads."""
    files = []
    for limit in ("600MB", "8GB"):
        command = (*RUNS["quantize"][:-1], f"{limit}.onnx", "--no-losses")
        taken = taken_on_top(graftwork, wide, command, limit)
        assert limit == "8GB" or taken <= 1.3 * 600e6
        files.append((wide / f"{limit}.onnx").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("size", ["x", "-1GB", "0", "8XB", "1e999", "GB", "8GBB", "1e30", "8  GB", "8 ", " 8GB"])
def test_a_limit_is_a_size(graftwork, wide, size):
    done = graftwork.fails(*RUNS["run"], f"--memory-limit={size}", codes=(2,), cwd=wide)
    assert "error[usage]" in done.stderr
    assert "is no size: a number of bytes, or one of KB, MB, GB or TB, as in 500MB or 8 GiB" in done.stderr


@pytest.mark.parametrize("size", ["8GB", "8 GB", "8 gib", "8 G", "8000000000"])
def test_a_size_may_have_a_blank(graftwork, wide, size):
    graftwork(*RUNS["run"], f"--memory-limit={size}", "--quiet", cwd=wide)


def test_a_picture_that_unpacks_to_a_gigabyte_is_refused(graftwork, wide):
    (wide / "bomb.png").write_bytes(bounds.grey_png(16_384, 16_384))
    done = graftwork.fails("run", "m.pt2", "--input", "bomb.png", "-o", "y.npz", codes=(1,), cwd=wide)
    assert "error[data.image]" in done.stderr
    assert "too much for a file of" in done.stderr


# ---- arrays ---------------------------------------------------------------------------------------------


def limited_to_two_gib(graftwork, folder, *arguments):
    """Runs a command whose memory of its own is limited."""

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (2**31, resource.getrlimit(resource.RLIMIT_DATA)[1]))

    command = [graftwork.path, *arguments]
    return subprocess.run(command, cwd=folder, preexec_fn=limit, capture_output=True, text=True, timeout=120)


RUN = ("run", "good.pt2", "-o", "y.npz")
#: Says to unpack to 300 MB, of which there are 20: whoever unpacks it says that it is damaged.
HUGE = {"claimed": 300_000_000, "megabytes": 20, "filler": 500_000}


@pytest.fixture
def good(tmp_path):
    (tmp_path / "good.pt2").write_bytes(seeds.archive())
    (tmp_path / "x.npy").write_bytes(seeds.samples(1))
    return tmp_path


def archive_of(path, *parts):
    path.write_bytes(zip_bytes(list(parts)))
    return path.name


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("junk", (), r"error\[run.input\]: the network has no input \"junk\""),
        (
            "x",
            ("--memory-limit", "100MB"),
            r"error\[memory.limit\]: unpacking .* takes 300.0 MB of memory; there are 100",
        ),
        ("x", ("--memory-limit", "1GB"), r"error\[archive.corrupt\]"),
    ],
)
def test_an_array_is_asked_for_name_and_size_before_it_is_unpacked(graftwork, good, name, options, words):
    honest = [deflated("x.npy", seeds.samples(1))] if name != "x" else []
    file = archive_of(good / "bomb.npz", *honest, npz.bomb(name=f"{name}.npy", **HUGE))
    done = graftwork.fails(*RUN, "--input", file, *options, codes=(1,), cwd=good)
    assert re.search(words, done.stderr)
    assert "bomb.npz" in done.stderr


def test_an_array_of_another_shape_or_type_is_not_unpacked(graftwork, good):
    for part in (npz.bomb(name="x.npy", **HUGE, shape=(1, 64, 8)), npz.bomb(name="x.npy", **HUGE, descr="<i4")):
        done = graftwork.fails(*RUN, "--input", archive_of(good / "bomb.npz", part), codes=(1,), cwd=good)
        assert "error[nn.input]: input x is f32[" in done.stderr
    (good / "bad.npy").write_bytes(seeds.npy([1, 64, 8], body=b""))  # shorter than it says
    done = graftwork.fails(*RUN, "--input", "bad.npy", codes=(1,), cwd=good)
    assert "error[nn.input]: input x is f32[" in done.stderr


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("junk", {}, "run.value"),
        ("relu", {"shape": (1, 64, 8)}, "run.override"),
        ("relu", {"shape": (4, 8, 8)}, "memory.limit"),
    ],
)
def test_an_override_is_asked_for_name_and_shape_before_it_is_unpacked(graftwork, good, name, options, code):
    file = archive_of(good / "bomb.npz", npz.bomb(name=f"{name}.npy", **HUGE, **options))
    limit = ("--memory-limit", "100MB") if code == "memory.limit" else ()
    done = graftwork.fails(*RUN, "--input", "x.npy", "--override", file, *limit, codes=(1,), cwd=good)
    assert f"error[{code}]" in done.stderr


def test_samples_are_not_unpacked_beyond_the_limit(graftwork, good):
    file = archive_of(good / "bomb.npz", npz.bomb(name="x.npy", **HUGE))
    command = ("quantize", "good.pt2", "--calibrate", file, "--limit", "1", "-o", "o.onnx")
    done = graftwork.fails(*command, "--memory-limit", "100MB", codes=(1,), cwd=good)
    assert re.search(r"error\[memory.limit\]: unpacking .* takes 300.0 MB of memory; there are 100", done.stderr)


def test_pictures_are_not_made_beyond_the_limit(graftwork, tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    sizes = {axis: torch.export.Dim.AUTO for axis in (2, 3)}
    program = torch.export.export(network, (torch.zeros(1, 3, 32, 32),), dynamic_shapes=(sizes,))
    torch.export.save(program, tmp_path / "m.pt2")
    (tmp_path / "p").mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "p" / "a.png")
    limited = (
        graftwork.path,
        "quantize",
        "m.pt2",
        "--calibrate",
        "p",
        "-o",
        "o.onnx",
        "--quiet",
        "--memory-limit=500MB",
    )
    small, large = (peak(tmp_path, *limited, "--image-size", size) for size in ("32", "20000"))
    assert large - small < 50e6
    done = graftwork.fails(*limited[1:], "--image-size", "20000", codes=(1,), cwd=tmp_path)
    assert "error[memory.limit]: making 1 sample of pictures takes about 10.8 GB of memory" in done.stderr


def test_samples_are_not_unpacked_beyond_what_the_process_has_left(graftwork, good):
    file = archive_of(good / "bomb.npz", npz.bomb(3_000_000_000, filler=5_000_000))
    done = limited_to_two_gib(graftwork, good, "quantize", "good.pt2", "--calibrate", file, "-o", "o.onnx")
    assert done.returncode == 1
    assert "error[memory.limit]: unpacking the arrays takes 3.0 GB of memory" in done.stderr


# ---- what no shape tells --------------------------------------------------------------------------------


def data_limit(pid):
    """Bytes that the process may have of its own; infinity where nothing limits them."""
    with open(f"/proc/{pid}/limits") as limits:
        (line,) = (line for line in limits if line.startswith("Max data size"))
    soft = line.split()[3]
    return float("inf") if soft == "unlimited" else int(soft)


def while_calibrating(graftwork, folder, look, *options):
    """What `look` sees of the process that calibrates, which is held meanwhile."""
    command = [graftwork.path, *RUNS["quantize"], *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert "calibrating" in process.stderr.readline()
        works = process.pid if options else children_of(process.pid)[0]
        os.kill(works, signal.SIGSTOP)
        return look(works)
    finally:
        for pid in {process.pid, *children_of(process.pid)}:
            os.kill(pid, signal.SIGKILL)
        process.communicate()


def test_a_process_that_runs_a_network_is_held_to_what_the_machine_has(graftwork, wide):
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert while_calibrating(graftwork, wide, data_limit) <= machine + 2**31
    assert while_calibrating(graftwork, wide, data_limit, "--no-isolation") == data_limit("self")


class SquareOfWhatIsSelected(nn.Module):
    def forward(self, x):
        found = torch.masked_select(x, x > 0)
        return found[:, None] * found[None, :]


def test_a_size_that_only_the_run_knows_ends_in_one_message(graftwork, tmp_path):
    """Four gigabytes of what 131 kB selected, for a process that may have two."""
    x = torch.ones(2**15)
    torch.export.save(torch.export.export(SquareOfWhatIsSelected(), (x,)), tmp_path / "m.pt2")
    np.save(tmp_path / "x.npy", x.numpy())
    done = limited_to_two_gib(graftwork, tmp_path, "run", "m.pt2", "--input", "x.npy", "-o", "y.npz")
    assert done.returncode == 1
    assert re.match(r"error\[memory(\.limit)?\]: ", done.stderr)
    assert done.stderr.count("error[") == 1
    assert not (tmp_path / "y.npz").exists()
