"""`sensitivity`: its figures are those of `quantize`, a stopped run goes on, and a recipe keeps what it promises."""

import json
import re
import signal
import subprocess
import time

import numpy as np
import onnxruntime
import pytest
import torch

import support
from hostile import seeds
from trained import digits


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the digits CNN, trained: calibration data, test images and their labels."""
    folder, data = tmp_path_factory.mktemp("trained"), digits.data()
    batch = {"x": {0: torch.export.Dim("batch")}}
    example = (torch.from_numpy(data.test[:2]),)
    torch.export.save(torch.export.export(digits.cnn(0), example, dynamic_shapes=batch), folder / "net.pt2")
    np.save(folder / "calibration.npy", data.calibration)
    np.save(folder / "x.npy", data.test[:96])
    np.save(folder / "labels.npy", data.truth[:96])
    return folder


DATA = ("net.pt2", "--data", "x.npy", "--calibrate", "calibration.npy", "--float", "fp32")


def measure(graftwork, folder, output, *options):
    done = graftwork("sensitivity", *DATA, *options, "--report", output, cwd=folder)
    return json.loads(output.read_text()), done


def test_all_but_a_layer_is_what_skipping_it_gives(graftwork, trained, tmp_path):
    """Of layers whose neighbours keep their Q/DQ without them: four of the seven."""
    report, _ = measure(graftwork, trained, tmp_path / "r.json")
    assert report["samples"] == 6, "one in sixteen"
    quantized = tmp_path / "q.json"
    command = (
        "quantize",
        "net.pt2",
        "--calibrate",
        "calibration.npy",
        "--report",
        quantized,
        "-o",
        tmp_path / "q.onnx",
    )
    samples = np.load(trained / "x.npy")
    seen = samples[[i * 96 // 6 for i in range(6)]]
    np.save(tmp_path / "seen.npy", seen)
    expected = run(graftwork, trained, tmp_path, "float")
    assert len(report["layers"]) >= 6
    agreeing = 0
    for layer in report["layers"]:
        found = run(graftwork, trained, tmp_path, "quantized", "--skip", layer["layer"])
        agreeing += abs(support.sqnr_db(expected, found) - layer["all_but"]["sqnr_db"]) < 0.05
    assert agreeing >= 4
    graftwork(*command, cwd=trained)
    whole = run(graftwork, trained, tmp_path, "quantized")
    assert support.sqnr_db(expected, whole) == pytest.approx(report["quantized"]["sqnr_db"], abs=0.05)


def run(graftwork, folder, output, stage, *options):
    calibration = ("--calibrate", "calibration.npy", "--float", "fp32") if stage == "quantized" else ()
    command = ("run", "net.pt2", "--input", output / "seen.npy", "--stage", stage, *calibration, *options)
    graftwork(*command, "-o", output / "y.npz", cwd=folder)
    return support.only(support.load_npz(output / "y.npz"))


def test_ranks_and_labels(graftwork, trained, tmp_path):
    report, done = measure(graftwork, trained, tmp_path / "r.json", "--labels", "labels.npy", "--rank", "top1")
    assert report["samples"] == 96, "with labels all"
    assert report["labels"]["classes"] == 10
    assert report["labels"]["top1_in_float"] > 0.9
    assert "top-1 of output" in done.stdout
    keys = {
        "sqnr": lambda layer: layer["alone"]["sqnr_db"],
        "cosine": lambda layer: layer["alone"]["cosine"],
        "clipped": lambda layer: -layer["clipped"],
        "top1": lambda layer: layer["alone"]["top1"],
    }
    for name, key in keys.items():
        by_rank = sorted(report["layers"], key=lambda layer: layer["ranks"][name])
        assert [layer["ranks"][name] for layer in by_rank] == list(range(1, len(by_rank) + 1))
        values = [key(layer) for layer in by_rank]
        assert values == sorted(values), name
    assert [layer["ranks"]["top1"] for layer in report["layers"]] == list(range(1, len(report["layers"]) + 1))


def test_the_table_keeps_its_columns_apart(graftwork, tmp_path):
    """Where nothing is lost a cosine has the most digits."""
    (tmp_path / "m.pt2").write_bytes(seeds.archive())
    (tmp_path / "x.npy").write_bytes(seeds.npy([1, 3, 8, 8], body=bytes(4 * 3 * 8 * 8)))
    done = graftwork("sensitivity", "m.pt2", "--data", "x.npy", cwd=tmp_path)
    head, row = done.stdout.splitlines()[1:3]
    columns = ["layer", "alone", "cosine", "all but it", "clipped"]
    assert re.split(r" {2,}", head.strip()) == columns
    assert len(re.split(r" {2,}", row.strip())) == len(columns)
    assert "  1.000000000  " in row
    assert len(row) == len(head)


@pytest.mark.parametrize("threads", [1, 3])
def test_figures_depend_on_no_threads(graftwork, trained, tmp_path, threads):
    base, again = tmp_path / "base.json", tmp_path / "again.json"
    graftwork("sensitivity", *DATA, "--report", base, "--quiet", cwd=trained, env={"OMP_NUM_THREADS": "2"})
    graftwork("sensitivity", *DATA, "--report", again, "--quiet", cwd=trained, env={"OMP_NUM_THREADS": str(threads)})
    assert again.read_bytes() == base.read_bytes()


def test_a_stopped_run_goes_on(graftwork, exported, tmp_path):
    """Stopped by Ctrl-C in the middle; the second run takes over what the first measured, and gives the same bytes."""
    source = exported("resnet18")
    command = [graftwork.path, "sensitivity", source.path, "--data", source.calibration, "--samples", "8"]
    whole, resumed, checkpoint = tmp_path / "whole.json", tmp_path / "resumed.json", tmp_path / "c.npz"
    graftwork(*command[1:], "--report", whole, "--quiet")
    first = subprocess.Popen([*map(str, command), "--checkpoint", checkpoint], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + support.TIMEOUT
    while not checkpoint.exists() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGINT)
    told = first.communicate(timeout=support.TIMEOUT)[1]
    if first.returncode:  # else it was faster
        assert first.returncode == 130
        assert "error[interrupted]" in told
        done = np.load(checkpoint)["done"]
        assert done.any()
    graftwork(*command[1:], "--checkpoint", checkpoint, "--report", resumed, "--quiet")
    assert resumed.read_bytes() == whole.read_bytes()
    assert np.load(checkpoint)["done"].all()
    killed = tmp_path / "killed.json"
    graftwork(*command[1:], "--checkpoint", checkpoint, "--report", killed, "--quiet")
    assert killed.read_bytes() == whole.read_bytes()


OTHERS = {
    "of another model": ("other.pt2", "x.npy"),
    "with another recipe": ("net.pt2", "x.npy", "--skip", "stem.0"),
    "calibration data": ("net.pt2", "x.npy", "--limit", "40", "--samples", "6"),
    "on other samples": ("net.pt2", "y.npy"),
    "or labels": ("net.pt2", "x.npy", "--labels", "labels.npy"),
}


CHECKPOINT = ("--calibrate", "calibration.npy", "--checkpoint", "c.npz", "--quiet")


@pytest.fixture(scope="module")
def measured(graftwork, trained, tmp_path_factory):
    """A folder with a whole checkpoint, and with what it is not of."""
    folder = tmp_path_factory.mktemp("measured")
    for name in ("net.pt2", "x.npy", "calibration.npy", "labels.npy"):
        (folder / name).symlink_to(trained / name)
    batch = {"x": {0: torch.export.Dim("batch")}}
    x = np.load(trained / "x.npy")
    other = torch.export.export(digits.cnn(1), (torch.from_numpy(x[:2]),), dynamic_shapes=batch)
    torch.export.save(other, folder / "other.pt2")
    np.save(folder / "y.npy", x[::-1])
    graftwork("sensitivity", "net.pt2", "--data", "x.npy", *CHECKPOINT, cwd=folder)
    return folder


@pytest.mark.parametrize("what", OTHERS)
def test_a_checkpoint_of_something_else_is_refused(graftwork, measured, what):
    before = (measured / "c.npz").read_bytes()
    model, data, *options = OTHERS[what]
    done = graftwork.fails("sensitivity", model, "--data", data, *options, *CHECKPOINT, cwd=measured)
    assert "checkpoint.other" in done.stderr
    assert what in done.stderr
    assert (measured / "c.npz").read_bytes() == before


@pytest.mark.parametrize("spoil", [lambda path: np.savez(path, x=np.zeros(3)), lambda path: path.write_text("text")])
def test_what_is_no_checkpoint_is_refused(graftwork, trained, tmp_path, spoil):
    spoil(tmp_path / "c.npz")
    done = graftwork.fails("sensitivity", *DATA, "--checkpoint", tmp_path / "c.npz", cwd=trained)
    assert "c.npz" in done.stderr


@pytest.mark.parametrize("target", [20, 41, 60])
def test_a_recipe_reaches_its_target(graftwork, trained, tmp_path, target):
    recipe = tmp_path / "recipe.json"
    options = ("--target-sqnr", target, "-o", recipe)
    report, done = measure(graftwork, trained, tmp_path / "r.json", *options)
    found = report["recipe"]
    skipped = json.loads(recipe.read_text())["skip"]
    assert skipped["stub"] == skipped["weight"] == found["skipped"]
    reached = found["reached"]["sqnr_db"]
    assert reached is None or reached >= target
    if target < report["quantized"]["sqnr_db"]:
        assert found["skipped"] == []
    else:
        assert 0 < len(found["skipped"]) <= len(report["layers"])
    assert recipe.name in done.stdout
    np.save(tmp_path / "seen.npy", np.load(trained / "x.npy")[[i * 96 // 6 for i in range(6)]])
    expected = run(graftwork, trained, tmp_path, "float")
    values = run(graftwork, trained, tmp_path, "quantized", "--config", recipe)
    assert support.sqnr_db(expected, values) >= target - 0.05


def test_a_budget_is_spent_on_what_wins_most(graftwork, trained, tmp_path):
    config, recipe = tmp_path / "config.json", tmp_path / "recipe.json"
    config.write_text('{"weight": {"bias_correction": false}, "skip": {"weight": ["classifier"]}}')
    options = ("--budget", 2, "--recipe-out", recipe, "--config", config, "--calibration-method", "minmax")
    report, _ = measure(graftwork, trained, tmp_path / "r.json", *options)
    written = json.loads(recipe.read_text())
    assert len(report["recipe"]["skipped"]) == 2
    assert written["weight"] == {"bias_correction": False, "calibration_method": "minmax"}
    assert written["activation"] == {"calibration_method": "minmax"}
    assert written["skip"]["stub"] == report["recipe"]["skipped"]
    assert written["skip"]["weight"] == ["classifier", *report["recipe"]["skipped"]]
    assert report["recipe"]["reached"]["sqnr_db"] > report["quantized"]["sqnr_db"]
    graftwork(
        "quantize",
        "net.pt2",
        "--calibrate",
        "calibration.npy",
        "--config",
        recipe,
        "-o",
        tmp_path / "q.onnx",
        cwd=trained,
    )
    onnxruntime.InferenceSession(tmp_path / "q.onnx", providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda labels: labels[:5], "there are 5 labels for 96 samples"),
        (lambda labels: labels + 9, "the classes are 0 to 9"),
        (lambda labels: labels[:, None], "labels are whole numbers along one axis"),
        (lambda labels: labels / 2, "labels are whole numbers along one axis"),
    ],
    ids=["too few", "no class", "two axes", "no whole numbers"],
)
def test_labels_must_fit_the_samples(graftwork, trained, tmp_path, change, said):
    """Which is said before anything is calibrated."""
    np.save(tmp_path / "labels.npy", change(np.load(trained / "labels.npy")))
    stderr = graftwork.fails("sensitivity", *DATA, "--labels", tmp_path / "labels.npy", cwd=trained).stderr
    assert "error[data.labels]: " in stderr
    assert said in stderr
    assert f"at  {tmp_path / 'labels.npy'}" in stderr
    assert "calibrat" not in stderr


def test_labels_need_an_output_of_classes(graftwork, tmp_path):
    torch.export.save(torch.export.export(torch.nn.Conv2d(3, 4, 3), (torch.rand(1, 3, 8, 8),)), tmp_path / "net.pt2")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).random((2, 3, 8, 8), np.float32))
    np.save(tmp_path / "labels.npy", np.zeros(2, np.int64))
    command = ("sensitivity", "net.pt2", "--data", "x.npy", "--labels", "labels.npy")
    stderr = graftwork.fails(*command, cwd=tmp_path).stderr
    assert "error[data.labels]: no output of the network is of shape [samples, classes]" in stderr
    assert "at  labels.npy" in stderr
    assert "calibrat" not in stderr


def test_a_limit_holds_for_the_data_alone(graftwork, trained, tmp_path):
    np.save(tmp_path / "few.npy", np.load(trained / "x.npy")[:20])
    layers = []
    for data in (("x.npy", "--limit", 20), (tmp_path / "few.npy",)):
        report = tmp_path / f"{len(layers)}.json"
        graftwork("sensitivity", "net.pt2", "--data", *data, "--quiet", "--report", report, cwd=trained)
        layers.append(json.loads(report.read_text())["layers"])
    assert layers[0] == layers[1]


def test_a_plan_of_stubs_leaves_no_room_for_a_recipe(graftwork, exported, tmp_path):
    source = exported("digits")
    graftwork("plan", source.path, "--quantize", "-o", tmp_path / "plan.json")
    command = ("sensitivity", source.path, "--data", source.calibration, "--plan", tmp_path / "plan.json", "--quiet")
    graftwork(*command)
    done = graftwork.fails(*command, "--budget", 1, "-o", tmp_path / "r.json")
    assert "plan" in done.stderr


def test_transformers_are_measured_too(graftwork, exported, tmp_path):
    source = exported("encoder")
    graftwork("sensitivity", source.path, "--data", source.calibration, "--report", tmp_path / "r.json", "--quiet")
    report = json.loads((tmp_path / "r.json").read_text())
    assert len(report["layers"]) == len({layer["module"] for layer in report["layers"]}) > 4
