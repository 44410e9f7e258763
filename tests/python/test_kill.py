"""kill -9 while a file is written: at its place stands nothing, the old file, or the new one, byte for byte."""

import random
import re
import resource
import signal
import subprocess
import time

import pytest

#: Moments for each kind of file; seeded, so that a failure has a number.
KILLS = 40
PART = re.compile(r"\.[0-9a-f]{24}\.graftwork-part$")
#: Of a model's weights: by what they are.
DATA = re.compile(r"file\.[0-9a-f]{16}\.data")


@pytest.fixture(scope="module")
def graftwork(started):
    return started


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def contents(path):
    """The bytes of a file and of the data file that it names; None for what is not there."""
    if not path.exists():
        return None, None
    content = path.read_bytes()
    named = DATA.search(content.decode("latin1"))
    return content, path.with_name(named[0]).read_bytes() if named else None


@pytest.fixture(scope="module")
def writer(graftwork):
    path = graftwork.path.parent / "graftwork_writer"
    assert path.exists(), f"{path} does not exist; run `make build`"
    return path


@pytest.mark.parametrize("kind", ["onnx", "onnx-data", "npz", "text"])
def test_a_killed_writer_leaves_no_half_file(writer, tmp_path, kind):
    chance = random.Random(kind)
    whole, reference = [], tmp_path / "reference"
    reference.mkdir()
    for version in (0, 1):
        subprocess.run([writer, kind, reference / "file", str(version)], check=True)
        whole.append(contents(reference / "file"))
    assert whole[0] != whole[1]
    started = time.monotonic()
    subprocess.run([writer, kind, reference / "file", "0"], check=True)
    longest = 3 * (time.monotonic() - started)

    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "file"
    halves, found = 0, set()
    for number in range(KILLS):
        process = subprocess.Popen([writer, kind, path, "forever"])
        time.sleep(chance.uniform(0, longest))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found_pair = contents(path)
        state = whole.index(found_pair) if found_pair in whole else "absent" if found_pair[0] is None else "broken"
        assert state != "broken", f"{kind}, kill {number}: neither version"
        # Data of a model that has not come yet, or has just gone, is whole too.
        for other in filter(DATA.fullmatch, listing(folder)):
            assert (folder / other).read_bytes() in {version[1] for version in whole}, f"{kind}, kill {number}: half"
        strange = [n for n in listing(folder) if n != "file" and not DATA.fullmatch(n) and not PART.search(n)]
        assert not strange, strange
        halves += any(map(PART.search, listing(folder)))
        found.add(state)
        if number % 4 == 3:
            # The next run removes what is left, and its own files remain.
            subprocess.run([writer, kind, path, "1"], check=True)
            assert contents(path) == whole[1]
            assert not list(filter(PART.search, listing(folder)))
    assert halves > 0, "no kill came while a file was being written: the test proves nothing"
    assert found & {0, 1}


def test_a_killed_quantize_leaves_no_half_file(graftwork, exported, tmp_path):
    source = exported("digits")
    command = ["quantize", source.path, "--calibrate", source.calibration, "--quiet"]
    started = time.monotonic()
    graftwork(*command, "-o", tmp_path / "whole.onnx", "--report", tmp_path / "whole.json")
    took = time.monotonic() - started
    whole = (tmp_path / "whole.onnx").read_bytes()
    chance = random.Random(9)
    folder = tmp_path / "out"
    folder.mkdir()
    for number in range(10):
        old = b"an older file" if number % 2 else None
        if old:
            (folder / "out.onnx").write_bytes(old)
        process = subprocess.Popen(
            list(map(str, [graftwork.path, *command, "-o", folder / "out.onnx"])), stderr=subprocess.DEVNULL
        )
        time.sleep(chance.uniform(0.5 * took, 1.1 * took))
        process.kill()
        process.wait()
        now = (folder / "out.onnx").read_bytes() if (folder / "out.onnx").exists() else None
        assert now in (old, whole), f"kill {number}"
        assert all(name == "out.onnx" or PART.search(name) for name in listing(folder))
        (folder / "out.onnx").unlink(missing_ok=True)
    graftwork(*command, "-o", folder / "out.onnx")
    assert listing(folder) == ["out.onnx"]


def limit_files(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_disk_too_full_for_the_report_keeps_the_old_model_too(graftwork, exported, tmp_path):
    source = exported("digits")
    command = ["quantize", source.path, "--calibrate", source.calibration, "--quiet", "-o", "o.onnx"]
    outputs = ["--report", "r.json", "--html", "r.html", "--config-out", "c.json", "--scales-out", "s.txt"]
    graftwork(*command, *outputs, cwd=tmp_path)
    sizes = {name: (tmp_path / name).stat().st_size for name in listing(tmp_path)}
    assert sizes["o.onnx"] < sizes["r.html"]
    for name in sizes:
        (tmp_path / name).write_text("old")
    done = subprocess.run(
        [graftwork.path, *command, *outputs],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=limit_files((sizes["o.onnx"] + sizes["r.html"]) // 2),
        check=False,
    )
    assert done.returncode == 1
    assert "error[file.unwritable]: cannot write r.html: File too large" in done.stderr
    assert {name: (tmp_path / name).read_text() for name in listing(tmp_path)} == dict.fromkeys(sizes, "old")


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_full_disk_is_told_and_leaves_nothing(graftwork, exported, tmp_path, size):
    source = exported("digits")
    (tmp_path / "out.onnx").write_text("old")
    done = subprocess.run(
        [graftwork.path, "quantize", source.path, "--calibrate", source.calibration, "-o", "out.onnx"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=limit_files(size),
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("error[") == 1
    assert "error[file.unwritable]: cannot write out.onnx: File too large" in done.stderr
    assert "freeing disk space" in done.stderr
    assert listing(tmp_path) == ["out.onnx"]
    assert (tmp_path / "out.onnx").read_text() == "old"
