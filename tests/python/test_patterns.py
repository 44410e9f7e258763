"""`--patterns`: patterns of one's own in every subcommand that transforms, and how bad files fail."""

import json

import numpy as np
import pytest

SUBCOMMANDS = ("quantize", "transform", "plan", "explain", "run")

# Wins the tie with ConvBNActPattern, which makes the same module.
MINE = """
let act = nn.ReLU | nn.ReLU6 | nn.SiLU
fusion Mine {
  %c = nn.Conv2d(%x)
  %b = nn.BatchNorm2d(%c)?
  %a = act(%b)
  => %a = FusedConvBNAct(%x) [conv=%c, bn=%b, act=%a]
}
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.gpat"
    path.write_text(MINE)
    return path


def applied(report):
    return [match["pattern"] for match in json.loads(report.read_text())["applied"]]


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_help_tells_of_patterns_in_one_line(graftwork, subcommand):
    lines = [line for line in graftwork(subcommand, "--help").stdout.splitlines() if "--patterns" in line]
    assert len(lines) == 1, lines


def test_ones_own_pattern_wins_a_tie_and_changes_nothing_else(graftwork, exported, mine, tmp_path):
    source, plain, other, report = exported("digits"), tmp_path / "a.onnx", tmp_path / "b.onnx", tmp_path / "b.json"
    graftwork("quantize", source.path, "--calibrate", source.calibration, "-o", plain)
    arguments = ("--calibrate", source.calibration, "--patterns", mine, "--report", report)
    graftwork("quantize", source.path, *arguments, "-o", other)
    assert "Mine" in applied(report)
    assert "ConvBNActPattern" not in applied(report)
    assert other.read_bytes() == plain.read_bytes()


def test_run_takes_patterns_too(graftwork, exported, tmp_path):
    source = exported("digits")
    patterns, out = tmp_path / "off.gpat", {}
    patterns.write_text("conversion NoReLU { %y = nn.ReLU(%x) => %x }")
    for name, options in {"plain": (), "off": ("--patterns", patterns)}.items():
        path = tmp_path / f"{name}.npz"
        graftwork("run", source.path, "--input", source.input, "--stage", "transformed", *options, "-o", path)
        (out[name],) = np.load(path).values()
    assert not np.array_equal(out["plain"], out["off"])


def test_a_decline_is_reported_with_its_reason(graftwork, tmp_path):
    patterns = tmp_path / "small.gpat"
    patterns.write_text(
        'fusion Small { %y = nn.Linear(%x) where out_features < 2 "it is large" => %y = FusedLinear(%x) [linear=%y] }'
    )
    graph = tmp_path / "net.gir"
    graph.write_text(
        "graph(%x: f32[1, 8]) {\n  %y = nn.Linear @fc(%x) {in_features=8, out_features=4}\n  return %y\n}\n"
    )
    report = tmp_path / "report.json"
    graftwork("transform", graph, "--patterns", patterns, "--report", report, "-o", tmp_path / "out.gir")
    assert {"pattern": "Small", "node": "y", "reason": "%y: it is large"} in json.loads(report.read_text())["skipped"]
    assert "LinearPattern took %y" in graftwork("explain", graph, "y", "--patterns", patterns).stdout


def test_a_plan_needs_the_patterns_that_it_was_made_with(graftwork, exported, mine, tmp_path):
    source, plan = exported("digits"), tmp_path / "plan.json"
    graftwork("plan", source.path, "--patterns", mine, "-o", plan)
    graftwork("transform", source.path, "--plan", plan, "--patterns", mine, "-o", tmp_path / "a.gir")
    graftwork("transform", source.path, "-o", tmp_path / "b.gir")
    assert (tmp_path / "a.gir").read_text() == (tmp_path / "b.gir").read_text()
    done = graftwork.fails("transform", source.path, "--plan", plan)
    assert "error[plan.pattern]: the plan carries out Mine at %" in done.stderr


def test_several_files_add_up_and_names_are_told_apart(graftwork, mine, tmp_path):
    graph, other = tmp_path / "net.gir", tmp_path / "other.gpat"
    graph.write_text("graph(%x: f32[1, 8]) {\n  %y = nn.Tanh @t(%x)\n  %z = nn.ReLU @r(%y)\n  return %z\n}\n")
    other.write_text("conversion Other { %y = nn.Tanh(%x) => %x }")
    done = graftwork("transform", graph, "--patterns", mine, "--patterns", other)
    assert "nn.Tanh" not in done.stdout
    done = graftwork.fails("transform", graph, "--patterns", mine, "--patterns", mine)
    assert "error[patterns.name]: there is another pattern Mine" in done.stderr
    taken = tmp_path / "taken.gpat"
    taken.write_text(MINE.replace("Mine", "LinearPattern"))
    assert "there is another pattern LinearPattern" in graftwork.fails("transform", graph, "--patterns", taken).stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "bad.gpat:1:1"),
        (b"fusion F {\n  %y = nn.Relu(%x)\n  => %x\n}", "bad.gpat:2:8"),
        (b"fusion F \0", "a control character"),
        (b"fusion \xff", "this is no UTF-8"),
        (b'fusion "', "the string is not closed"),
        (b"fusion F { %y = nn.ReLU(%x) where " + b"(" * 100_000, "nested deeper than"),
        (b"// " + b"a" * 2_000_000, "at most 1 MiB"),
    ],
)
def test_bad_files_fail_cleanly(graftwork, tmp_path, content, message):
    graph, patterns, out = tmp_path / "net.gir", tmp_path / "bad.gpat", tmp_path / "out.gir"
    graph.write_text("graph(%x: f32[1, 8]) {\n  return %x\n}\n")
    patterns.write_bytes(content)
    done = graftwork.fails("transform", graph, "--patterns", patterns, "-o", out)
    assert "error[gpat.syntax]" in done.stderr
    assert message in done.stderr
    assert not out.exists()


def test_a_missing_file_and_a_stage_without_patterns_are_refused(graftwork, exported, mine, tmp_path):
    source = exported("digits")
    assert "error[file.missing]" in graftwork.fails("transform", source.path, "--patterns", tmp_path / "none").stderr
    arguments = ("run", source.path, "--input", source.input, "--patterns", mine, "-o", tmp_path / "y.npz")
    assert "--patterns belongs to --stage" in graftwork.fails(*arguments).stderr


def test_patterns_that_try_too_much_are_an_error(graftwork, tmp_path):
    nodes = [f"  %v{i} = aten.neg.default(%v{i - 1})" for i in range(1, 4000)]
    (tmp_path / "g.gir").write_text(
        "\n".join(["graph(%x: f32[1, 8]) {", "  %v0 = aten.relu.default(%x)", *nodes, "  return %v3999", "}", ""])
    )
    stretches = ["  %a = any(%e){0,64}", "  %b = any(%a){0,64}", "  %c = any(%b){0,64}", "  %d = aten.neg.default(%c)"]
    (tmp_path / "mine.gpat").write_text(
        "\n".join(["conversion Wide {", "  %e = aten.tanh.default(%x)", *stretches, "  => %d = %x", "}", ""])
    )
    patterns, out = tmp_path / "mine.gpat", tmp_path / "o.gir"
    done = graftwork.fails("transform", tmp_path / "g.gir", "--patterns", patterns, "-o", out)
    assert (
        "error[rewrite.effort]: the patterns were given up after 140020000 steps, most of them for Wide" in done.stderr
    )
    assert not out.exists()
