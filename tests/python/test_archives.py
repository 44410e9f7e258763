"""Archives as other releases of torch wrote them (tests/data/pt2), tensors of every kind, and everything unknown."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import support
import zoo
from test_import import expected, run, save

SAMPLES = support.ROOT / "tests" / "data" / "pt2"
VERSIONS = ("2.6", "2.7", "2.8")


@pytest.mark.parametrize("form", ["", "_core"], ids=["training", "core"])
@pytest.mark.parametrize("version", VERSIONS)
def test_older_archives_run(graftwork, tmp_path, version, form):
    path = SAMPLES / f"torch_{version}{form}.pt2"
    want = np.load(SAMPLES / "output.npy")
    for stage in ("float", "transformed"):
        graftwork("run", path, "--input", f"x={SAMPLES / 'input.npy'}", "--stage", stage, "-o", tmp_path / "y.npz")
        np.testing.assert_allclose(support.only(support.load_npz(tmp_path / "y.npz")), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", ["", "_core"], ids=["training", "core"])
def test_older_archives_give_the_graph_of_today(graftwork, tmp_path, form):
    kinds = set()
    for version in VERSIONS:
        text = graftwork("transform", SAMPLES / f"torch_{version}{form}.pt2").stdout
        assert (text.count("= FusedConvBNAct @"), text.count("= FusedConvBN @")) == (2, 1), text
        assert text.count("@first.weight: f32[8, 8]") == 2, "the tied weight is one tensor"
        assert "second.weight" not in text
        kinds.add(
            tuple(
                sorted(line.split(" = ")[1].split("(")[0].split(" @")[0] for line in text.splitlines() if " = " in line)
            )
        )
    assert len(kinds) == 1, kinds


def test_other_schemas_are_refused(graftwork, tmp_path):
    def with_schema(major):
        def change(program):
            program["schema_version"]["major"] = major

        return edited(SAMPLES / "torch_2.7.pt2", tmp_path / f"schema{major}.pt2", change)

    assert "error[pt2.version]" in graftwork.fails("inspect", with_schema(9)).stderr
    assert "error[pt2.version]" in graftwork.fails("inspect", with_schema(7)).stderr


def edited(source, target, change, config=None):
    """A copy of an archive with its program (and the config of its constants) changed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            body = old.read(entry)
            if entry.filename.endswith(("models/model.json", "serialized_exported_program.json")):
                program = json.loads(body)
                change(program)
                body = json.dumps(program).encode()
            if config and entry.filename.endswith("model_constants_config.json"):
                constants = json.loads(body)
                config(constants)
                body = json.dumps(constants).encode()
            new.writestr(entry.filename, body)
    return target


class Evil:
    def __reduce__(self):
        return (eval, ("open('/tmp/graftwork_was_here', 'w')",))


def test_pickled_weights_are_never_executed(graftwork, tmp_path):
    path = tmp_path / "evil.pt2"
    with zipfile.ZipFile(SAMPLES / "torch_2.6.pt2") as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            body = old.read(entry)
            if entry.filename == "serialized_state_dict.pt":
                torch.save({"conv.weight": Evil()}, tmp_path / "state.pt")
                body = (tmp_path / "state.pt").read_bytes()
            new.writestr(entry.filename, body)
    report = graftwork.fails("inspect", path, codes=(1,)).stderr
    assert "the weights name __builtin__.eval, which is not allowed" in report
    assert not Path("/tmp/graftwork_was_here").exists()


def test_a_truncated_pickle_is_one_clear_error(graftwork, tmp_path):
    whole = (SAMPLES / "torch_2.6.pt2").read_bytes()
    for keep in (len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.pt2").write_bytes(whole[:keep])
        graftwork.fails("inspect", tmp_path / "cut.pt2", codes=(1,))


# ---- tensors -----------------------------------------------------------------------------------------------------


class Tensors(nn.Module):
    """Parameters that are no plain f32 arrays."""

    def __init__(self):
        super().__init__()
        storage = torch.randn(200)
        self.view = nn.Parameter(storage[7:19].view(3, 4))  # offset
        self.strided = nn.Parameter(storage.as_strided((3, 4), (2, 9), 30))
        self.transposed = nn.Parameter(torch.randn(4, 3).t())
        self.nested = nn.Parameter(torch.randn(2, 3, 4).permute(2, 0, 1)[:, 1:, :])
        self.short = nn.Parameter(torch.randn(4).half())
        self.wide = nn.Parameter(torch.randn(4).double())
        self.brain = nn.Parameter(torch.randn(4).bfloat16())
        self.number = nn.Parameter(torch.tensor(1.25))
        self.empty = nn.Parameter(torch.zeros(0, 4))
        self.register_buffer("flags", torch.tensor([True, False, True, True]))
        self.register_buffer("bytes", torch.arange(8, dtype=torch.uint8)[4:])
        self.register_buffer("expanded", torch.tensor(2.0).expand(4))
        self.register_buffer("last", torch.randn(3, 2, 4, 4).to(memory_format=torch.channels_last))

    def forward(self, x):
        y = (self.view + self.strided + self.transposed).sum(0) * self.number + self.expanded
        y = y + self.nested.sum((1, 2)) + torch.cat([self.empty, x]).sum(0)
        y = y + self.short.float() + self.brain.float() + self.bytes + self.flags
        return y + self.wide, self.last.sum((0, 1)) + x[:1]


@pytest.mark.parametrize("strict", [False, True], ids=["non-strict", "strict"])
def test_parameters_of_every_layout_and_type(graftwork, tmp_path, strict):
    torch.manual_seed(0)
    model, x = Tensors(), torch.randn(4, 4)
    torch.export.save(torch.export.export(model, (x,), strict=strict), str(tmp_path / "model.pt2"))
    got = run(graftwork, tmp_path, tmp_path / "model.pt2", ["x"], (x,))
    for i, value in enumerate(model(x)):
        assert got[f"output_{i}"].dtype == value.dtype
        torch.testing.assert_close(got[f"output_{i}"], value.detach(), rtol=1e-6, atol=1e-6)


class Ties(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 6)
        self.head = nn.Linear(6, 10, bias=False)
        self.head.weight = self.embed.weight
        self.again = self.head

    def forward(self, ids):
        return self.again(self.head(self.embed(ids))[..., :6])


@pytest.mark.parametrize("strict", [False, True], ids=["non-strict", "strict"])
@pytest.mark.parametrize("decompose", [False, True], ids=["training", "core"])
def test_ties_stay(graftwork, tmp_path, strict, decompose):
    model, ids = Ties(), torch.randint(0, 10, (2, 3))
    program = torch.export.export(model, (ids,), strict=strict)
    torch.export.save(program.run_decompositions() if decompose else program, str(tmp_path / "model.pt2"))
    text = graftwork("inspect", tmp_path / "model.pt2").stdout
    assert text.count("constant @") == 1, text
    got = run(graftwork, tmp_path, tmp_path / "model.pt2", ["ids"], (ids,))["output"]
    torch.testing.assert_close(got, expected(model, (ids,))["output"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("strict", [False, True], ids=["non-strict", "strict"])
def test_strict_exports_name_modules_alike(graftwork, tmp_path, strict):
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True)), nn.Flatten())
    program = torch.export.export(model.eval(), (torch.randn(1, 3, 5, 5),), strict=strict)
    torch.export.save(program, str(tmp_path / "model.pt2"))
    text = graftwork("transform", tmp_path / "model.pt2").stdout
    for path in ("nn.Conv2d @0.0", "nn.BatchNorm2d @0.1", "nn.ReLU @0.2", "nn.Flatten @1"):
        assert path in text, text


# ---- core ATen ---------------------------------------------------------------------------------------------------


def fused(graftwork, path):
    report = path.with_suffix(".json")
    graftwork("transform", path, "--report", report)
    return json.loads(report.read_text())["fused"]


@pytest.mark.parametrize("name", zoo.ZOO)
def test_decomposed_networks_fuse_and_run_alike(graftwork, exported, tmp_path, name):
    source = exported(name)
    program = torch.export.load(str(source.path)).run_decompositions()
    core = tmp_path / "core.pt2"
    torch.export.save(program, str(core))
    assert fused(graftwork, core) == fused(graftwork, source.path)
    for stage in ("float", "transformed"):
        graftwork("run", core, "--input", f"x={source.input}", "--stage", stage, "-o", tmp_path / "y.npz")
        got = support.only(support.load_npz(tmp_path / "y.npz"))
        assert support.relative_error(got, source.reference()) < 1e-5


class Spelled(nn.Module):
    """What core ATen spells otherwise: each must run."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.group, self.layer = nn.GroupNorm(2, 8), nn.LayerNorm(8)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.bilinear = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.nearest = nn.Upsample(scale_factor=2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = nn.functional.hardswish(self.instance(self.group(self.conv(x))))
        x = nn.functional.hardtanh(nn.functional.leaky_relu(self.nearest(self.bilinear(x)), 0.1))
        x = nn.functional.max_pool2d(nn.functional.pad(x, (1, 0, 1, 0), value=0.5), 3, 2, ceil_mode=True)
        x = nn.functional.adaptive_avg_pool2d(x, (4, 4))
        tokens = self.layer(x.flatten(2).transpose(1, 2))
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        return self.fc(nn.functional.gelu(tokens).mean(1)), tokens.to(torch.float64).expand(2, *tokens.shape)[0]


@pytest.mark.parametrize("dynamic", [False, True], ids=["fixed", "dynamic"])
def test_core_aten_spellings_run(graftwork, tmp_path, dynamic):
    torch.manual_seed(0)
    model, x = Spelled().eval(), torch.randn(2, 3, 8, 8)
    shapes = ({0: torch.export.Dim("batch", min=1)},) if dynamic else None
    path = save(tmp_path, model, (x,), shapes, decompose=True)
    other = torch.randn(3, 3, 8, 8) if dynamic else x
    got = run(graftwork, tmp_path, path, ["x"], (other,))
    with torch.no_grad():
        for i, value in enumerate(model(other)):
            torch.testing.assert_close(got[f"output_{i}"], value, rtol=1e-4, atol=1e-5)


# ---- everything unknown --------------------------------------------------------------------------------------------


@torch.library.custom_op("graftwork_archives::halve", mutates_args=())
def halve(x: torch.Tensor) -> torch.Tensor:
    return x / 2


@torch.library.custom_op("graftwork_archives::bump", mutates_args=("x",))
def bump(x: torch.Tensor) -> None:
    x.add_(1)


halve.register_fake(torch.empty_like)
bump.register_fake(lambda x: None)


class Unknown(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        y = torch.cond(x.sum() > 0, self.fc, lambda a: a - 1, (x,))
        z = x * 2
        bump(z)
        return halve(self.fc(y)) + z


@pytest.mark.parametrize("decompose", [False, True], ids=["training", "core"])
def test_everything_unknown_is_listed_at_once(graftwork, tmp_path, decompose):
    path = save(tmp_path, Unknown(), (torch.randn(2, 4),), decompose=decompose)
    text = graftwork("inspect", path)
    np.save(tmp_path / "x.npy", np.zeros((2, 4), np.float32))
    done = graftwork.fails("run", path, "--input", f"x={tmp_path / 'x.npy'}", "-o", tmp_path / "y.npz", codes=(1,))
    assert not (tmp_path / "y.npz").exists()
    assert "warning: 3 operators cannot be exported\n" in text.stderr
    assert "3 operators cannot be run or exported" in done.stderr
    for report in (text.stderr, done.stderr):
        lines = [line for line in report.splitlines() if "test_archives.py:" in line]
        assert any("= higher_order.cond: it runs a subgraph" in line for line in lines), report
        assert any("graftwork_archives.halve.default: it is no operator of torch" in line for line in lines), report
        assert len(lines) == 3, report


def test_custom_objects_are_listed_too(graftwork, tmp_path):
    class Plain(nn.Module):
        def forward(self, x):
            return x + torch.tensor([1.0, 2.0])

    def add_object(program):
        graph = program["graph_module"]["graph"]
        signature = program["graph_module"]["signature"]
        name, kind = "obj_queue", "__torch__.torch.classes.mine.Queue"
        graph["inputs"].insert(0, {"as_custom_obj": {"name": name, "class_fqn": kind}})
        signature["input_specs"].insert(
            0, {"custom_obj": {"arg": {"name": name, "class_fqn": kind}, "custom_obj_name": "queue"}}
        )
        last = graph["nodes"][-1]
        graph["nodes"].insert(
            0,
            {
                "target": "torch.ops.higher_order.call_torchbind",
                "inputs": [
                    {"name": "obj", "arg": {"as_custom_obj": {"name": name, "class_fqn": kind}}, "kind": 1},
                    {"name": "method", "arg": {"as_string": "size"}, "kind": 1},
                ],
                "outputs": [],
                "metadata": last["metadata"],
                "name": "call_torchbind",
            },
        )

    def add_payload(constants):
        constants["config"]["queue"] = {
            "path_name": "custom_obj_0",
            "is_param": False,
            "use_pickle": True,
            "tensor_meta": None,
        }

    source = save(tmp_path, Plain(), (torch.randn(2),))
    report = graftwork("inspect", edited(source, tmp_path / "object.pt2", add_object, add_payload)).stderr
    assert "queue: it is an object of a class of its own" in report
    assert "higher_order.call_torchbind" in report
    assert "2 operators cannot be exported" in report
