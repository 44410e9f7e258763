"""Our inference of types and shapes (onnx/infer.h) beside ONNX's."""

import subprocess

import onnx


def onnx_types(model):
    """By name: (element type, extents or None for an unknown rank); an extent that is not known is None."""
    found = {}
    for value in [*model.graph.value_info, *model.graph.output]:
        tensor = value.type.tensor_type
        extents = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
        found[value.name] = (tensor.elem_type, extents if tensor.HasField("shape") else None)
    return found


def infer_by_onnx(model):
    """Of inputs and initializers alone. Raises onnx.shape_inference.InferenceError for what ONNX refuses."""
    bare = onnx.ModelProto.FromString(model.SerializeToString())
    bare.graph.ClearField("value_info")
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    return onnx_types(onnx.shape_inference.infer_shapes(bare, check_type=True, strict_mode=True))


def infer_by_us(graftwork, path, *options):
    """The same, or the text of a refusal."""
    tool = graftwork.path.parent / "graftwork_infer_types"
    done = subprocess.run([tool, path, *options], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        return done.stderr.strip()
    found = {}
    for line in done.stdout.splitlines():
        name, kind, extents = line.split("\t")
        dims = None if extents == "unknown" else [None if e == "?" else int(e) for e in extents.split(",") if e]
        found[name] = (int(kind), dims)
    return found


def knows(extents, other):
    """Whether extents say all that the other says."""
    if other is None:
        return True
    if extents is None or len(extents) != len(other):
        return False
    return all(theirs is None or ours == theirs for ours, theirs in zip(extents, other, strict=True))


def difference(ours, theirs):
    """What we find otherwise than ONNX, or do not find, a line a value; knowing more is no difference."""
    lines = []
    for name, (kind, extents) in theirs.items():
        found = ours.get(name)
        if found is None or found[0] != kind or not knows(found[1], extents):
            lines.append(f"{name}: {found}, by ONNX {(kind, extents)}")
    return "\n".join(lines)


def file_difference(graftwork, path):
    """Of a written file: its own types agree with ours, and ours with ONNX's."""
    listed = infer_by_us(graftwork, path, "--listed")
    if isinstance(listed, str):
        return listed
    return difference(infer_by_us(graftwork, path), infer_by_onnx(onnx.load(path)))
