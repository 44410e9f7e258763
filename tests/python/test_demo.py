"""The demo runs from training to the table, and its figures hold."""

import json
import os
import subprocess

import onnx

import support


def test_demo_ends_with_its_table(graftwork, tmp_path):
    done = subprocess.run(
        [support.ROOT / "examples" / "digits" / "demo.sh", "--out", tmp_path],
        env={**os.environ, "GRAFTWORK_COMMAND": str(graftwork.path), "WITH_RTX": "0"},
        capture_output=True,
        text=True,
        timeout=support.TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for label in ("fused modules", "Q/DQ pairs", "accuracy", "predictions"):
        assert label in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["qdq_pairs"]["weights"] == 6
    onnx.checker.check_model(str(tmp_path / "digits_int8.onnx"), full_check=True)
