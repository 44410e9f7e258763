"""What peers.py prints, what docs/peers.md shows of it, and what falls short.

Of each network a dict: by quantizer its SQNR in dB, or the words with which it failed.
"""

import pages
from peers_quantizers import OURS, PEERS, QUANTIZERS, pieces_of

PAGE = pages.ROOT / "docs" / "peers.md"
MARKS = "<!-- tests/zoo/peers.py --update: begin -->", "<!-- tests/zoo/peers.py --update: end -->"
MARGIN = 1.0  # dB that the best recipe is to have over the best peer
HEAD = f"{'SQNR, dB':16}" + "".join(f" {quantizer:>{max(8, len(quantizer))}}" for quantizer in QUANTIZERS)


def best_of(figures, quantizers):
    """(dB, quantizer) of the best that gave a result, the first of equals, or None."""
    reached = [(figures[name], name) for name in quantizers if isinstance(figures.get(name), float)]
    return max(reached, key=lambda one: one[0], default=None)


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


def recipe_of(name, quantizer):
    return " + ".join(pieces_of(quantizer, name)) or "default"


def shortfalls(measured):
    """Where the default is below the best peer, or the best recipe not MARGIN above it: a line each."""
    lines = []
    for name, figures in measured.items():
        peer, best, default = best_of(figures, PEERS), best_of(figures, OURS), figures.get("default")
        if peer is None:
            continue
        theirs = f"{peer[1]} {peer[0]:.1f}"
        if isinstance(default, str) or (default is not None and default < peer[0]):
            lines.append(f"{name}: the default has {form(default)} dB, {theirs}")
        if best and best[0] < peer[0] + MARGIN:
            lines.append(f"{name}: the best recipe ({recipe_of(name, best[1])}) has {best[0]:.1f} dB, {theirs}")
    return lines


def over(figure, peer):
    return f"{figure - peer[0]:+.1f}" if isinstance(figure, float) and peer else "–"


def table(measured):
    """What was measured, the best of both sides by name, and what our default and our best have over that peer."""
    rows = []
    for name, figures in measured.items():
        peer, best = best_of(figures, PEERS), best_of(figures, OURS)
        names = recipe_of(name, best[1]) if best else "–", peer[1] if peer else "–"
        margins = over(figures.get("default"), peer), over(best[0] if best else None, peer)
        rows.append([name, *map(form, figures.values()), *names, *margins])
    columns = next(iter(measured.values()))
    return pages.table(["SQNR, dB", *columns, "best recipe", "best peer", "default − peer", "best − peer"], rows)


def write(measured):
    short = "\n".join(f"- {line}" for line in shortfalls(measured) or ["nothing"])
    verdict = f"Where the default is below the best peer, or the best recipe not {MARGIN:.0f} dB above it:\n\n{short}"
    pages.write_between(PAGE, MARKS, f"{table(measured)}\n\n{verdict}")
