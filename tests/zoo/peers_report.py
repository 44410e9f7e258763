"""What peers.py prints, what docs/peers.md shows of it, and what falls short.

Of each network a dict: by quantizer its SQNR in dB, or the words with which it failed.
"""

import pages
from peers_quantizers import OURS, PEERS, QUANTIZERS, pieces_of

PAGE = pages.ROOT / "docs" / "peers.md"
MARKS = "<!-- tests/zoo/peers.py --update: begin -->", "<!-- tests/zoo/peers.py --update: end -->"
MARGIN = 1.0  # dB that the best recipe is to have over the best peer
HEAD = f"{'SQNR, dB':16}" + "".join(f" {quantizer:>{max(8, len(quantizer))}}" for quantizer in QUANTIZERS)


def reached(figures, quantizers):
    """(dB, quantizer) of those that gave a result."""
    return [(figures[name], name) for name in quantizers if isinstance(figures.get(name), float)]


def form(figure):
    return f"{figure:.1f}" if isinstance(figure, float) else "–"


def row(name, figures):
    columns = (f" {form(figures.get(one)):>{max(8, len(one))}}" for one in QUANTIZERS)
    return f"{name:16}" + "".join(columns)


def failures(measured):
    return [
        f"{name}: {quantizer}: {figure}"
        for name, figures in measured.items()
        for quantizer, figure in figures.items()
        if isinstance(figure, str)
    ]


def shortfalls(measured):
    """Where the default is below the best peer, or the best recipe not MARGIN above it: a line each."""
    lines = []
    for name, figures in measured.items():
        if not (others := reached(figures, PEERS)):
            continue
        theirs, peer = max(others)
        best = max(reached(figures, OURS), default=None)
        if (ours := figures.get("default")) is not None and not (isinstance(ours, float) and ours >= theirs):
            lines.append(f"{name}: the default has {form(ours)} dB, {peer} {theirs:.1f}")
        if best and best[0] < theirs + MARGIN:
            lines.append(f"{name}: the best recipe ({best[1]}) has {best[0]:.1f} dB, {peer} {theirs:.1f}")
    return lines


def recipe_of(name, quantizer):
    return " + ".join(pieces_of(quantizer, name)) or "default"


def table(measured):
    rows = []
    for name, figures in measured.items():
        ours, column = max(reached(figures, OURS))
        theirs, peer = max(reached(figures, PEERS))
        margins = f"{figures['default'] - theirs:+.1f}", f"{ours - theirs:+.1f}"
        rows.append([name, *map(form, figures.values()), recipe_of(name, column), peer, *margins])
    return pages.table(["SQNR, dB", *QUANTIZERS, "best recipe", "best peer", "default − peer", "best − peer"], rows)


def write(measured):
    short = "\n".join(f"- {line}" for line in shortfalls(measured) or ["nothing"])
    verdict = f"Where the default is below the best peer, or the best recipe not {MARGIN:.0f} dB above it:\n\n{short}"
    pages.write_between(PAGE, MARKS, f"{table(measured)}\n\n{verdict}")
