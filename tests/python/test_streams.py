"""Standard output that is closed, full or read by nobody: the files stay, the exit status says so, with one message."""

import shutil
import subprocess

import pytest


@pytest.fixture(scope="module")
def folder(exported, tmp_path_factory):
    network = exported("digits")
    folder = tmp_path_factory.mktemp("streams")
    (folder / "m.pt2").symlink_to(network.path)
    (folder / "x.npy").symlink_to(network.calibration)
    return folder


@pytest.fixture
def shell(graftwork, folder):
    """Runs `graftwork ARGUMENTS` with what stands behind it in a shell; the status, and what it said."""

    def run(arguments, behind, before=""):
        command = f"{before} set -o pipefail; {graftwork.path} {arguments} {behind}"
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False, timeout=120
        )
        return done.returncode, done.stderr

    return run


QUANTIZE = "quantize m.pt2 --calibrate x.npy -o q.onnx"


@pytest.fixture(scope="module")
def expected(graftwork, folder):
    graftwork(*QUANTIZE.replace("q.onnx", "expected.onnx").split(), cwd=folder)
    return (folder / "expected.onnx").read_bytes()


@pytest.mark.parametrize("behind", [">&-", ">/dev/full", "| true", "<&- >&-"])
@pytest.mark.parametrize("arguments", [QUANTIZE, QUANTIZE + " --no-isolation"])
def test_the_file_stays(shell, folder, expected, arguments, behind):
    (folder / "q.onnx").unlink(missing_ok=True)
    # Nothing reads a pipe whose other end is gone by the time that it is written to.
    status, said = shell(arguments, behind)
    assert status == 1
    assert said.count("error[") == 1
    assert "\nerror[file.unwritable]: cannot write to standard output: " in said
    assert (folder / "q.onnx").read_bytes() == expected


@pytest.mark.parametrize("behind", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_messages_may_be_lost(shell, folder, expected, behind):
    (folder / "q.onnx").unlink(missing_ok=True)
    status, _ = shell(QUANTIZE + " > summary.txt", behind)
    assert status == 0
    assert (folder / "q.onnx").read_bytes() == expected
    assert "q.onnx" in (folder / "summary.txt").read_text()
    status, _ = shell("quantize m.pt2 --calibrate none.npy -o n.onnx", behind)
    assert status == 1


def test_nothing_at_all_is_open(shell, folder, expected):
    (folder / "q.onnx").unlink(missing_ok=True)
    assert shell(QUANTIZE, "<&- >&- 2>&-")[0] == 1
    assert (folder / "q.onnx").read_bytes() == expected


def test_a_reader_that_has_enough(shell):
    status, said = shell("inspect m.pt2", "| head -c 10 >/dev/null")
    assert status in (0, 1)  # the rest may lie in the pipe
    assert said in ("", "error[file.unwritable]: cannot write to standard output: Broken pipe\n")


@pytest.mark.parametrize("arguments", ["inspect {0}/m.pt2", QUANTIZE, "transform {0}/m.pt2 -o t.gir"])
def test_a_folder_that_is_gone(shell, folder, arguments):
    status, said = shell(arguments.format(folder), "", "mkdir gone; cd gone; rmdir ../gone;")
    assert status == 1
    assert said.startswith("error[file.folder]: the working folder is gone: No such file or directory\n  try ")


@pytest.mark.parametrize("kept", [0, 1000, 0.5])
def test_a_library_that_is_cut_off(graftwork, folder, tmp_path, kept):
    built = graftwork.path.parents[1]
    library = built / "lib" / "graftwork" / "libgraftwork_torch.so"
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib" / "graftwork").mkdir(parents=True)
    shutil.copy(graftwork.path, tmp_path / "bin")
    body = library.read_bytes()
    size = int(kept * len(body)) if kept < 1 else kept
    (tmp_path / "lib" / "graftwork" / library.name).write_bytes(body[:size])
    done = subprocess.run(
        [tmp_path / "bin" / "graftwork", "inspect", folder / "m.pt2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error[build.torch]: ")
    assert done.stderr.count("error[") == 1
