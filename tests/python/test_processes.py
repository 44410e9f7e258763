"""A calibration in parts, by several processes or one that is interrupted, has the bytes of one that does it all."""

import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

import zoo

SAMPLES = 30


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "x.npy"
    np.save(path, zoo.samples("digits", SAMPLES, seed=5).numpy())
    return path


def arguments(exported, data, output, *options):
    return ["quantize", exported("digits").path, "--calibrate", data, *options, "-o", output]


@pytest.fixture
def alone(graftwork, exported, data, tmp_path):
    def run(*options):
        graftwork(*arguments(exported, data, tmp_path / "alone.onnx", *options))
        return (tmp_path / "alone.onnx").read_bytes()

    return run


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def started(graftwork, command, rank, size, port):
    job = {"RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": 1}
    return subprocess.Popen(
        [graftwork.path, *map(str, command)],
        env={**os.environ, **{name: str(value) for name, value in job.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(processes):
    texts = [process.communicate(timeout=120) for process in processes]
    return [(process.returncode, *text) for process, text in zip(processes, texts, strict=True)]


@pytest.mark.parametrize("method", ["minmax", "mse", "moving_average_minmax"])
def test_three_processes_write_the_bytes_of_one(alone, graftwork, exported, data, tmp_path, method):
    expected = alone("--calibration-method", method)
    output = tmp_path / "three.onnx"
    command = arguments(exported, data, output, "--calibration-method", method)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--no-python", "--nproc-per-node", "3"]
    torchrun += ["--master-port", str(free_port())]
    done = subprocess.run(
        [*torchrun, graftwork.path, *map(str, command)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert output.read_bytes() == expected
    assert done.stdout.count("SQNR on ") == 1, "one of them says what became of it"


def test_more_processes_than_samples(alone, graftwork, exported, data, tmp_path):
    expected = alone("--limit", "2")
    port = free_port()
    command = arguments(exported, data, tmp_path / "many.onnx", "--limit", "2")
    assert [code for code, *_ in finished([started(graftwork, command, rank, 4, port) for rank in range(4)])] == [0] * 4
    assert (tmp_path / "many.onnx").read_bytes() == expected


def test_none_leaves_before_the_others_have_read(graftwork, exported, data, tmp_path):
    """The first process holds what they share: with little to do behind the last exchange it could be gone too soon."""
    command = arguments(exported, data, tmp_path / "a.onnx", "--no-losses", "--limit", "2")
    for _ in range(8):
        port = free_port()
        results = finished([started(graftwork, command, rank, 3, port) for rank in range(3)])
        assert [code for code, *_ in results] == [0] * 3, results


def test_one_that_fails_ends_the_others(graftwork, exported, data, tmp_path):
    port = free_port()
    good = arguments(exported, data, tmp_path / "a.onnx")
    bad = arguments(exported, tmp_path / "missing.npy", tmp_path / "a.onnx")
    (first, _, told), (second, _, reason) = finished(
        [started(graftwork, good, 0, 2, port), started(graftwork, bad, 1, 2, port)]
    )
    assert first != 0
    assert "error[process.failed]: process 1 of 2 has failed" in told
    assert second != 0
    assert "missing.npy" in reason
    assert not (tmp_path / "a.onnx").exists()


def test_processes_with_other_data_are_told_apart(graftwork, exported, data, tmp_path):
    np.save(tmp_path / "other.npy", zoo.samples("digits", SAMPLES, seed=6).numpy())
    port = free_port()
    commands = [arguments(exported, samples, tmp_path / "a.onnx") for samples in (data, tmp_path / "other.npy")]
    results = finished([started(graftwork, command, rank, 2, port) for rank, command in enumerate(commands)])
    assert all(code != 0 for code, *_ in results)
    assert "error[process.other]: process 1 has another model, recipe or data than process 0" in results[0][2]


@pytest.mark.parametrize(("name", "value"), [("RANK", "x"), ("RANK", "2"), ("WORLD_SIZE", "-1"), ("MASTER_PORT", "0")])
def test_variables_that_make_no_sense(graftwork, exported, data, tmp_path, name, value):
    job = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", name: value}
    command = arguments(exported, data, tmp_path / "a.onnx")
    done = graftwork.run(*command, env=job)
    assert done.returncode == 1
    assert f'error[process.environment]: the variable {name} is "{value}"' in done.stderr


@pytest.mark.parametrize("method", ["mse", "moving_average_minmax"])
def test_an_interrupted_calibration_goes_on(alone, graftwork, exported, tmp_path, method):
    samples = tmp_path / "many.npy"
    np.save(samples, np.resize(zoo.samples("resnet18", 32, seed=5).numpy(), (300, 3, 64, 64)))
    options = ("--calibration-method", method, "--no-losses")

    def command(output, *more):
        return ["quantize", exported("resnet18").path, "--calibrate", samples, *options, *more, "-o", output]

    checkpoint = tmp_path / "seen.ckpt"
    process = subprocess.Popen(
        [graftwork.path, *map(str, command(tmp_path / "part.onnx", "--checkpoint", checkpoint))],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode != 0, told
    graftwork(*command(tmp_path / "rest.onnx", "--checkpoint", checkpoint))
    graftwork(*command(tmp_path / "whole.onnx"))
    assert (tmp_path / "rest.onnx").read_bytes() == (tmp_path / "whole.onnx").read_bytes()
    # Complete, it serves as it is.
    graftwork(*command(tmp_path / "again.onnx", "--checkpoint", checkpoint))
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "whole.onnx").read_bytes()


def test_checkpoints_that_do_not_fit(graftwork, exported, data, tmp_path):
    checkpoint = tmp_path / "seen.ckpt"
    command = arguments(exported, data, tmp_path / "a.onnx", "--checkpoint", checkpoint)
    graftwork(*command)
    good = checkpoint.read_bytes()
    other = graftwork.fails(*command, "--calibration-method", "minmax").stderr
    assert "error[checkpoint.other]: the checkpoint is of another model, recipe or data" in other
    for bad in (good[:-1], good[: len(good) // 2], b"something else", good[:40] + b"\xff" + good[41:]):
        checkpoint.write_bytes(bad)
        told = graftwork.fails(*command).stderr
        assert "error[checkpoint.damaged]" in told
        assert str(checkpoint) in told
        assert checkpoint.read_bytes() == bad, "it is left alone"
    checkpoint.write_bytes(good)
    graftwork(*command)
