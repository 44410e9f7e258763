"""`quantize --html`: one file that shows the report. Its bytes, and what a browser makes of it."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

import browser
import page_networks

NEXT_FRAME = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
HOSTILE = "</script><script>document_title=1</script><b>&amp<!--"


def write_page(graftwork, folder, network, *options, method="mse"):
    page, report = folder / f"{network.name}.html", folder / f"{network.name}.json"
    command = ("quantize", network.path, "--calibrate", network.calibration, "--calibration-method", method, *options)
    graftwork(*command, "--html", page, "--report", report, "-o", folder / "out.onnx")
    return page, json.loads(report.read_text())


@pytest.fixture(scope="module")
def made(graftwork, exported, tmp_path_factory):
    """Page and report of a small network of which one layer stays in floating point."""
    return write_page(graftwork, tmp_path_factory.mktemp("page"), exported("digits"), "--skip", "separable.pointwise")


@pytest.fixture(scope="module")
def large(made, tmp_path_factory):
    """The same page with 5,000 nodes."""
    page, report = made
    path = tmp_path_factory.mktemp("large") / "large.html"
    text = page.read_text()
    path.write_text(page_networks.with_report(text, page_networks.large_report(report, 5000)))
    return path


@pytest.fixture
def look():
    """look(path, **page): an open page; at the end none of them may have met an error or asked for another address."""
    if browser.command() is None:
        pytest.skip("there is no Chromium (scripts/setup.sh browser)")
    opened = []

    def look_at(path, **options):
        opened.append((path, browser.Page(**options)))
        return opened[-1][1].open(path)

    yield look_at
    for path, page in opened:
        with page:
            assert page.errors == []
            assert page.asked == [f"file://{path}"]


# ---- the file -------------------------------------------------------------------------------------------


def test_page_is_the_same_whatever_threads_it_was_made_with(graftwork, exported, made, tmp_path):
    again, _ = write_page(graftwork, tmp_path, exported("digits"), "--skip", "separable.pointwise")
    assert again.read_bytes() == made[0].read_bytes()
    command = [graftwork.path, "quantize", exported("digits").path, "--calibrate", exported("digits").calibration]
    options = ["--calibration-method", "mse", "--skip", "separable.pointwise", "--quiet"]
    outputs = ["--html", tmp_path / "one.html", "-o", tmp_path / "one.onnx"]
    subprocess.run([*command, *options, *outputs], env={"OMP_NUM_THREADS": "1"}, check=True)
    assert (tmp_path / "one.html").read_bytes() == made[0].read_bytes()


def test_page_needs_nothing_else(made):
    text = made[0].read_text()
    markup = page_networks.DATA.sub("", text)
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#)([^"']*)""", markup) == []
    assert re.findall(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|import\(|sendBeacon", markup) == []
    addresses = set(re.findall(r"\w+://[^\s\"']+", markup))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "the name of SVG's elements is no address that is asked for"
    assert "default-src 'none'" in markup


def test_page_holds_the_report(made):
    page, report = made
    data = page_networks.report_of(page.read_text())
    assert set(report) - set(data) == {"applied"}
    for key in set(report) - {"applied", "skipped"}:
        assert data[key] == report[key], key
    nodes = {node["name"] for node in report["network"]}
    assert all(match["node"] in nodes for match in data["skipped"])
    calibrated = {stub["name"] for stub in report["stubs"]}
    assert set(data["histograms"]) == calibrated
    for histogram in data["histograms"].values():
        assert 0 < len(histogram["bars"]) <= 96
        assert histogram["bars"][-1] > 0
    assert len(data["weight_scales"]) == report["qdq_pairs"]["weights"]


@pytest.mark.parametrize("name", ["digits", "encoder"])
def test_network_in_the_report_is_that_of_the_plan(graftwork, exported, tmp_path, name):
    skipped = {"digits": "separable.pointwise", "encoder": "blocks.0.up"}[name]
    _, report = write_page(graftwork, tmp_path, exported(name), "--skip", skipped)
    nodes = {node["name"]: node for node in report["network"] if node["kind"] != "output"}
    kernels = [node for node in report["network"] if node["kind"] == "kernel"]
    assert sum(report["fused"].values()) == len(kernels)
    reads = [read for node in report["network"] for read in node["reads"]]
    assert all(read["node"] in nodes for read in reads)
    planned = {
        (reader["module"], reader["input"], stub["name"])
        for stub in report["stubs"]
        for reader in stub["readers"]
        if "value" not in stub
    }
    seen = {(n["module"], r["input"], r["stub"]) for n in kernels for r in n["reads"] if "stub" in r}
    assert seen == planned
    int8 = {node["module"] for node in kernels if node["precision"] == "int8"}
    quantized = {weight["module"] for weight in report["weights"] if weight["quantized"]}
    assert quantized <= int8
    assert {weight["module"] for weight in report["weights"] if not weight["quantized"]}.isdisjoint(int8)
    assert int8 != {node["module"] for node in kernels}, "one is skipped"
    layers = [layer["path"] for node in kernels for layer in node["layers"]]
    assert {weight["layer"] for weight in report["weights"]} <= set(layers)
    (result,) = [node for node in report["network"] if node["kind"] == "output"]
    assert result["type"].startswith("f32[")


# ---- in a browser ---------------------------------------------------------------------------------------


def test_page_shows_the_summary(made, look):
    page, report = made
    seen = look(page)
    assert seen.run("document.body.dataset.ready") == "yes"
    assert seen.run("document.title") == f"{report['model']} · Graftwork"
    head = seen.run("document.querySelector('header').innerText")
    (output,) = report["losses"]["outputs"]
    assert f"{output['sqnr_db']:.1f} dB" in head
    int8 = sum(node["precision"] == "int8" for node in report["network"] if node["kind"] == "kernel")
    assert f"{int8} of {sum(report['fused'].values())}" in head
    text = seen.run("document.getElementById('details').innerText")
    worst = sorted(report["losses"]["kernels"], key=lambda kernel: kernel["own_sqnr_db"])[:5]
    shown = seen.run("[...document.querySelectorAll('#worst .link')].map(link => link.textContent)")
    assert shown == [kernel["layer"] for kernel in worst]
    assert "skipped by the recipe" in text
    for warning in report["warnings"]:
        assert warning in text


def test_page_tells_of_fp8_and_bf16(graftwork, exported, look, tmp_path):
    (tmp_path / "fp8.json").write_text(json.dumps({part: {"precision": "fp8"} for part in ("activation", "weight")}))
    source, page = exported("digits"), tmp_path / "page.html"
    graftwork(
        *("quantize", source.path, "--calibrate", source.calibration, "--config", tmp_path / "fp8.json"),
        *("--float", "bf16", "--skip", "separable.pointwise", "--quiet"),
        *("--html", page, "--report", tmp_path / "report.json", "-o", tmp_path / "out.onnx"),
    )
    report = json.loads((tmp_path / "report.json").read_text())
    seen = look(page)
    assert "kernels in FP8" in seen.run("document.querySelector('header').innerText")
    assert seen.run("[...new Set(nodes.map(node => node.precision))].sort()") == ["bf16", "fp8", "other"]
    seen.run("pick(nodes.find(node => node.precision === 'fp8'))")
    text = seen.run("document.getElementById('details').innerText")
    assert "FP8" in text
    assert "INT8" not in text
    (stub, *_) = report["stubs"]
    assert seen.run(f"rangeEnd(stubsByName.get('{stub['name']}'))") == pytest.approx(stub["scale"] * 448)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_network_is_drawn_in_the_colours_of_its_precisions(made, look, dark):
    seen = look(made[0], dark=dark)
    seen.run(NEXT_FRAME)
    # The pixels along the left edges of the nodes, in the middle of their heights.
    colours = seen.run(
        """nodes.map(node => {
          const x = (node.x - SIZE.width / 2 - view.x) * view.scale + canvas.clientWidth / 2;
          const y = (node.y - view.y) * view.scale + canvas.clientHeight / 2;
          if (y < 0 || y > canvas.clientHeight) return null;
          const [r, g, b] = canvas.getContext('2d').getImageData(x + 4, y + 14, 1, 1).data;
          return [node.precision, r, g, b].join();
        }).filter(Boolean)"""
    )
    by_precision = {colour.split(",", 1)[0]: colour for colour in colours}
    assert {"int8", "fp16", "other"} <= set(by_precision)
    assert len({colour.split(",", 1)[1] for colour in by_precision.values()}) == len(by_precision)
    brightness = seen.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (max(brightness) < 80) == dark


def test_search_narrows_list_and_graph(made, look):
    page, report = made
    seen = look(page)
    seen.run("document.getElementById('search').focus()")
    name = report["losses"]["kernels"][-1]["layer"]
    seen.type(name)
    labels = seen.run("[...document.querySelectorAll('#rows b')].map(row => row.textContent)")
    assert labels == [label for label in seen.run("nodes.map(node => node.label)") if name in label]
    assert seen.run("document.getElementById('found').textContent") == f"1 of {len(report['network'])}"
    assert seen.run("nodes.filter(node => !isDimmed(node)).map(node => node.label)") == labels
    seen.key("Enter")
    assert seen.run("document.querySelector('#details h2').textContent") == name
    seen.key("Escape")
    assert seen.run("document.getElementById('search').value") == ""
    assert seen.run("state.listed.length") == len(report["network"])
    seen.run("document.getElementById('search').blur()")
    seen.key("/")
    assert seen.run("document.activeElement.id") == "search"


def test_click_on_a_kernel_shows_what_it_is(made, look):
    page, report = made
    seen = look(page)
    kernel = report["losses"]["kernels"][1]
    node = next(node for node in report["network"] if node.get("module") == kernel["module"])
    seen.run(f"showNode(nodesByName.get({json.dumps(node['name'])}))")
    box = seen.run(
        "(() => { const b = canvas.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })()"
    )
    seen.click(*box)
    text = seen.run("document.getElementById('details').innerText")
    assert seen.run("document.querySelector('#details h2').textContent") == kernel["layer"]
    stub = next(stub for stub in report["stubs"] if {"module": node["module"], "input": 0} in stub["readers"])
    for shown in (
        *(f"{kernel[key]:.1f} dB" for key in ("own_sqnr_db", "sqnr_db")),
        *(layer["path"] for layer in node["layers"]),
        *(layer["text"] for layer in node["layers"]),
        *(str(stub["scale"]), stub["reason"], stub["name"], stub["method"]),
        *(node["type"], node["op"], node["name"]),
    ):
        assert shown in text, shown
    end = seen.run("Number(document.querySelector('#details svg .end').getAttribute('x1'))")
    histogram = page_networks.report_of(page.read_text())["histograms"][stub["name"]]
    reach = max(len(histogram["bars"]) * histogram["width"], stub["scale"] * 127)
    assert end == pytest.approx(2 + stub["scale"] * 127 / reach * 356, abs=0.01)
    bars = seen.run("document.querySelector('#details svg').querySelectorAll('.bar, .cut').length")
    assert bars == sum(count > 0 for count in histogram["bars"])


def test_kernel_in_floating_point_says_why(made, look):
    _, report = made
    seen = look(made[0])
    skipped = next(missing for missing in report["missing"] if missing["reason"] == "skipped by the recipe")
    seen.run(f"pick(nodesByModule.get({json.dumps(skipped['module'])}))")
    assert "skipped by the recipe" in seen.run("document.querySelector('#details .note').textContent")


def test_kernel_shows_the_warnings_that_name_it(made, look, tmp_path):
    page, report = made
    nodes = [node for node in report["network"] if node["kind"] == "kernel"][:2]
    warnings = [f"{nodes[0]['layers'][0]['path']}: it is wide", f"%{nodes[1]['name']}, and others, were zero"]
    (tmp_path / "warned.html").write_text(page_networks.with_report(page.read_text(), report | {"warnings": warnings}))
    seen = look(tmp_path / "warned.html")
    for node, warning in zip(nodes, warnings, strict=True):
        seen.run(f"pick(nodesByName.get({json.dumps(node['name'])}))")
        assert seen.run("[...document.querySelectorAll('#details .note')].map(note => note.textContent)") == [warning]


def test_page_without_histograms_or_losses_says_so(graftwork, exported, look, tmp_path):
    page, report = write_page(graftwork, tmp_path, exported("digits"), "--no-losses", method="minmax")
    assert "losses" not in report
    seen = look(page)
    module = report["stubs"][1]["readers"][0]["module"]
    seen.run(f"pick(nodesByModule.get({json.dumps(module)}))")
    text = seen.run("document.getElementById('details').innerText")
    assert "no histogram" in text
    assert "not measured" in text
    assert seen.run("document.querySelectorAll('#details svg .end').length") == 0


def test_page_shows_what_the_inputs_look_like(made, look):
    """The figures of the report, beside what the batch norm behind the first convolution was trained with."""
    page, report = made
    (facts,) = report["inputs"]
    seen = look(page)
    text = seen.run("document.querySelector('#details .input').innerText")
    for number in (facts["min"], facts["max"], *facts["mean"], *facts["std"]):
        assert seen.run(f"short({number})") in text, number
    assert text.startswith(facts["input"])
    seen.run("document.querySelector('#details .input .link').click()")
    assert seen.run("state.picked.name") == facts["input"]


EXPECTED = {"layer": "conv1", "batch_norm": "bn1", "shift": 2.25, "variance_ratio": 65000.0, "divergence": 3.5}


@pytest.mark.parametrize(
    ("expected", "notes"),
    [
        (None, []),
        ({**EXPECTED, "is_mismatch": False}, []),
        ({**EXPECTED, "is_mismatch": True}, ["not scaled as in training: the mean is 2.25 deviations away"]),
        ({**EXPECTED, "is_mismatch": True, "explanation": "0 to 1 was expected"}, ["; 0 to 1 was expected"]),
    ],
    ids=["nothing known", "as in training", "mismatch", "explained"],
)
def test_page_says_whether_the_data_are_scaled_as_in_training(made, look, tmp_path, expected, notes):
    page, report = made
    facts = {"input": "x", "min": 0.0, "max": 255.0, "mean": [123.5], "std": [58.25]}
    changed = report | {"inputs": [facts | ({"expected": expected} if expected else {})]}
    (tmp_path / "page.html").write_text(page_networks.with_report(page.read_text(), changed))
    seen = look(tmp_path / "page.html")
    found = seen.run("[...document.querySelectorAll('#details .input .note')].map(note => note.textContent)")
    assert len(found) == len(notes)
    assert all(note in line for note, line in zip(notes, found, strict=True))
    text = seen.run("document.querySelector('#details .input').innerText")
    assert ("bn1 behind conv1" in text) == (expected is not None)
    assert ("as in training: the mean is 2.25 deviations away, the variance 65000 times" in text) == bool(expected)


def quantize_by(graftwork, folder, network, recipe):
    """Page and report of what a recipe makes of a network; the page shows none of what the recipe does not ask for."""
    (folder / "recipe.json").write_text(json.dumps(recipe))
    return write_page(graftwork, folder, network, "--config", folder / "recipe.json")


def rows_of(seen, table):
    return seen.run(f"[...document.querySelectorAll('#{table} tbody tr')].map(row => row.innerText)")


def test_page_shows_what_was_smoothed(graftwork, exported, made, look, tmp_path):
    page, report = quantize_by(graftwork, tmp_path, exported("encoder"), {"smooth_quant": {"alpha": 0.5}})
    moved = [pair for pair in report["smoothing"] if "refused" not in pair]
    assert moved
    seen = look(page)
    rows = rows_of(seen, "smoothing")
    for row, pair in zip(rows, moved, strict=True):
        assert pair["source"] in row
        assert all(reader in row for reader in pair["readers"])
        assert seen.run(f"short({pair['smallest_factor']}) + ' to ' + short({pair['largest_factor']})") in row
        assert "α 0.5" in row
    text = seen.run("document.getElementById('details').innerText")
    assert f"SMOOTHQUANT: {len(moved)} OF {len(report['smoothing'])} PAIRS" in text.upper()
    for pair in report["smoothing"]:
        assert pair.get("refused", "") in text
    seen.run("document.querySelector('#smoothing .link').click()")
    assert f"SmoothQuant: {moved[0]['source']} → " in seen.run("document.getElementById('details').innerText")
    assert rows_of(look(made[0]), "smoothing") == []


@dataclass(frozen=True)
class Network:
    name: str
    path: Path
    calibration: Path


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Two convolutions; a channel between them is a hundred times the others."""
    folder = tmp_path_factory.mktemp("uneven")
    torch.manual_seed(1)
    layers = [torch.nn.Conv2d(3, 16, 3), torch.nn.BatchNorm2d(16), torch.nn.ReLU(), torch.nn.Conv2d(16, 4, 3)]
    model = torch.nn.Sequential(*layers).eval()
    with torch.no_grad():
        model[1].weight[5] = 100
    torch.export.save(torch.export.export(model, (torch.rand(2, 3, 12, 12),)), folder / "net.pt2")
    np.save(folder / "x.npy", np.random.default_rng(0).standard_normal((16, 3, 12, 12)).astype(np.float32))
    return Network("uneven", folder / "net.pt2", folder / "x.npy")


def test_page_shows_what_was_equalized(graftwork, uneven, look, tmp_path):
    recipe = {"weight": {"cross_layer_equalization": True}}
    page, report = quantize_by(graftwork, tmp_path, uneven, recipe)
    first = report["equalization"][0]
    seen = look(page)
    assert rows_of(seen, "equalization")[0].split()[:2] == [first["source"], *first["readers"]]
    assert rows_of(seen, "outliers") == []


def test_page_shows_the_outlier_channels(graftwork, uneven, look, tmp_path):
    page, report = quantize_by(graftwork, tmp_path, uneven, {"activation": {"outlier_channels": "divide"}})
    (divided,) = report["outlier_channels"]
    seen = look(page)
    (row,) = rows_of(seen, "outliers")
    for text in (divided["tensor"], f"in {divided['source']}", f"{divided['gained_db']:.1f} dB"):
        assert text in row
    assert seen.run(f"short({divided['largest_factor']})") in row
    seen.run("document.querySelector('#outliers .link').click()")
    assert seen.run("state.picked.name") == divided["tensor"]
    assert "are divided by up to" in seen.run("document.getElementById('details').innerText")
    assert rows_of(seen, "smoothing") == []


def test_page_takes_a_division_of_a_scale_table(graftwork, uneven, look, tmp_path):
    """Which says what is divided, and neither by what limit nor what it wins."""
    page, report = quantize_by(graftwork, tmp_path, uneven, {"activation": {"outlier_channels": "divide"}})
    (divided,) = report["outlier_channels"]
    kept = {key: divided[key] for key in ("tensor", "readers", "largest_factor")}
    changed = report | {"outlier_channels": [kept]}
    (tmp_path / "page.html").write_text(page_networks.with_report(page.read_text(), changed))
    (row,) = rows_of(look(tmp_path / "page.html"), "outliers")
    assert "by an operator of its own" in row
    assert "as the scale table has it" in row


class Hostile(torch.nn.Module):
    """Names that would be markup, and would end the script that they lie in."""

    def __init__(self):
        super().__init__()
        self.add_module(HOSTILE, torch.nn.Conv2d(3, 4, 1))
        self.add_module("\u202e\u2028 \\u003c", torch.nn.Conv2d(4, 2, 1))

    def forward(self, x):
        first, second = self.children()
        return second(first(x).relu())


def test_names_are_text_whatever_they_hold(graftwork, look, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "<img src=x onerror=alert(1)>.pt2"
    torch.export.save(torch.export.export(Hostile().eval(), (torch.randn(2, 3, 8, 8),)), path)
    np.save(tmp_path / "c.npy", torch.randn(4, 3, 8, 8).numpy())
    graftwork("quantize", path, "--calibrate", tmp_path / "c.npy", "--html", "p.html", "-o", "o.onnx", cwd=tmp_path)
    text = (tmp_path / "p.html").read_text()
    assert text.count("</script") == 2
    assert HOSTILE not in text
    seen = look(tmp_path / "p.html")
    assert seen.run("document.title") == f"{path.name} · Graftwork"
    assert seen.run("document.querySelectorAll('script').length") == 2
    assert seen.run("document.querySelectorAll('img, b b').length") == 0
    labels = seen.run("nodes.map(node => node.label)")
    assert HOSTILE in labels
    seen.run(f"pick(nodes[{labels.index(HOSTILE.replace('.', '_'))}])")
    assert seen.run("document.querySelector('#details h2').textContent") == HOSTILE
    assert seen.run("document.title") == f"{path.name} · Graftwork"


class LookAlikes(torch.nn.Module):
    """Two layers of which one is called by an escape character, and the other by what spells it."""

    def __init__(self):
        super().__init__()
        self.add_module("a\x1b", torch.nn.Linear(4, 4))
        self.add_module("a\\x1b", torch.nn.Linear(4, 4))

    def forward(self, x):
        first, second = self.children()
        return second(first(x).relu())


def test_names_that_look_alike_stay_two(graftwork, tmp_path):
    torch.export.save(torch.export.export(LookAlikes().eval(), (torch.randn(2, 4),)), tmp_path / "m.pt2")
    np.save(tmp_path / "c.npy", torch.randn(4, 4).numpy())
    graftwork("quantize", "m.pt2", "--calibrate", "c.npy", "--html", "p.html", "-o", "o.onnx", cwd=tmp_path)
    data = json.loads(page_networks.DATA.search((tmp_path / "p.html").read_text())[2])
    layers = [weight["layer"] for weight in data["weights"]]
    assert sorted(layers) == ["a\\\\x1b", "a\\x1b"]
    assert {f"{weight['module']} {weight['layer']}" for weight in data["weights"]} == set(data["weight_scales"])


def test_page_is_well_formed(made, look):
    """What the parser mends is not what was written: an element that it moves or closes shows in the tree."""
    seen = look(made[0])
    assert seen.run("document.compatMode") == "CSS1Compat"
    assert seen.run("document.head.children.length") == 6
    order = "[...document.body.children].map(child => child.tagName).join(' ')"
    assert seen.run(order) == "A HEADER MAIN NOSCRIPT SCRIPT SCRIPT"
    assert seen.run("[...document.querySelector('main').children].map(c => c.tagName).join(' ')") == "NAV SECTION ASIDE"
    ids = seen.run("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))


def test_page_is_usable_without_seeing_it(made, look):
    seen = look(made[0])
    assert seen.run("document.documentElement.lang") == "en"
    shown = seen.accessible()
    for role in ("button", "searchbox", "combobox", "listbox", "main", "navigation", "complementary"):
        assert role in {found for found, _ in shown}, role
    nameless = [
        role for role, name in shown if role in ("button", "searchbox", "combobox", "listbox", "img") and not name
    ]
    assert nameless == []
    assert seen.run("document.querySelectorAll('h1').length") == 1
    seen.run("document.getElementById('list').focus()")
    for at in range(3):
        seen.key("ArrowDown")
        assert seen.run("state.picked.index") == at
        chosen = "document.getElementById(list.getAttribute('aria-activedescendant')).getAttribute('aria-selected')"
        assert seen.run(chosen) == "true"
    seen.key("ArrowUp")
    assert seen.run("state.picked.index") == 1
    # Text on its ground: WCAG asks for 4.5.
    contrast = """(() => {
      const rgb = name => {
        const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim().slice(1);
        return [0, 2, 4].map(at => parseInt(value.slice(at, at + 2), 16) / 255)
          .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      };
      const light = name => { const [r, g, b] = rgb(name); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      const pairs = [['--text', '--panel'], ['--quiet', '--panel'], ['--quiet', '--ground'], ['--accent', '--panel'],
        ['--warn', '--warn-soft'], ...PRECISIONS.map(one => [`--${one}`, `--${one}-soft`])];
      return pairs.map(([a, b]) => [`${a} on ${b}`, ratio(a, b)]);
    })()"""
    for page in (seen, look(made[0], dark=True)):
        low = [(pair, round(ratio, 2)) for pair, ratio in page.run(contrast) if ratio < 4.5]
        assert low == []


def test_five_thousand_nodes_stay_usable(large, look):
    """No clock is asked: what is drawn and kept is bounded by the window, and the layout holds its promises."""
    seen = look(large)
    assert seen.run("nodes.length") == 5001
    assert seen.run("document.querySelectorAll('#rows .item').length") < 60
    counted = """(() => {
      let drawn = 0;
      const whole = window.drawNode;
      window.drawNode = (...values) => { ++drawn; whole(...values); };
      draw();
      window.drawNode = whole;
      return drawn;
    })()"""
    assert 0 < seen.run(counted) < 150
    assert seen.run("edges.every(edge => edge.from.y < edge.to.y)"), "every kernel stands below what it reads"
    overlapping = """(() => {
      const rows = groupBy(nodes, node => node.y);
      return [...rows.values()].some(row => {
        const x = row.map(node => node.x).sort((a, b) => a - b);
        return x.some((value, i) => i > 0 && value - x[i - 1] < SIZE.width);
      });
    })()"""
    assert not seen.run(overlapping)
    far = "edges.filter(edge => edge.isFar)"
    assert seen.run(f"{far}.length") > 10
    assert seen.run(f"{far}.every(edge => edge.laneX > edge.from.x && edge.laneX <= bounds.right)")
    seen.run("document.getElementById('search').focus()")
    wanted = seen.run("nodes[4000].name")
    seen.type(wanted)
    found = seen.run("state.listed.map(node => node.name)")
    assert found[0] == wanted
    seen.key("Enter")
    assert seen.run(f"Math.abs(view.y - nodesByName.get({json.dumps(found[0])}).y)") < 1
    seen.run("document.getElementById('order').value = 'own'")
    seen.run("document.getElementById('order').dispatchEvent(new Event('change'))")
    seen.key("Escape")
    losses = seen.run("state.listed.slice(0, 200).map(node => lossOf(node, 'own_sqnr_db'))")
    assert losses == sorted(losses)


def test_wheel_moves_and_zooms(large, look):
    seen = look(large)
    x, y = seen.run("(() => { const b = canvas.getBoundingClientRect(); return [b.x + 200, b.y + 200] })()")
    before = seen.run("[view.y, view.scale]")
    seen.wheel(x, y, 300)
    seen.run(NEXT_FRAME)
    moved = seen.run("[view.y, view.scale]")
    assert moved[0] > before[0]
    assert moved[1] == before[1]
    under = f"nodeAt({x}, {y} + 60)?.name"
    seen.wheel(x, y + 60, -100, ctrl=True)
    seen.run(NEXT_FRAME)
    assert seen.run("view.scale") > before[1]
    assert seen.run(under) == seen.run(under)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "encoder"])
def test_networks_of_other_forms_are_drawn(graftwork, exported, look, tmp_path, name):
    """Branches, groups, attention: each node has its place, and the panel of each can be shown."""
    page, report = write_page(graftwork, tmp_path, exported(name))
    seen = look(page)
    assert seen.run("nodes.length") == len(report["network"])
    assert seen.run("nodes.every(node => Number.isFinite(node.x) && Number.isFinite(node.y))")
    assert seen.run("edges.length") == sum(len(node["reads"]) for node in report["network"])
    seen.run("nodes.forEach(node => pick(node))")
    inner = [stub for stub in report["stubs"] if "value" in stub]
    assert bool(inner) == (name == "encoder")
    for stub in inner:
        seen.run(f"pick(nodesByModule.get({json.dumps(stub['readers'][0]['module'])}))")
        assert stub["name"] in seen.run("document.getElementById('details').innerText")
