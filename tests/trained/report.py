"""What `make accuracy` prints, what docs/accuracy.md shows of it, and what a default recipe must not miss."""

import pages
from trained.networks import NETWORKS
from trained.packages import ROOT
from trained.quantizers import NAMES, ONNX_RUNTIME
from trained.scores import difference

PAGE = ROOT / "docs" / "accuracy.md"
MARKS = "<!-- tests/trained/run.py --update: begin -->", "<!-- tests/trained/run.py --update: end -->"
PEER = "ORT"


def block(name, network, results):
    """The rows of a network, a quantizer each."""
    exact = results["float"].scores
    lines = [f"{name}: {network.metric}, {exact.percent:.2f} % in float, {size(exact)}"]
    lines.append(f"  {'':16} {'SQNR':>6} {'metric':>7}  {'less ORT: 95 % interval':24} {'s':>5}")
    for quantizer in NAMES:
        result = results[quantizer]
        low, high = difference(result.scores, results[PEER].scores)
        interval = "" if quantizer == PEER else f"[{low:+.2f}, {high:+.2f}]"
        columns = f"{result.sqnr:6.1f} {result.scores.percent:7.2f}  {interval:24} {result.seconds:5.1f}"
        lines.append(f"  {quantizer:16} {columns}")
    return "\n".join(lines) + "\n"


def size(scores):
    """Test units, and decisions where a unit is several."""
    decisions = int(scores.counts.sum())
    return f"{len(scores)} units" if decisions == len(scores) else f"{len(scores)} units of {decisions} decisions"


def misses(network, results):
    """How the default recipe falls short, a line each."""
    ours = results["default"]
    for peer in ONNX_RUNTIME:
        if peer in results and ours.sqnr < results[peer].sqnr:
            yield f"{ours.sqnr:.1f} dB, and {peer} has {results[peer].sqnr:.1f}"
    if ours.sqnr < network.floor:
        yield f"{ours.sqnr:.1f} dB, below its floor of {network.floor}"
    low, high = difference(ours.scores, results[PEER].scores)
    if high < 0:
        yield f"{network.metric}: worse than {PEER} by {-high:.2f} to {-low:.2f} points"


def lost(network, results):
    """What the default recipe costs beyond `largest_loss`; of one seed that would be chance."""
    loss = results["float"].scores.percent - results["default"].scores.percent
    if network.largest_loss is not None and loss > network.largest_loss:
        yield f"{network.metric}: {loss:.2f} points lost, {network.largest_loss} are allowed"


def best_bold(values, form):
    return [f"**{form(value)}**" if form(value) == form(max(values)) else form(value) for value in values]


def sqnr_table(measured):
    rows = [
        [name, *best_bold([results[quantizer].sqnr for quantizer in NAMES], "{:.1f}".format)]
        for name, results in measured.items()
    ]
    return pages.table(["SQNR, dB", *NAMES], rows)


def metric_table(measured):
    rows = []
    for name, results in measured.items():
        exact = results["float"].scores
        low, high = difference(results["default"].scores, results[PEER].scores)
        percents = [f"{results[quantizer].scores.percent:.2f}" for quantizer in NAMES]
        interval = f"[{low:+.2f}, {high:+.2f}]"
        rows.append([name, NETWORKS[name].metric, size(exact), f"{exact.percent:.2f}", *percents, interval])
    return pages.table(["metric, %", "", "test", "float", *NAMES, "default − ORT"], rows)


def seconds_table(measured):
    rows = []
    for name, results in measured.items():
        seeds = NETWORKS[name].seeds
        rows.append([name, *(f"{results[quantizer].seconds / seeds:.1f}" for quantizer in NAMES)])
    return pages.table(["seconds", *NAMES], rows)


def write(measured, wrong):
    """Replaces what stands between the two marks of docs/accuracy.md; `wrong` is what falls short, a line each."""
    short = "\n".join(f"- {line}" for line in wrong or ["nothing"])
    verdict = f"Where `default` falls short of what must hold:\n\n{short}"
    tables = "\n\n".join((sqnr_table(measured), metric_table(measured), seconds_table(measured), verdict))
    pages.write_between(PAGE, MARKS, tables)
