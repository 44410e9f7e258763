"""`graftwork plan` and `--plan`: replayed as it is nothing changes; edited, what was edited does."""

import json

import onnx
import pytest

import support


@pytest.fixture(scope="module")
def planned(graftwork, exported, tmp_path_factory):
    """The digits network, its plan, and what quantize writes without one."""
    source, folder = exported("digits"), tmp_path_factory.mktemp("plan")
    plan, plain = folder / "plan.json", folder / "plain.onnx"
    graftwork("plan", source.path, "--quantize", "-o", plan)
    graftwork("quantize", source.path, "--calibrate", source.calibration, "-o", plain)
    return source, plan, plain


def quantize(graftwork, source, plan, out):
    return graftwork("quantize", source.path, "--plan", plan, "--calibrate", source.calibration, "-o", out)


def edited(plan, path, change):
    document = json.loads(plan.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def test_replayed_unedited_gives_the_same_bytes(graftwork, planned, tmp_path):
    source, plan, plain = planned
    quantize(graftwork, source, plan, tmp_path / "replayed.onnx")
    assert (tmp_path / "replayed.onnx").read_bytes() == plain.read_bytes()


def test_a_second_run_writes_the_same_plan(graftwork, planned, tmp_path):
    source, plan, _ = planned
    graftwork("plan", source.path, "--quantize", "-o", tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == plan.read_text()


def test_a_layer_that_is_switched_off_stays_float(graftwork, planned, tmp_path):
    source, plan, plain = planned

    def classifier_off(document):
        (weight,) = [w for w in document["stubs"]["weights"] if w["layer"].startswith("classifier")]
        weight["quantized"] = False
        for stub in document["stubs"]["stubs"]:
            if [reader["module"] for reader in stub["readers"]] == [weight["module"]]:
                stub["apply"] = False

    quantize(graftwork, source, edited(plan, tmp_path / "edited.json", classifier_off), tmp_path / "edited.onnx")
    before, after = support.QdqGraph(plain), support.QdqGraph(tmp_path / "edited.onnx")
    assert len(after.weight_dequantizers()) == len(before.weight_dequantizers()) - 1
    assert len(after.activation_quantizers()) == len(before.activation_quantizers()) - 1


def test_half_a_layer_is_warned_about(graftwork, planned, tmp_path):
    source, plan, _ = planned

    def first_stub_off(document):
        document["stubs"]["stubs"][0]["apply"] = False

    done = quantize(graftwork, source, edited(plan, tmp_path / "edited.json", first_stub_off), tmp_path / "edited.onnx")
    assert "its weight is quantized and its input is not" in done.stdout + done.stderr


def test_a_fusion_that_is_switched_off_brings_back_what_lost_to_it(graftwork, planned, tmp_path):
    source, plan, _ = planned

    def add_apart(document):
        (match,) = [
            m
            for m in document["transformation"]["rounds"][-1]["matches"]
            if m["pattern"] == "ConvBNAddActPattern" and m["apply"]
        ]
        match["apply"] = False

    path = edited(plan, tmp_path / "edited.json", add_apart)
    graftwork("transform", source.path, "--plan", path, "-o", tmp_path / "fused.gir")
    fused = (tmp_path / "fused.gir").read_text()
    assert "FusedConvBNAddAct @" not in fused
    assert "FusedConvBNAdd @" in fused
    assert "nn.ReLU @" in fused.replace("act=nn.ReLU @", "")
    # The Q/DQ of the old fusions do not fit; planned again, they do.
    graftwork.fails(
        "quantize", source.path, "--plan", path, "--calibrate", source.calibration, "-o", tmp_path / "no.onnx"
    )
    graftwork("plan", source.path, "--plan", path, "--quantize", "-o", tmp_path / "again.json")
    quantize(graftwork, source, tmp_path / "again.json", tmp_path / "edited.onnx")
    assert support.run_onnx(tmp_path / "edited.onnx", source.x)


FP8 = {"precision": "fp8"}


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"activation": FP8, "weight": FP8}, "the recipe asks for FP8, and the plan has INT8 for quant_stub_0"),
        ({"weight": {"precision": "int4", "block_size": 64}}, "the recipe asks for INT4 weights in blocks of 64"),
        ({"policy": {"depthwise": "float"}}, "so do the recipe's policy and rules"),
        ({"policy": {"rules": [{"match": {"name": "*"}, "precision": "fp8"}]}}, "so do the recipe's policy and rules"),
    ],
    ids=["fp8", "int4", "policy", "rules"],
)
def test_a_recipe_of_other_formats_is_refused(graftwork, planned, tmp_path, recipe, said):
    source, plan, _ = planned
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    command = ("quantize", source.path, "--plan", plan, "--config", tmp_path / "recipe.json")
    done = graftwork.fails(*command, "--calibrate", source.calibration, "-o", tmp_path / "y.onnx")
    assert "error[usage]" in done.stderr
    assert said in done.stderr
    assert not (tmp_path / "y.onnx").exists()


def test_a_recipe_of_the_plans_formats_is_followed(graftwork, planned, tmp_path):
    source, *_ = planned
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"activation": FP8, "weight": FP8}))
    graftwork("plan", source.path, "--quantize", "--config", recipe, "-o", tmp_path / "fp8.json")
    command = ("quantize", source.path, "--config", recipe, "--calibrate", source.calibration)
    graftwork(*command, "-o", tmp_path / "recipe.onnx")
    graftwork(*command, "--plan", tmp_path / "fp8.json", "-o", tmp_path / "both.onnx")
    assert (tmp_path / "both.onnx").read_bytes() == (tmp_path / "recipe.onnx").read_bytes()


def test_the_file_tells_plans_of_other_codes_apart(graftwork, planned, tmp_path):
    source, plan, plain = planned

    def in_fp8(document):
        for entry in [*document["stubs"]["stubs"], *document["stubs"]["weights"]]:
            entry["precision"] = "fp8"

    quantize(graftwork, source, edited(plan, tmp_path / "fp8.json", in_fp8), tmp_path / "fp8.onnx")
    told = [{p.key: p.value for p in onnx.load(path).metadata_props} for path in (plain, tmp_path / "fp8.onnx")]
    assert told[0]["graftwork.quantized"] != told[1]["graftwork.quantized"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quantize", "--plan", "absent.json", "--calibrate", "{data}", "-o", "y.onnx"], "absent.json"),
        (["quantize", "--plan", "broken.json", "--calibrate", "{data}", "-o", "y.onnx"], "the plan is not JSON"),
        (
            ["quantize", "--plan", "{plan}", "--skip", "classifier", "--calibrate", "{data}", "-o", "y.onnx"],
            "the modules to skip",
        ),
        (["plan", "--skip", "classifier", "-o", "p.json"], "--quantize"),
        (["run", "--plan", "{plan}", "--input", "{input}", "-o", "y.npz"], "--plan belongs to"),
        (["plan"], "--output"),
    ],
)
def test_bad_use(graftwork, planned, tmp_path, arguments, said):
    source, plan, _ = planned
    (tmp_path / "broken.json").write_text('{"format": 1,')
    known = {"data": source.calibration, "plan": plan, "input": source.input}
    verb, *rest = [argument.format(**known) for argument in arguments]
    done = graftwork.fails(verb, source.path, *rest, cwd=tmp_path)
    assert said in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.json"]
