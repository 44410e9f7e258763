"""README's Python door, as it stands."""

import onnx
import small_networks as networks

import pages


def test_the_python_door_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"model": networks.residual(), "example_input": networks.images(4), "data": networks.images(16).split(4)}
    exec(pages.block("README.md", "**Python**").body, names)
    onnx.checker.check_model(onnx.load("model_int8.onnx"), full_check=True)
