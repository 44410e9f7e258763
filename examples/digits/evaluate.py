"""Compares the float network, the fake-quantized one and the ONNX file on the held-out digits.

    python evaluate.py FOLDER [FOLDER...] [--check]

A folder is what demo.sh leaves: labels.npy, heldout.npy, float.npz (from `graftwork run`), report.json (from `graftwork
quantize`), rtx.json where NVIDIA's compiler was asked, and twice what quantization made: digits_int8.onnx beside
quantized.npz with FP16 around INT8, digits_int8_fp32.onnx beside quantized_fp32.npz with FP32, where nothing but the
codes is rounded. One folder gives the whole table; several give a line each and the mean loss.

--check exits with 1 when a file's prediction is not the fake-quantized one, but for ties (the two digits lie within one
step in the fake-quantized result), or when the mean loss over several folders exceeds 0.3 points.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

HIGHEST_MEAN_LOSS = 0.3  # points
CAST_TO = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


def run_onnx(model, images):
    """All outputs of the ONNX file, with graph optimisation off: what the file says is what runs."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    wanted = session.get_inputs()[0]
    return [np.asarray(y, np.float32) for y in session.run(None, {wanted.name: images.astype(CAST_TO[wanted.type])})]


def last_layer(model):
    """The last convolution or product before the output, and the DequantizeLinear its activation comes from."""
    producer = {name: node for node in model.graph.node for name in node.output}

    def back_to(name, kinds):
        while producer[name].op_type not in kinds:
            name = next(n for n in producer[name].input if n in producer)
        return producer[name]

    layer = back_to(model.graph.output[0].name, ("Conv", "Gemm", "MatMul"))
    return layer, back_to(layer.input[0], ("DequantizeLinear",))


def logits_and_steps(model, images):
    """Logits [N, 10], and steps [10, 10]: how far one code of one input of the last layer can move two logits apart."""
    layer, dequantize = last_layer(model)
    model.graph.output.extend([onnx.ValueInfoProto(name=layer.input[1]), onnx.ValueInfoProto(name=dequantize.input[1])])
    logits, weight, scale = run_onnx(model, images)
    rows_are_outputs = layer.op_type == "Conv" or any(a.name == "transB" and a.i for a in layer.attribute)
    weight = weight.reshape(weight.shape[0], -1) if rows_are_outputs else weight.T
    return logits, float(scale) * np.abs(weight[:, None] - weight[None]).max(axis=2)


def only_array(path):
    with np.load(path) as arrays:
        (name,) = arrays.files
        return arrays[name]


def compare(folder, suffix):
    """Fake-quantized logits, those of the file, which predictions differ, and how many of these are no ties."""
    fake = only_array(folder / f"quantized{suffix}.npz")
    file, steps = logits_and_steps(onnx.load(folder / f"digits_int8{suffix}.onnx"), np.load(folder / "heldout.npy"))
    a, b = fake.argmax(1), file.argmax(1)
    different = np.flatnonzero(a != b)
    beyond = sum(fake[i, a[i]] - fake[i, b[i]] > steps[a[i], b[i]] for i in different)
    return fake, file, {"different": len(different), "beyond_a_tie": int(beyond)}


def evaluate(folder):
    """Every figure of the table as a dict. Accuracies in percent."""
    labels = np.load(folder / "labels.npy")
    fake, file, fp16 = compare(folder, "")
    _, _, fp32 = compare(folder, "_fp32")

    def accuracy(logits):
        return 100.0 * float((logits.argmax(1) == labels).mean())

    rtx = folder / "rtx.json"
    return {
        "report": json.loads((folder / "report.json").read_text()),
        "samples": len(labels),
        "float": accuracy(only_array(folder / "float.npz")),
        "fake": accuracy(fake),
        "file": accuracy(file),
        "predictions": {"FP16": fp16, "FP32": fp32},
        "rtx": json.loads(rtx.read_text()) if rtx.exists() else None,
    }


def rtx_line(report):
    if not report["accepted"]:
        return "refused: " + "; ".join(m["text"] for m in report["parser"] + report["builder"] if m["level"] == "error")
    summary = report["summary"]
    return (
        f"accepted: {summary['kernels']} kernels, {sum(summary['low_precision'].values())} of {summary['weighted']} "
        f"convolutions and products in INT8"
    )


def print_table(folder, result):
    report, pairs = result["report"], result["report"]["qdq_pairs"]
    rows = [("fused modules", f"{count:4d}  {kind}") for kind, count in report["fused"].items()]
    rows += [("Q/DQ pairs", f"{pairs['activations']:4d}  on activations"), ("", f"{pairs['weights']:4d}  on weights")]
    rows += [
        ("accuracy", f"{result['float']:6.2f} %  float"),
        ("", f"{result['fake']:6.2f} %  fake-quantized ({result['fake'] - result['float']:+.2f} points)"),
        (
            "",
            f"{result['file']:6.2f} %  ONNX Runtime on the INT8 file ({result['file'] - result['float']:+.2f} points)",
        ),
    ]
    rows += [
        (
            "predictions",
            f"{result['samples'] - found['different']:4d} of {result['samples']} as fake-quantized, "
            f"with {region} around INT8{ties(found)}",
        )
        for region, found in result["predictions"].items()
    ]
    if result["rtx"]:
        rows.append(("NVIDIA's compiler", rtx_line(result["rtx"])))
    print(f"\n{folder / 'digits_int8.onnx'}, on {result['samples']} held-out digits\n")
    previous = None
    for label, text in rows:
        print(f"  {label if label != previous else '':18} {text}")
        previous = label


def ties(found):
    """What the differing predictions are; nothing when there are none."""
    if found["different"] == 0:
        return ""
    return f" ({found['different'] - found['beyond_a_tie']} ties within one step, {found['beyond_a_tie']} beyond)"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a figure misses its bound")
    options = parser.parse_args()

    results = [evaluate(folder) for folder in options.folders]
    if len(results) == 1:
        print_table(options.folders[0], results[0])
    else:
        print("\n  float    fake-quantized   INT8 file   predictions unlike the fake-quantized, by type around INT8")
        for folder, r in zip(options.folders, results, strict=True):
            shown = ", ".join(
                f"{found['different']} {region}{ties(found)}" for region, found in r["predictions"].items()
            )
            print(f"  {r['float']:5.2f} %       {r['fake']:5.2f} %     {r['file']:5.2f} %   {shown}   {folder.name}")
    loss = float(np.mean([r["float"] - r["file"] for r in results]))
    if len(results) > 1:
        print(f"  mean loss through INT8: {loss:.2f} points (bound {HIGHEST_MEAN_LOSS})")
    beyond = sum(found["beyond_a_tie"] for r in results for found in r["predictions"].values())
    if options.check and (beyond or (len(results) > 1 and loss > HIGHEST_MEAN_LOSS)):
        sys.exit(f"check failed: {beyond} predictions differ beyond a tie, loss {loss:.2f} points")


if __name__ == "__main__":
    main()
