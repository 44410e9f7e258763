"""Every rule that a message or a comment cites is defined in docs/rules.md, and every one defined there is cited."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "rules.md"
ID = r"[A-Z]\d+"
CITATION = re.compile(rf"\b[Rr]ules? ({ID}(?:(?:, | and | or ){ID})*)")
# A citation may be broken by the end of a line, with the signs of a comment or of a string on both sides.
BREAK = re.compile(r'\s*"?\s*\n\s*(?://+|#|\*|")?\s*')
PLACES = (
    "src",
    "bench",
    "docs",
    "examples",
    "tests/golden",
    "tests/unit",
    "tests/python",
    "tests/zoo",
    "tests/attack",
    "tests/hostile",
)
SUFFIXES = {".h", ".cpp", ".inc", ".md", ".py", ".gir", ".gpat", ".txt"}


def cited_in(text):
    return {rule for found in CITATION.finditer(BREAK.sub(" ", text)) for rule in re.findall(ID, found[1])}


def citations():
    """Rule to the files that cite it."""
    files = [path for place in PLACES for path in (ROOT / place).rglob("*") if path.suffix in SUFFIXES]
    found = {}
    for path in [*files, *ROOT.glob("*.md")]:
        if path != RULES:
            for rule in cited_in(path.read_text()):
                found.setdefault(rule, set()).add(path.relative_to(ROOT).as_posix())
    return found


def definitions():
    """Rule to its title and its text."""
    parts = re.split(rf"^### ({ID}): (.+)\n", RULES.read_text(), flags=re.M)[1:]
    names = parts[0::3]
    assert len(names) == len(set(names)), "a rule is defined twice"
    return {rule: (title, text) for rule, title, text in zip(names, parts[1::3], parts[2::3], strict=True)}


def test_every_cited_rule_is_defined():
    cited = citations()
    assert len(cited) >= 15
    assert {rule: sorted(files) for rule, files in cited.items() if rule not in definitions()} == {}


def test_every_defined_rule_is_cited_by_the_program_or_a_page():
    cited = citations()
    used = {rule for rule, files in cited.items() if any(file.startswith(("src/", "docs/")) for file in files)}
    assert definitions().keys() - used == set()


@pytest.mark.parametrize("rule", definitions())
def test_a_definition_says_what_and_whence(rule):
    _, text = definitions()[rule]
    assert re.search(r"^Graftwork: \S", text, re.M), "what Graftwork does about it"
    assert re.search(
        r"^Source: .*(NVIDIA/TensorRT #\d|NvInfer\.h|TensorRT documentation, \"|tools/|modelopt/)", text, re.M
    )


def test_the_index_has_every_rule_once_in_order():
    entries = re.findall(rf"^- \[({ID})\]\(#([a-z0-9-]+)\): (.+)$", RULES.read_text(), re.M)
    wanted = []
    for rule, (title, _) in definitions().items():
        anchor = re.sub(r"[^a-z0-9 -]", "", f"{rule}: {title}".lower()).replace(" ", "-")
        wanted.append((rule, anchor, title))
    assert entries == wanted


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("(rule W1)", {"W1"}),
        ("Rules F1, F2 and V11: so", {"F1", "F2", "V11"}),
        ("/// A convolution (rule\n/// F4).", {"F4"}),
        ('cat("it is so (rule "\n        "C5)")', {"C5"}),
        ("// The rules\n// of F1", set()),
        ("rules of torch, FP32", set()),
    ],
)
def test_citations_are_found(text, rules):
    assert cited_in(text) == rules
