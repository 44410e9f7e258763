"""Runs the networks of the zoo through the Python package, prints a row for each, and exits with 1 if a row fails.

    python tests/zoo/python_door.py [--only NAME]...

What `transform` makes of a network computes what it computes: in PyTorch, in the executor, prepared for speed, as a
copy, and in training; its quantized form is near it, computes the same in the executor, and both export.
"""

import argparse
import copy
import sys
import tempfile
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("zoo", "models", "python", "tools")]
sys.path.insert(0, str(ROOT / "build" / "python"))

import torch
from graftwork import Error, fast_eval, transform
from graftwork.onnx import export_onnx
from graftwork.quantize import quantize
from torch.utils import _pytree as pytree

from networks import NETWORKS

TOLERANCE = 1e-4  # relative, as the sums of a hundred layers in another order round
QUANTIZED_TOLERANCE = 0.5  # relative; two samples of a network of chance say no more
# Sums in another order take values over the border between two codes.
EXECUTOR_TOLERANCE = 0.2
# Evaluation, which is captured, is not what they do in training: a step of power iteration, for instance.
ONLY_IN_TRAINING = {"spectral_norm", "dinov3_transformers", "rt_detr", "rt_detr_v2"}


class Failure(Exception):  # noqa: N818  (what a row reports; never a defect of the zoo itself)
    """A step that a network does not pass."""


def tensors(tree):
    return [value for value in pytree.tree_leaves(tree) if isinstance(value, torch.Tensor)]


def compare(step, found, wanted, tolerance=TOLERANCE):
    """Throws Failure where the tensors of two results differ in number, shape or, relatively, by more."""
    found, wanted = tensors(found), tensors(wanted)
    if [value.shape for value in found] != [value.shape for value in wanted]:
        raise Failure(f"{step}: the results differ in number or shape")
    for a, b in zip(found, wanted, strict=True):
        error = float((a.double() - b.double()).norm())
        if not error <= tolerance * float(b.double().norm()):
            raise Failure(f"{step}: a result is off by {error / float(b.double().norm()):.2g}, relatively")


def drops(model):
    """Whether it drops anything in training, which capturing has removed: dropout as a module or as a number."""
    return any(
        "drop" in name and isinstance(value, float) and value > 0
        for module in model.modules()
        for name, value in [*vars(module).items(), *((f"drop_{k}", v) for k, v in vars(module).items() if k == "p")]
    )


def check_training(model, made, args, kwargs):
    """A forward and a backward as the original has them."""
    model, made = copy.deepcopy(model).train(), copy.deepcopy(made).train()
    wanted, found = tensors(model(*args, **kwargs)), tensors(made(*args, **kwargs))
    compare("training", found, wanted, 10 * TOLERANCE)
    norms = []
    for results, module in ((wanted, model), (found, made)):
        sum(value.square().mean() for value in results if value.requires_grad).backward()
        gradients = [p.grad.double().norm() for p in module.parameters() if p.grad is not None]
        norms.append(float(torch.stack(gradients).norm()))
    if not abs(norms[0] - norms[1]) <= 0.01 * norms[0]:
        raise Failure(f"training: the gradients have norm {norms[1]:.4g}, not {norms[0]:.4g}")


def check_quantized(made, args, kwargs, wanted, folder):
    q = quantize(made, args, forward_loop=lambda m: [m(*args, **kwargs)], float_type="fp32")
    found = q(*args, **kwargs)
    compare("quantized", found, wanted, QUANTIZED_TOLERANCE)
    network = q.network_now(q.quantized.form)
    stored = [network.tensors[name] for name in network.names]
    inputs = made.info.signature.flatten(args, kwargs)
    compare("quantized, executor", network.run(stored, inputs), found, EXECUTOR_TOLERANCE)
    compare("quantized, copy", copy.deepcopy(q)(*args, **kwargs), found, 0)
    if not (q.print_readable() and str(q.plan) and q.report.to_dict()):
        raise Failure("quantized: nothing to read")
    export_onnx(q, folder / "int8.onnx")


def check(name):
    """Throws Failure, or what the package throws."""
    model = NETWORKS[name].build()
    args, kwargs = NETWORKS[name].arguments(2, torch.Generator().manual_seed(0))
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        made = transform(model, args, kwargs=kwargs).model
        wanted = model(*args, **kwargs)
        found = made(*args, **kwargs)
        compare("eval", found, wanted)
        if pytree.tree_structure(found) != pytree.tree_structure(wanted):
            raise Failure("eval: results nest otherwise")
        inputs = made.info.signature.flatten(args, kwargs)
        compare("executor", made.info.network.run(made.tensors(), inputs), wanted)
        compare("fast_eval", fast_eval(made)(*args, **kwargs), wanted)
        compare("copy", copy.deepcopy(made)(*args, **kwargs), wanted)
        if not {id(p) for p in made.parameters()} <= {id(p) for p in model.parameters()}:
            raise Failure("transform: a parameter is not the model's")
        if not (made.print_readable() and repr(made)):
            raise Failure("transform: nothing to read")
        export_onnx(made, Path(folder) / "float.onnx", float_type="fp32")
        check_quantized(made, args, kwargs, wanted, Path(folder))
    if name not in ONLY_IN_TRAINING and not drops(model):
        check_training(model, made, args, kwargs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=sorted(NETWORKS), metavar="NAME")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    failed, began = 0, time.monotonic()
    names = options.only or list(NETWORKS)
    for name in names:
        start, text = time.monotonic(), ""
        try:
            check(name)
        except (Failure, Error, RuntimeError) as why:
            failed, text = failed + 1, str(why)
        print(f"{name:26} {'FAIL' if text else 'ok':4} {time.monotonic() - start:6.1f} s", flush=True)
        if text:
            print(f"    {text}", flush=True)
    print(f"zoo in Python: {len(names) - failed} passed, {failed} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
