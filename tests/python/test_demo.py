"""The demo runs from training to the table, and its figures hold."""

import json
import os
import subprocess
import sys

import numpy as np
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

    # The closing check must notice one digit that the file reads differently without its being close.
    logits = support.only(support.load_npz(tmp_path / "quantized.npz"))
    logits[0, (logits[0].argmax() + 1) % 10] = logits[0].max() + 10
    np.savez(tmp_path / "quantized.npz", output=logits)
    evaluate = support.ROOT / "examples" / "digits" / "evaluate.py"
    spoiled = subprocess.run(
        [sys.executable, evaluate, tmp_path, "--check"], capture_output=True, text=True, check=False
    )
    assert spoiled.returncode == 1
    assert "1 predictions differ beyond a tie" in spoiled.stderr
